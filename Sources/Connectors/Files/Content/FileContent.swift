// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import Synchronization

/// The content of one file, unpacked if the file is packed, from any place on.
///
/// `@unchecked Sendable` is sound because one reader has it at a time: who takes it from the shelf owns it until it is
/// put back.
final class FileContent: @unchecked Sendable {
    let path: String
    private let file: OpenFile
    private let packed: PackedContent?

    init(_ path: String) throws(MigratezError) {
        let file = try OpenFile(path, .read)
        let compression = Compression.detected(from: try file.read(4, at: 0))
        self.path = path
        packed = try compression.map { compression throws(MigratezError) in try PackedContent(path, compression) }
        self.file = file
    }

    var isPacked: Bool { packed != nil }

    /// Says that nothing before `offset` will be read again soon.
    func keep(from offset: Int) { packed?.keptFrom = offset }

    /// Up to `count` bytes of the content from `offset`; fewer only at its end.
    func read(_ count: Int, at offset: Int) throws(MigratezError) -> [UInt8] {
        guard let packed else { return try file.read(count, at: offset) }
        return try packed.read(count, at: offset, of: file)
    }
}

/// The packed files that were read up to the end of a page, to go on with when the next page is asked for.
final class ContentShelf: Sendable {
    private let contents = Mutex<[String: FileContent]>([:])

    /// The content of the file, at the place where the page before ended if nobody else took it meanwhile.
    func take(_ path: String) throws(MigratezError) -> FileContent {
        if let content = contents.withLock({ $0.removeValue(forKey: path) }) { return content }
        return try FileContent(path)
    }

    /// A file that is not packed costs nothing to open again.
    func put(_ content: FileContent) {
        guard content.isPacked else { return }
        contents.withLock { $0[content.path] = content }
    }
}
