// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCrypto
package import MigratezModel

/// Writes an age file: header at once, frames as they fill. Constant memory.
///
/// A full frame is held back until it is known that more follows, because the last one is sealed differently.
package struct AgeWriter: ~Copyable, Sendable {
    private var cipher: StreamCipher
    private let frame = ByteBuffer(count: StreamCipher.frameBytes)
    private var filled = 0
    private let sealed = ByteBuffer(count: StreamCipher.sealedFrameBytes)

    /// Draws a file key, wraps it for each of `recipients` and appends the header to `output`.
    ///
    /// - Precondition: there is at least one; a passphrase stands alone.
    package init(recipients: [AgeRecipient], into output: inout [UInt8]) throws(MigratezError) {
        let fileKey = try SymmetricKey(randomBytes: AgeHeader.fileKeyBytes)
        precondition(!recipients.isEmpty, "an age file that nobody can open")
        var stanzas: [AgeStanza] = []
        for recipient in recipients { stanzas.append(try recipient.stanza(for: fileKey)) }
        // age-encryption.org/v1: whoever knows the passphrase could otherwise be made to take part in forgeries.
        precondition(
            stanzas.count == 1 || !stanzas.contains { $0.type == ScryptStanza.type }, "a passphrase stands alone")
        let salt = try randomBytes(StreamCipher.saltBytes)
        cipher = try StreamCipher(fileKey: fileKey, salt: salt)
        output.append(contentsOf: AgeHeader(stanzas: stanzas, fileKey: fileKey).encoded)
        output.append(contentsOf: salt)
    }

    /// Encrypts the next bytes; whole frames are appended to `output`.
    package mutating func append(_ bytes: UnsafeRawBufferPointer, into output: inout [UInt8]) throws(MigratezError) {
        var rest = bytes
        while rest.count > 0 {
            let space = try space(into: &output)
            let count = min(rest.count, space.count)
            space.copyMemory(from: UnsafeRawBufferPointer(rebasing: rest[..<count]))
            filled += count
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
    }

    /// Where the next bytes of plaintext may be put, at least one, by a caller that is certain to have one; `advance`
    /// says how many they were. A full frame is sealed first.
    mutating func space(into output: inout [UInt8]) throws(MigratezError) -> UnsafeMutableRawBufferPointer {
        if filled == StreamCipher.frameBytes { try sealFrame(isLast: false, into: &output) }
        return UnsafeMutableRawBufferPointer(rebasing: frame.bytes[filled...])
    }

    mutating func advance(by count: Int) {
        precondition(count <= StreamCipher.frameBytes - filled, "advanced beyond the frame")
        filled += count
    }

    /// Seals the last frame and appends it to `output`.
    package consuming func finish(into output: inout [UInt8]) throws(MigratezError) {
        try sealFrame(isLast: true, into: &output)
    }

    private mutating func sealFrame(isLast: Bool, into output: inout [UInt8]) throws(MigratezError) {
        try cipher.seal(UnsafeRawBufferPointer(rebasing: frame.bytes[..<filled]), isLast: isLast, into: sealed.bytes)
        output.append(contentsOf: sealed.bytes[..<(filled + ChaCha20Poly1305.tagBytes)])
        filled = 0
    }
}
