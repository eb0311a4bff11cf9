// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezChunkFormat
import MigratezJSON
import MigratezModel
import MigratezStaging

/// The lines of all chunks of one kind of a stream, in order, block by block.
///
/// A block is whole lines and some hundred KiB, so that a stage works through it without suspending and can make what
/// it wrote durable between two blocks.
struct StreamReader: Sendable {
    let staging: StagingArea
    let stream: StreamName
    let kind: ChunkKind

    /// Calls `line` for each line with its number within the stream, and `afterBlock` when a block has been worked
    /// through; the latter is told the number of the line that comes next.
    ///
    /// - Parameter first: lines before this number are not shown; chunks that hold only such lines are not opened.
    func forEachLine(
        from first: Int = 0,
        _ line: (Int, UnsafeBufferPointer<UInt8>) throws -> Void,
        afterBlock: (Int) async throws -> Void = { _ in }
    ) async throws {
        let chunks = try await staging.chunks(of: stream, kind: kind)
        var number = 0
        for chunk in chunks {
            if number + chunk.records <= first {
                number += chunk.records
                continue
            }
            var reader = try staging.openChunkReader(chunk)
            var block: [UInt8] = []
            while try reader.next(into: &block) {
                try Task.checkCancellation()
                try block.withUnsafeBufferPointer { bytes in
                    for range in LineRanges(block) {
                        if number >= first { try line(number, UnsafeBufferPointer(rebasing: bytes[range])) }
                        number += 1
                    }
                }
                try await afterBlock(number)
            }
        }
    }
}
