// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import COpenSSL

/// HKDF-SHA256 (RFC 5869): one strong key into several, each for one purpose.
package enum HKDFSHA256 {
    /// The most that may be derived at once: 255 × 32 bytes (RFC 5869, 2.3).
    package static let outputBytesMax = 255 * HMACSHA256.codeBytes

    /// Derives `outputBytes` from `key`; another `salt` or `info` gives an unrelated result.
    ///
    /// Built on HMAC rather than on OpenSSL's own HKDF, whose parameters keep pointers to their names.
    package static func derive(
        from key: UnsafeRawBufferPointer, salt: [UInt8] = [], info: [UInt8], outputBytes: Int = 32
    ) -> SymmetricKey {
        precondition((0...outputBytesMax).contains(outputBytes), "more than HKDF-SHA256 can derive")
        // RFC 5869, 2.2: no salt means a string of zeros; HMAC pads a short key with zeros, so the empty one will do.
        let extracted = SymmetricKey(count: HMACSHA256.codeBytes) { target in
            salt.withUnsafeBytes { HMACSHA256.write(for: key, key: $0, into: target) }
        }
        return SymmetricKey(count: outputBytes) { output in
            var block = [UInt8](repeating: 0, count: HMACSHA256.codeBytes)
            var input: [UInt8] = []
            input.reserveCapacity(block.count + info.count + 1)
            var filled = 0
            var counter: UInt8 = 0
            while filled < output.count {
                counter += 1
                input.append(contentsOf: info)
                input.append(counter)
                input.withUnsafeBytes { input in
                    extracted.withUnsafeBytes { key in
                        block.withUnsafeMutableBytes { HMACSHA256.write(for: input, key: key, into: $0) }
                    }
                }
                let taken = min(block.count, output.count - filled)
                for i in 0..<taken { output[filled + i] = block[i] }
                filled += taken
                // Written over before the buffer is used again, and at the end: it holds key bytes.
                input.withUnsafeMutableBytes { OPENSSL_cleanse($0.baseAddress, $0.count) }
                input.removeAll(keepingCapacity: true)
                input.append(contentsOf: block)
            }
            input.withUnsafeMutableBytes { OPENSSL_cleanse($0.baseAddress, $0.count) }
            block.withUnsafeMutableBytes { OPENSSL_cleanse($0.baseAddress, $0.count) }
        }
    }

    /// Derives `outputBytes` from `key` for the purpose that `info` names.
    package static func derive(
        from key: SymmetricKey, salt: [UInt8] = [], info: String, outputBytes: Int = 32
    ) -> SymmetricKey {
        key.withUnsafeBytes { derive(from: $0, salt: salt, info: Array(info.utf8), outputBytes: outputBytes) }
    }
}
