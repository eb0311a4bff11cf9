// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel

/// How the bytes of a file are packed; its first bytes tell, whatever its name says.
enum Compression {
    /// RFC 8878.
    case zstd
    /// RFC 1952.
    case gzip

    /// Nil if the file is not packed in a way that is known here.
    ///
    /// A zstd file may begin with a skippable frame, which is how the tools that pack in parallel begin theirs. No text
    /// begins like any of these.
    static func detected(from head: [UInt8]) -> Compression? {
        if head.starts(with: [0x1F, 0x8B]) { return .gzip }
        if head.starts(with: [0x28, 0xB5, 0x2F, 0xFD]) { return .zstd }
        if head.count >= 4, head[0] & 0xF0 == 0x50, head[1...3] == [0x2A, 0x4D, 0x18] { return .zstd }
        return nil
    }

    func decompressor(for path: String) throws(MigratezError) -> any Decompressor {
        switch self {
        case .zstd: try ZstdDecompressor(path: path)
        case .gzip: try GzipDecompressor(path: path)
        }
    }
}

/// Unpacks one file from its start to its end, with all the frames or members that it is made of.
protocol Decompressor: AnyObject {
    /// Whether what was taken so far is whole: the file may end here.
    var isWhole: Bool { get }

    /// Takes bytes from `input` and gives bytes to `output` until one of them is used up. With no input it gives what it
    /// still holds.
    func decompress(
        _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
    ) throws(MigratezError) -> (taken: Int, given: Int)
}

extension Decompressor {
    /// The file ends too early.
    func damaged(_ path: String) -> MigratezError { Self.damaged(path, "it ends in the middle") }

    /// The file cannot be unpacked.
    static func damaged(_ path: String, _ reason: String) -> MigratezError {
        MigratezError(
            .malformedRecord, "\(path) cannot be decompressed: \(reason)", remedy: .fixConfiguration,
            hint: "the file is damaged or was cut off: fetch it again")
    }
}
