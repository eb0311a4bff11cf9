// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCSV
import MigratezModel
import MigratezStaging

/// Reads a sheet that came back, row by row, whatever a spreadsheet made of its delimiter and encoding.
struct SheetReader {
    /// One row.
    struct Row {
        /// Its first line in the file, as an editor shows it.
        var line: Int
        var cells: [String]
    }

    private let file: any OpenFile
    private let path: String
    private var reader: CSVReader
    private var row = CSVRow()
    private var offset = 0
    private var isAtEnd = false
    /// The names of the columns.
    private(set) var header: [String] = []
    private static let blockBytes = 256 << 10

    /// Opens the file and reads its header.
    ///
    /// - Throws: `fileNotFound`; `badCorrections` if there is no header.
    init(path: String) throws {
        let files = LocalFileSystem()
        guard try files.length(path) != nil else {
            throw MigratezError(
                .fileNotFound, "there is no file \(path)", remedy: .fixConfiguration,
                hint: "write one with `migratez issues export RUN -o \(path)`")
        }
        file = try files.open(path, .reading)
        self.path = path
        let head = try Self.read(file, at: 0)
        let detected = CSVEncoding.detected(from: head)
        let encoding = detected?.encoding ?? .utf8
        // European spreadsheets put semicolons or tabs; the header tells which.
        let delimiters = [",", ";", "\t"].map { Array($0.utf8)[0] }
        let delimiter = delimiters.first { delimiter in
            var reader = CSVReader(IssueSheet.dialect(delimiter: delimiter, encoding: encoding))
            var row = CSVRow()
            reader.feed(head)
            if !reader.next(&row) {
                reader.finish()
                guard reader.next(&row) else { return false }
            }
            return row.count > 1 && row.text(0) == IssueSheet.identity[0]
        }
        guard let delimiter else {
            throw MigratezError(
                .badCorrections, "\(path):1: the first column is not '\(IssueSheet.identity[0])'",
                remedy: .fixConfiguration,
                hint: "import the file that `migratez issues export` wrote, with its first line")
        }
        reader = CSVReader(IssueSheet.dialect(delimiter: delimiter, encoding: encoding))
        header = try next()?.cells ?? []
    }

    /// The next row; nil after the last. Blank lines are none.
    ///
    /// - Throws: `badCorrections` if the row cannot be read or has another number of cells than the header.
    mutating func next() throws -> Row? {
        while true {
            guard reader.next(&row) else {
                if isAtEnd { return nil }
                let block = try Self.read(file, at: offset)
                offset += block.count
                if block.isEmpty {
                    isAtEnd = true
                    reader.finish()
                } else {
                    reader.feed(block)
                }
                continue
            }
            let line = row.start.line
            if let problem = row.problem {
                throw MigratezError(
                    .badCorrections, "\(path):\(line): \(problem.rawValue)", remedy: .fixConfiguration,
                    hint: "save the sheet as CSV in UTF-8")
            }
            if row.isBlank { continue }
            guard header.isEmpty || row.count == header.count else {
                throw MigratezError(
                    .badCorrections, "\(path):\(line): \(row.count) cells, but \(header.count) columns",
                    remedy: .fixConfiguration)
            }
            return Row(line: line, cells: row.texts)
        }
    }

    private static func read(_ file: any OpenFile, at offset: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: blockBytes)
        let count = try bytes.withUnsafeMutableBytes { try file.read(into: $0, at: offset) }
        bytes.removeLast(bytes.count - count)
        return bytes
    }
}
