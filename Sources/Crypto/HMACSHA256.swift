// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import COpenSSL

/// HMAC-SHA256 (RFC 2104, FIPS 198-1).
package enum HMACSHA256 {
    /// The length of a code in bytes.
    package static let codeBytes = 32

    /// The code of `message` under `key`: 32 bytes.
    package static func code(for message: UnsafeRawBufferPointer, key: UnsafeRawBufferPointer) -> [UInt8] {
        var code = [UInt8](repeating: 0, count: codeBytes)
        code.withUnsafeMutableBytes { write(for: message, key: key, into: $0) }
        return code
    }

    /// The code of `message` under `key`: 32 bytes.
    package static func code(for message: [UInt8], key: SymmetricKey) -> [UInt8] {
        message.withUnsafeBytes { message in key.withUnsafeBytes { code(for: message, key: $0) } }
    }

    /// Writes the code into the first 32 bytes of `target`; for codes that are keys themselves.
    static func write(
        for message: UnsafeRawBufferPointer, key: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer
    ) {
        precondition(target.count >= codeBytes, "no room for an HMAC")
        precondition(key.count <= Int32.max, "an HMAC key longer than OpenSSL takes")
        // OpenSSL reads a null key as 'the one before', so an empty one needs an address.
        var nothing: UInt8 = 0
        let result = withUnsafePointer(to: &nothing) { empty in
            HMAC(
                EVP_sha256(), key.baseAddress ?? UnsafeRawPointer(empty), Int32(key.count),
                (message.baseAddress ?? UnsafeRawPointer(empty)).assumingMemoryBound(to: UInt8.self), message.count,
                target.baseAddress?.assumingMemoryBound(to: UInt8.self), nil)
        }
        precondition(result != nil, "HMAC-SHA256 gave no code")
    }
}
