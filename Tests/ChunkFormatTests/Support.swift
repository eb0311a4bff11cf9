// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import FoundationEssentials
import MigratezChunkFormat
import MigratezCrypto
import MigratezModel
import MigratezTestKit
import Synchronization

/// A source that gives `bytes`, at most `piece` of them at once.
func source(of bytes: [UInt8], piece: Int = .max) -> ByteSource {
    let position = Position()
    return { target throws(MigratezError) in
        let start = position.value.withLock { $0 }
        let count = min(target.count, piece, bytes.count - start)
        bytes.withUnsafeBytes { target.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[start..<start + count])) }
        position.value.withLock { $0 += count }
        return count
    }
}

private final class Position: Sendable { let value = Mutex(0) }

/// The context of a chunk of the tests.
func context(
    stream: String = "contact", kind: ChunkKind = .raw, sequence: Int = 31, attempt: Int = 1,
    packing: ChunkContext.Packing = .zstd, run: String = "9f3c01aa"
) -> ChunkContext {
    guard let run = RunID(run), let stream = StreamName(stream) else { preconditionFailure("not a name") }
    let address = ChunkAddress(stream: stream, kind: kind, sequence: sequence)
    return ChunkContext(run: run, address: address, attempt: attempt, packing: packing)
}

/// A key that is always the same.
let testKey = ChunkKey(id: "slot-7", key: SymmetricKey(copying: Array(1...32)))

/// A chunk with `plaintext`, put in by pieces.
func chunk(
    _ plaintext: [UInt8], _ context: ChunkContext, key: ChunkKey = testKey, piece: Int = 10_000,
    copies: [AgeRecipient] = [], limits: ChunkLimits = ChunkLimits()
) throws -> (file: [UInt8], summary: ChunkSummary) {
    var file: [UInt8] = []
    var encoder = try ChunkEncoder(context: context, key: key, copies: copies, limits: limits, into: &file)
    var rest = plaintext[...]
    while !rest.isEmpty {
        try encoder.append(Array(rest.prefix(piece)), into: &file)
        rest = rest.dropFirst(piece)
    }
    let summary = try encoder.finish(into: &file)
    return (file, summary)
}

/// What a reader got out of a file, and how it ended.
struct Reading {
    var bytes: [UInt8] = []
    var error: MigratezError?
}

/// Reads a chunk as bytes to its end or to the first error.
func read(
    _ file: [UInt8], as context: ChunkContext, key: ChunkKey = testKey, limits: ChunkLimits = ChunkLimits(),
    piece: Int = .max
) -> Reading {
    var reading = Reading()
    do throws(MigratezError) {
        var decoder = try ChunkDecoder(
            asking: context, key: key, limits: limits, reading: source(of: file, piece: piece))
        while try decoder.nextBytes(appendingTo: &reading.bytes) {}
    } catch { reading.error = error }
    return reading
}

/// Reads a chunk as lines to its end or to the first error; the bytes have the line feeds in them.
func readLines(_ file: [UInt8], as context: ChunkContext, limits: ChunkLimits = ChunkLimits()) -> Reading {
    var reading = Reading()
    do throws(MigratezError) {
        var decoder = try ChunkDecoder(asking: context, key: testKey, limits: limits, reading: source(of: file))
        var block: [UInt8] = []
        while try decoder.next(into: &block) { reading.bytes.append(contentsOf: block) }
    } catch { reading.error = error }
    return reading
}

/// Reads an age file to its end or to the first error.
func readAge(_ file: [UInt8], _ identities: [AgeIdentity], piece: Int = .max) -> Reading {
    var reading = Reading()
    do throws(MigratezError) {
        var reader = try AgeReader(unlockedBy: identities, reading: source(of: file, piece: piece))
        while try reader.next(appendingTo: &reading.bytes) {}
    } catch { reading.error = error }
    return reading
}

/// An age file with `plaintext`.
func ageFile(_ plaintext: [UInt8], for recipients: [AgeRecipient]) throws -> [UInt8] {
    var file: [UInt8] = []
    var writer = try AgeWriter(recipients: recipients, into: &file)
    try plaintext.span.bytes.withUnsafeBytes { bytes throws(MigratezError) in
        try writer.append(bytes, into: &file)
    }
    try writer.finish(into: &file)
    return file
}

/// NDJSON of about `bytes` bytes that compresses like contacts.
func records(bytes: Int, seed: UInt64 = 1) -> [UInt8] {
    var generator = SeededGenerator(seed: seed)
    var lines: [UInt8] = []
    while lines.count < bytes {
        let id = generator.next() % 1_000_000
        lines.append(contentsOf: #"{"id":"\#(id)","properties":{"email":"p\#(id)@example.com","city":null}}"#.utf8)
        lines.append(0x0A)
    }
    return lines
}

/// Bytes that do not compress.
func noise(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
    var generator = SeededGenerator(seed: seed)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count + 8)
    while bytes.count < count { withUnsafeBytes(of: generator.next()) { bytes.append(contentsOf: $0) } }
    return Array(bytes.prefix(count))
}

func contents(of path: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: path))) }
func write(_ bytes: [UInt8], to path: String) throws { try Data(bytes).write(to: URL(filePath: path)) }
