// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCrypto
import MigratezModel

/// How far the audit log goes, kept apart from it: without it nobody would miss the last entries.
///
/// One line, fields with a tab between them: `migratez audit head 1`, the number of the last entry, its chain, and the
/// Ed25519 signature of `migratez.dev/audit-head-v1:` and the first three fields.
package struct AuditHead: Sendable, Hashable {
    /// The number of the last entry.
    package let number: Int
    /// Its chain, which stands for all entries up to it: 32 bytes.
    package let chain: [UInt8]

    private static let magic = "migratez audit head 1"
    /// More than any head has.
    static let bytesMax = 1024

    private var text: String { "\(AuditHead.magic)\t\(number)\t\(Hex.encode(chain))" }
    private var signed: [UInt8] { Array("migratez.dev/audit-head-v1:\(text)".utf8) }

    package init(number: Int, chain: [UInt8]) {
        self.number = number
        self.chain = chain
    }

    /// The file's bytes.
    func encoded(signedWith key: Ed25519.PrivateKey) throws(MigratezError) -> [UInt8] {
        Array("\(text)\t\(Hex.encode(try key.signature(of: signed)))\n".utf8)
    }

    /// The head in these bytes, if the key signed it; nil if not.
    init?(parsing bytes: [UInt8], signedBy key: Ed25519.PublicKey) {
        guard let string = String(validating: bytes, as: UTF8.self), string.hasSuffix("\n") else { return nil }
        let fields = string.dropLast().split(separator: "\t", omittingEmptySubsequences: false)
        guard fields.count == 4, let number = Int(fields[1]), let chain = Hex.decode(fields[2]), chain.count == 32,
            let signature = Hex.decode(fields[3])
        else { return nil }
        self.init(number: number, chain: chain)
        guard fields[0] == AuditHead.magic, string.hasPrefix(text + "\t"), Hex.encode(signature) == fields[3],
            key.isValid(signature, of: signed)
        else { return nil }
    }
}
