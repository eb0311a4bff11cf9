// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCrypto
package import MigratezModel

/// What a reader gets its bytes from: fills up to the whole of the buffer and returns how many bytes it wrote, 0 at
/// the end only. A file, a socket, an array.
package typealias ByteSource = @Sendable (UnsafeMutableRawBufferPointer) throws(MigratezError) -> Int

/// Reads an age file frame by frame. Constant memory; no byte leaves before its frame is authentic.
///
/// That the file is complete is known only after the last frame: a file that was cut at a frame's border gives the
/// frames before the cut, then throws.
package struct AgeReader: ~Copyable, Sendable {
    private var input: InputBuffer
    private var cipher: StreamCipher
    private let plaintext = ByteBuffer(count: StreamCipher.frameBytes)
    /// What of `plaintext` has not been consumed.
    private var start = 0
    private var end = 0
    private var isAtEnd = false
    /// What is wrong with the place of the current frame.
    private var damage: String?

    /// Reads the header from `source` and opens the file key with the first of `identities` that fits.
    package init(unlockedBy identities: [AgeIdentity], reading source: @escaping ByteSource) throws(MigratezError) {
        // One byte more than a frame tells whether that frame is the last.
        var input = InputBuffer(capacity: max(StreamCipher.sealedFrameBytes * 2, AgeHeader.bytesMax), source: source)
        let header = try AgeHeader.read(from: &input)
        let fileKey = try Self.fileKey(of: header, unlockedBy: identities)
        guard header.isAuthentic(under: fileKey) else { throw ageFailure(.mac, "the code of the header is wrong") }
        try input.fill(atLeast: StreamCipher.saltBytes)
        guard input.available.count >= StreamCipher.saltBytes else {
            throw ageFailure(.header, "the file ends after the header")
        }
        cipher = try StreamCipher(fileKey: fileKey, salt: Array(input.available[..<StreamCipher.saltBytes]))
        input.consume(StreamCipher.saltBytes)
        self.input = input
    }

    private static func fileKey(
        of header: AgeHeader, unlockedBy identities: [AgeIdentity]
    ) throws(MigratezError) -> SymmetricKey {
        if header.stanzas.count > 1, header.stanzas.contains(where: { $0.type == ScryptStanza.type }) {
            throw ageFailure(.header, "a passphrase is not the only recipient")
        }
        for identity in identities {
            if let key = try identity.unwrap(header.stanzas) { return key }
        }
        throw ageFailure(.noMatch, "no identity fits any of the recipients")
    }

    /// The plaintext of the current frame that has not been consumed; valid until the next call of `advance`.
    var unread: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: plaintext.bytes[start..<end]) }

    /// Marks the first `count` bytes of `unread` as used.
    mutating func consume(_ count: Int) {
        precondition(count <= end - start, "consumed more than the frame holds")
        start += count
    }

    /// Opens the next frame, which becomes `unread`; false after the last one.
    mutating func advance() throws(MigratezError) -> Bool {
        (start, end) = (0, 0)
        if let damage { throw ageFailure(.payload, damage) }
        guard !isAtEnd else { return false }
        try input.fill(atLeast: StreamCipher.sealedFrameBytes + 1)
        let available = input.available
        let isLast = available.count <= StreamCipher.sealedFrameBytes
        let count = min(available.count, StreamCipher.sealedFrameBytes)
        guard count >= ChaCha20Poly1305.tagBytes else { throw ageFailure(.payload, "the payload is cut") }
        let length = count - ChaCha20Poly1305.tagBytes
        if isLast, length == 0, cipher.frames > 0 {
            throw ageFailure(.payload, "the last frame is empty, which is allowed in an empty file only")
        }
        let sealed = UnsafeRawBufferPointer(rebasing: available[..<count])
        if try !cipher.open(sealed, isLast: isLast, into: plaintext.bytes) {
            // A frame that is not the last one and ends the file, or that is the last one and does not: authentic itself,
            // so it is given, as the test vectors of age ask, but nothing after it.
            guard count == StreamCipher.sealedFrameBytes,
                try cipher.open(sealed, isLast: !isLast, into: plaintext.bytes)
            else { throw ageFailure(.payload, "frame \(cipher.frames) is not authentic") }
            damage = isLast ? "the file was cut at the border of a frame" : "there are bytes after the last frame"
        }
        input.consume(count)
        isAtEnd = isLast
        end = length
        return true
    }

    /// Appends the next frame's plaintext to `bytes`; false at the end of the file.
    package mutating func next(appendingTo bytes: inout [UInt8]) throws(MigratezError) -> Bool {
        guard try advance() else { return false }
        bytes.append(contentsOf: unread)
        consume(unread.count)
        return true
    }
}
