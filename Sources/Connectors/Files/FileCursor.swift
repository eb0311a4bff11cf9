// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCSV
import MigratezModel

/// A place in a file: `<byte>:<row>:<line>:<size of the file>`.
///
/// The size is there because a file that has changed since cannot be gone on with: its rows may have moved.
struct FileCursor {
    var position: CSVPosition
    var fileBytes: Int

    init(_ position: CSVPosition, fileBytes: Int) {
        self.position = position
        self.fileBytes = fileBytes
    }

    init(parsing cursor: Cursor) throws(MigratezError) {
        let parts = cursor.text.split(separator: ":", omittingEmptySubsequences: false).compactMap { Int($0) }
        guard parts.count == 4, parts.allSatisfy({ $0 >= 0 }) else {
            throw MigratezError(.internalError, "'\(cursor.text)' is not a place in a file")
        }
        position = CSVPosition(byte: parts[0], row: parts[1], line: parts[2])
        fileBytes = parts[3]
    }

    var cursor: Cursor { Cursor("\(position.byte):\(position.row):\(position.line):\(fileBytes)") }

    /// Fails if the file has another size than when the place was noted.
    func check(fileBytes: Int, path: String) throws(MigratezError) {
        guard fileBytes == self.fileBytes else {
            throw MigratezError(
                .invalidSetting, "\(path) has changed since it was read up to line \(position.line - 1)",
                remedy: .fixConfiguration, hint: "put the old file back and resume, or start a new run")
        }
    }
}
