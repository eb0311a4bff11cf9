// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCrypto
import MigratezModel

/// What a certificate of destruction says.
///
/// It is written as JSON with sorted keys; the signature covers exactly those bytes.
package struct Certificate: Codable, Sendable, Hashable {
    /// One chunk that was destroyed.
    package struct DestroyedChunk: Codable, Sendable, Hashable {
        package var chunk: String
        package var records: Int
        package var bytes: Int
        /// Of its file, in hexadecimal.
        package var sha256: String
    }

    /// The balance of one stream.
    package struct Balance: Codable, Sendable, Hashable {
        package var stream: String
        package var read: Int
        package var outcomes: [String: Int]
    }

    /// The format of this document.
    package var format = "migratez.dev/certificate-v1"
    package var run: String
    package var pipeline: String
    package var planDigest: String
    package var source: String
    package var destination: String
    package var startedAt: String
    package var confirmedBy: String
    package var confirmedOn: String
    package var confirmedAt: String
    package var certifiedAt: String
    package var balances: [Balance]
    package var chunks: [DestroyedChunk]
    package var chunkCount: Int
    package var byteCount: Int
    package var recordCount: Int
    /// Over `<chunk>:<sha256>` of each chunk, in their order (RFC 6962, 2.1).
    package var merkleRoot: String
    package var method: [String]
    package var notCovered: [String]
    /// The Ed25519 public key that signs, in hexadecimal.
    package var signedBy: String

    init(
        run: RunStatus, streams: [Reconciliation], chunks: [Chunk], certifiedAt: Timestamp,
        signedBy key: Ed25519.PublicKey
    ) {
        self.run = run.id.text
        pipeline = run.description.pipeline
        planDigest = run.description.digest
        source = run.description.source
        destination = run.description.destination
        startedAt = run.createdAt.description
        confirmedBy = run.confirmation?.person ?? "nobody"
        confirmedOn = run.confirmation?.basis ?? "nothing"
        confirmedAt = run.confirmation?.confirmedAt.description ?? "never"
        self.certifiedAt = certifiedAt.description
        balances = streams.map { balance in
            Balance(
                stream: balance.stream.name.text, read: balance.read,
                outcomes: Dictionary(uniqueKeysWithValues: balance.outcomes.map { ($0.name, $1) }))
        }
        // One that was never sealed has no file that could be named.
        self.chunks = chunks.filter { !$0.sha256.isEmpty }.map { chunk in
            DestroyedChunk(
                chunk: chunk.address.description, records: chunk.records, bytes: chunk.storedBytes,
                sha256: Hex.encode(chunk.sha256))
        }
        chunkCount = self.chunks.count
        byteCount = self.chunks.reduce(0) { $0 + $1.bytes }
        recordCount = self.chunks.reduce(0) { $0 + $1.records }
        merkleRoot = Hex.encode(MerkleTree.root(of: self.chunks.map { Array("\($0.chunk):\($0.sha256)".utf8) }))
        method = Certificate.methodOfDestruction
        let retention = run.description.retention
        notCovered = Certificate.limits + Certificate.copies(retention.recipients) + Certificate.baseline(retention)
        signedBy = key.description
    }

    /// What was done, in the words of NIST SP 800-88 Rev. 2.
    private static let methodOfDestruction = [
        "cryptographic erase (NIST SP 800-88 Rev. 2): the staged data was encrypted with ChaCha20-Poly1305 before it "
            + "was first written; the wrapped key of every chunk and of the run was overwritten in place, synced and "
            + "unlinked, and no unwrapped key was ever written",
        "logical unlink: all chunk and spill files were removed",
        "the ids of records were deleted from the manifest, which was rewritten; its log was emptied",
        "the run's folder was looked through for anything left",
    ]

    /// What nobody can vouch for from inside the machine.
    private static let limits = [
        "backups, snapshots and copies of the staging disk or of the keys folder that were made during the run",
        "blocks that copy-on-write file systems or flash translation layers keep of overwritten keys; these are "
            + "wrapped by the root key, which is not part of the run",
        "swap and hibernation images, unless they are encrypted",
        "the source and the destination themselves, and reports that were exported",
    ]

    /// Keys that the pipeline gave to somebody else are not ours to destroy.
    private static func copies(_ recipients: Int) -> [String] {
        guard recipients > 0 else { return [] }
        return [
            "copies of the chunks that were made before: the pipeline asked for \(recipients) further "
                + "\(recipients == 1 ? "key" : "keys") to open them, held by whoever named them"
        ]
    }
}

extension Certificate {
    /// What the pipeline asked to have kept is not destroyed.
    fileprivate static func baseline(_ policy: RetentionPolicy) -> [String] {
        guard policy.keepsBaseline else { return [] }
        return [
            "the baseline beside the run's folder, if it was kept as the pipeline asked: ids of records, and fingerprints "
                + "of their fields whose key is wrapped by the root key; no values"
        ]
    }
}

extension Certificate {
    /// The same for people.
    package var text: String {
        let rows = balances.map { balance in
            let outcomes = balance.outcomes.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
            return "  \(balance.stream): read \(balance.read) = \(outcomes.joined(separator: " + "))"
        }
        return """
            Certificate of destruction: run \(run)

            Pipeline      \(pipeline) (\(planDigest)), \(source) to \(destination)
            Started       \(startedAt)
            Confirmed     \(confirmedAt) by \(confirmedBy), on: \(confirmedOn)
            Destroyed     \(chunkCount) chunks, \(ByteCount(byteCount)), \(recordCount) lines
            Merkle root   \(merkleRoot)
            Certified     \(certifiedAt)
            Signed by     \(signedBy) (Ed25519)

            Balance
            \(rows.joined(separator: "\n"))

            Method
            \(method.map { "  - \($0)" }.joined(separator: "\n"))

            Not covered
            \(notCovered.map { "  - \($0)" }.joined(separator: "\n"))

            Check it: migratez certificate verify, or
              openssl pkeyutl -verify -rawin -pubin -inkey certificate.pem -in certificate.json -sigfile certificate.sig

            """
    }
}
