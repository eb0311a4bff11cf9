// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import COpenSSL
package import MigratezModel

/// scrypt (RFC 7914) with r = 8 and p = 1: a passphrase into a key, at a price in memory and time.
package enum Scrypt {
    /// Log2 of N used for new files: 128 MiB and half a second.
    package static let workFactorDefault = 17
    /// Log2 of N that is accepted unless the caller says otherwise: 256 MiB, what `age -p` writes.
    package static let workFactorMax = 18

    /// Derives `outputBytes` from `passphrase`; takes 2^`workFactor` KiB of memory.
    ///
    /// - Precondition: `workFactor` is 1 to 30. Whoever reads it from a file has checked it against a cap before.
    package static func derive(
        from passphrase: Secret, salt: [UInt8], workFactor: Int, outputBytes: Int = 32
    ) throws(MigratezError) -> SymmetricKey {
        precondition((1...30).contains(workFactor), "scrypt's work factor is out of range")
        let n = UInt64(1) << UInt64(workFactor)
        // 128 · r · N for the table and a little for the blocks (EVP_PBE_scrypt(3)); its default of 32 MiB is too low.
        let memoryBytesMax = 128 * 8 * n + (1 << 20)
        let key = passphrase.withExposed { text in
            var text = text
            return text.withUTF8 { characters in
                var isDerived = false
                let key = SymmetricKey(count: outputBytes) { target in
                    let result = characters.withMemoryRebound(to: CChar.self) { password in
                        EVP_PBE_scrypt(
                            password.baseAddress, password.count, salt, salt.count, n, 8, 1, memoryBytesMax,
                            target.baseAddress?.assumingMemoryBound(to: UInt8.self), target.count)
                    }
                    isDerived = result == 1
                }
                return isDerived ? key : nil
            }
        }
        guard let key else { throw opensslFailure("run scrypt") }
        return key
    }
}
