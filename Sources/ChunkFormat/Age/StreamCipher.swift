// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCrypto
import MigratezModel

/// The cipher of the payload: STREAM (Hoang, Reyhanitabar, Rogaway, Vizár, 2015) over ChaCha20-Poly1305, as age uses it.
///
/// Frames of 64 KiB; the nonce is an 11-byte big-endian counter and one byte that is 1 for the last frame. So frames
/// cannot change places, and none can be left out or added without notice.
struct StreamCipher: ~Copyable {
    /// The plaintext of a full frame in bytes.
    static let frameBytes = 64 << 10
    /// A full frame in the file, in bytes.
    static let sealedFrameBytes = frameBytes + ChaCha20Poly1305.tagBytes
    /// The length of the random value at the start of the payload, in bytes.
    static let saltBytes = 16

    private var cipher: ChaCha20Poly1305
    /// The frames sealed or opened so far.
    private(set) var frames: UInt64 = 0

    /// The cipher for one payload.
    init(fileKey: SymmetricKey, salt: [UInt8]) throws(MigratezError) {
        precondition(salt.count == Self.saltBytes, "the salt of a payload has 16 bytes")
        cipher = try ChaCha20Poly1305(key: HKDFSHA256.derive(from: fileKey, salt: salt, info: "payload"))
    }

    /// Seals the next frame into the first `frame.count + 16` bytes of `output`.
    mutating func seal(
        _ frame: UnsafeRawBufferPointer, isLast: Bool, into output: UnsafeMutableRawBufferPointer
    ) throws(MigratezError) {
        let nonce = nonce(isLast: isLast)
        try withUnsafeBytes(of: nonce) { bytes throws(MigratezError) in
            try cipher.seal(frame, nonce: UnsafeRawBufferPointer(rebasing: bytes[..<12]), into: output)
        }
        frames += 1
    }

    /// Opens the next frame into the first `sealed.count - 16` bytes of `output`; false if it is not authentic.
    mutating func open(
        _ sealed: UnsafeRawBufferPointer, isLast: Bool, into output: UnsafeMutableRawBufferPointer
    ) throws(MigratezError) -> Bool {
        let nonce = nonce(isLast: isLast)
        let isAuthentic = try withUnsafeBytes(of: nonce) { bytes throws(MigratezError) in
            try cipher.open(sealed, nonce: UnsafeRawBufferPointer(rebasing: bytes[..<12]), into: output)
        }
        if isAuthentic { frames += 1 }
        return isAuthentic
    }

    /// The 12 bytes of the nonce, followed by four that are not used. Of the 11-byte counter the upper three are zero:
    /// 2^64 frames are beyond any disk.
    private func nonce(isLast: Bool) -> (UInt64, UInt64) {
        // Bytes 3 to 10 are the counter, byte 11 the flag.
        let first = (frames >> 24).bigEndian
        let second = (frames & 0xFF_FFFF) << 40 | (isLast ? 1 : 0) << 32
        return (first, second.bigEndian)
    }
}
