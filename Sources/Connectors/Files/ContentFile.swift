// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel

/// The file that holds the content of one record.
enum ContentFile {
    private static let pieceBytes = 192 << 10
    private static let ending = ".writing"

    /// Hands on what lies below a folder at a path whose parts are no symbolic links.
    static func read(_ parts: [String], below folder: String, _ piece: ([UInt8]) async throws -> Void) async throws {
        guard let file = try OpenFile(parts, below: folder) else {
            throw Rejection(
                .contentUnavailable, remedy: .retry(after: nil), reason: "there is no such file, or it is a link to one"
            )
        }
        var offset = 0
        while true {
            try Task.checkCancellation()
            let bytes = try file.read(pieceBytes, at: offset)
            guard !bytes.isEmpty else { return }
            offset += bytes.count
            try await piece(bytes)
        }
    }

    /// Writes a content durably under its name: it is there as a whole, or as it was.
    static func write(_ content: RowContent, _ name: String, in folder: String) async throws {
        try OpenFile.makeFolder(folder)
        let temporary = "\(folder)/\(name)\(ending)"
        do {
            let file = try OpenFile(temporary, .replace)
            let next = try await content.pieces()
            var offset = 0
            while let piece = try await next() {
                try file.write(piece, at: offset)
                offset += piece.count
            }
            try file.synchronize()
            try OpenFile.move(temporary, to: "\(folder)/\(name)")
        } catch {
            // If that fails, too, the end of the run does it; the error that came first is the one to tell.
            do { try OpenFile.remove(temporary) } catch {}
            throw error
        }
    }

    /// Removes what writes that were cut off have left.
    static func removeLeftovers(in folder: String) throws(MigratezError) {
        guard OpenFile.exists(folder) else { return }
        for name in try OpenFile.names(in: folder) where name.hasSuffix(ending) {
            try OpenFile.remove("\(folder)/\(name)")
        }
    }
}
