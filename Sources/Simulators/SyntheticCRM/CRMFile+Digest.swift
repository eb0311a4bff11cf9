// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCrypto

extension CRMFile {
    /// SHA-256 of the content.
    package var sha256: [UInt8] {
        var hash = SHA256()
        eachPiece(of: 1 << 16) { hash.update($0) }
        return hash.finish()
    }
}
