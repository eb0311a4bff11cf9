// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCrypto
package import MigratezModel

/// What a finished chunk is, for the manifest.
package struct ChunkSummary: Sendable, Equatable {
    /// The bytes that were put in.
    package let plaintextBytes: Int
    /// The bytes that came out: the length of the file.
    package let ciphertextBytes: Int
    /// The SHA-256 of all bytes that came out; empty if none was asked for.
    package let ciphertextDigest: [UInt8]
}

/// Turns plaintext into a chunk: zstd, then age. Constant memory, no files, no clock.
///
/// Output is appended to a buffer of the caller's, who writes it out and empties it whenever it likes; after an error
/// the encoder and everything that came out of it is to be thrown away.
///
/// ```swift
/// var encoder = try ChunkEncoder(context: context, key: key, into: &output)
/// try encoder.append(line, into: &output)
/// let summary = try encoder.finish(into: &output)
/// ```
package struct ChunkEncoder: ~Copyable, Sendable {
    /// The bytes put in so far.
    package private(set) var plaintextBytes = 0
    /// The bytes that came out so far; up to 64 KiB (and what zstd holds back) are still inside.
    package private(set) var ciphertextBytes = 0

    private var writer: AgeWriter
    private var compressor: ZstdCompressor?
    /// Without zstd it is half of what encoding costs.
    private var digest: SHA256?
    private let limits: ChunkLimits
    private var packedBytes = 0

    /// Appends the head of the chunk to `output`.
    ///
    /// - Parameters:
    ///   - context: which chunk it is; bound into the encryption, and says whether zstd is used.
    ///   - key: wraps the chunk's file key.
    ///   - level: how hard zstd tries.
    ///   - copies: others who may open the chunk with plain `age -d` (X25519 only), for copies that outlive the run.
    ///   - limits: those on the plaintext; the length of lines is the reader's.
    ///   - digests: whether the summary is to have a digest, for a chunk that the manifest will know.
    package init(
        context: ChunkContext, key: ChunkKey, level: CompressionLevel = .fast, copies: [AgeRecipient] = [],
        limits: ChunkLimits = ChunkLimits(), digests: Bool = true, into output: inout [UInt8]
    ) throws(MigratezError) {
        let start = output.count
        digest = digests ? SHA256() : nil
        compressor = context.packing == .zstd ? try ZstdCompressor(level: level) : nil
        writer = try AgeWriter(recipients: [.chunk(key, context)] + copies, into: &output)
        self.limits = limits
        noteOutput(output, from: start)
    }

    /// Puts in the next bytes. They need not be whole lines; what a line is only the reader cares about.
    ///
    /// Throws `limitExceeded` if the chunk gets longer than a reader would accept.
    package mutating func append(_ bytes: UnsafeRawBufferPointer, into output: inout [UInt8]) throws(MigratezError) {
        guard bytes.count <= limits.plaintextMax.bytes - plaintextBytes else {
            throw MigratezError(.limitExceeded, "a chunk would hold more than \(limits.plaintextMax)")
        }
        plaintextBytes += bytes.count
        let start = output.count
        if compressor != nil {
            try compress(bytes, into: &output)
        } else {
            try writer.append(bytes, into: &output)
        }
        noteOutput(output, from: start)
    }

    /// Puts in the next bytes.
    package mutating func append(_ bytes: [UInt8], into output: inout [UInt8]) throws(MigratezError) {
        try bytes.span.withUnsafeBytes { buffer throws(MigratezError) in try append(buffer, into: &output) }
    }

    /// Appends the rest of the chunk to `output` and says what it was.
    ///
    /// Throws `limitExceeded` if a reader would take the chunk for a bomb: what cannot be read is not written.
    package consuming func finish(into output: inout [UInt8]) throws(MigratezError) -> ChunkSummary {
        let start = output.count
        while let (given, isDone) = try compressor?.end(into: writer.space(into: &output)) {
            writer.advance(by: given)
            packedBytes += given
            if isDone { break }
        }
        if compressor != nil, plaintextBytes > limits.plaintextAllowed(forPacked: packedBytes) {
            throw MigratezError(.limitExceeded, "a chunk would be packed more tightly than a reader accepts")
        }
        let (plaintextBytes, written) = (plaintextBytes, ciphertextBytes)
        var digest = digest
        try writer.finish(into: &output)
        output.withUnsafeBytes { digest?.update(UnsafeRawBufferPointer(rebasing: $0[start...])) }
        return ChunkSummary(
            plaintextBytes: plaintextBytes, ciphertextBytes: written + output.count - start,
            ciphertextDigest: digest.take()?.finish() ?? [])
    }

    private mutating func compress(_ bytes: UnsafeRawBufferPointer, into output: inout [UInt8]) throws(MigratezError) {
        var rest = bytes
        while rest.count > 0 {
            // More is certain to come after a full frame: at the least the end of the zstd frame.
            let space = try writer.space(into: &output)
            guard let (taken, given) = try compressor?.compress(rest, into: space) else { return }
            writer.advance(by: given)
            packedBytes += given
            rest = UnsafeRawBufferPointer(rebasing: rest[taken...])
        }
    }

    private mutating func noteOutput(_ output: [UInt8], from start: Int) {
        guard output.count > start else { return }
        ciphertextBytes += output.count - start
        output.withUnsafeBytes { digest?.update(UnsafeRawBufferPointer(rebasing: $0[start...])) }
    }
}
