// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezCrypto
package import MigratezModel

/// What opens a run: the top of the key hierarchy, which is kept outside the staging volume.
package enum RootKey: Sendable {
    /// 32 random bytes.
    case key(SymmetricKey)
    /// A text that a person knows; made into a key by scrypt, N = 2^17.
    case passphrase(Secret)

    /// A public name for a key: 16 hexadecimal digits, from which nothing can be learnt of it. A passphrase has none,
    /// because a name of it would let guesses be tried without scrypt.
    package var id: String? {
        switch self {
        case .key(let key): key.id(for: "root")
        case .passphrase: nil
        }
    }
}

extension SymmetricKey {
    /// A public name for the key in a role: HKDF with an `info` that is used for nothing else.
    func id(for role: String) -> String {
        HKDFSHA256.derive(from: self, info: "migratez.dev/\(role)-id-v1", outputBytes: 8)
            .withUnsafeBytes { Hex.encode($0) }
    }
}

/// The file that holds a run's key, wrapped by the root key.
///
/// | bytes | |
/// |---|---|
/// | 0–15 | `migratez slot 1\n` |
/// | 16 | 0 = wrapped by a key, 1 = by a passphrase |
/// | 17 | scrypt's work factor, log2 of N; 0 for a key |
/// | 18–19 | 0 |
/// | 20–35 | salt, for HKDF or scrypt |
/// | 36–47 | nonce |
/// | 48–95 | the run key under ChaCha20-Poly1305; bytes 0–35 and the run's id are authenticated with it |
struct KeySlot {
    /// The length of the file.
    static let bytes = 96
    private static let magic = Array("migratez slot 1\n".utf8)

    /// Wraps `runKey`.
    static func wrap(_ runKey: SymmetricKey, for run: RunID, under root: RootKey) throws(MigratezError) -> [UInt8] {
        let workFactor: UInt8 =
            switch root {
            case .key: 0
            case .passphrase: UInt8(Scrypt.workFactorDefault)
            }
        let salt = try randomBytes(16)
        let head = magic + [workFactor == 0 ? 0 : 1, workFactor, 0, 0] + salt
        let nonce = try randomBytes(ChaCha20Poly1305.nonceBytes)
        var cipher = try ChaCha20Poly1305(key: wrappingKey(root, salt: salt, workFactor: Int(workFactor)))
        return head + nonce + (try cipher.seal(runKey, nonce: nonce, authenticating: head + Array(run.text.utf8)))
    }

    /// Unwraps the run key.
    ///
    /// - Throws: `keyWrong` if `root` does not open it, or the slot is another run's or was edited; `keyDamaged` if it is
    ///   no slot any more, `keyMissing` if it was overwritten.
    static func unwrap(_ slot: [UInt8], for run: RunID, under root: RootKey) throws(MigratezError) -> SymmetricKey {
        guard slot.contains(where: { $0 != 0 }) else {
            throw MigratezError(
                .keyMissing, "the key slot of run \(run) was overwritten", remedy: .fixConfiguration,
                hint: "the shredding of the run had begun: finish it with migratez shred \(run)")
        }
        guard slot.count == bytes, slot.starts(with: magic), slot[16] <= 1, slot[18] == 0, slot[19] == 0,
            (slot[16] == 0) == (slot[17] == 0)
        else {
            throw MigratezError(
                .keyDamaged, "the key slot of run \(run) is damaged", remedy: .fixConfiguration,
                hint: "put \(run).slot back from a copy of the keys folder; without it nothing opens the run's chunks")
        }
        let isPassphrase = slot[16] == 1
        let workFactor = Int(slot[17])
        switch (root, isPassphrase) {
        case (.key, false), (.passphrase, true): break
        case (.key, true): throw wrongKey(run, "it needs a passphrase")
        case (.passphrase, false): throw wrongKey(run, "it needs a key, not a passphrase")
        }
        // A slot that was tampered with must not make us spend gigabytes.
        guard !isPassphrase || (10...Scrypt.workFactorMax).contains(workFactor) else {
            throw wrongKey(run, "its work factor is out of range")
        }
        let head = Array(slot[..<36])
        var cipher = try ChaCha20Poly1305(
            key: wrappingKey(root, salt: Array(slot[20..<36]), workFactor: workFactor))
        let key = try cipher.openKey(
            Array(slot[48...]), nonce: Array(slot[36..<48]), authenticating: head + Array(run.text.utf8))
        guard let key else { throw wrongKey(run, "it was sealed with another one") }
        return key
    }

    private static func wrappingKey(
        _ root: RootKey, salt: [UInt8], workFactor: Int
    ) throws(MigratezError) -> SymmetricKey {
        switch root {
        case .key(let key): HKDFSHA256.derive(from: key, salt: salt, info: "migratez.dev/slot-v1")
        case .passphrase(let passphrase): try Scrypt.derive(from: passphrase, salt: salt, workFactor: workFactor)
        }
    }

    private static func wrongKey(_ run: RunID, _ why: String) -> MigratezError {
        MigratezError(
            .keyWrong, "the root key does not open run \(run): \(why)", remedy: .fixConfiguration,
            hint: "give the key with which the run was started (staging.key); migratez keys show tells what opens what")
    }
}
