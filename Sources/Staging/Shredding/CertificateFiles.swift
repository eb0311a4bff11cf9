// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import FoundationEssentials
package import MigratezCrypto
package import MigratezModel

/// The key that signs the certificates of this user on this machine; made on first use.
package enum SigningKey {
    /// Reads the key file, or makes one; see `KeyFile`.
    package static func loadOrCreate(_ path: String) throws(MigratezError) -> Ed25519.PrivateKey {
        try Ed25519.PrivateKey(seed: KeyFile.loadOrCreate(path).key)
    }
}

/// The four files of a certificate, in `<run>/certificate/`.
///
/// `certificate.json` is what is signed, `certificate.sig` the 64 bytes of the signature, `certificate.pem` the public
/// key; so OpenSSL can check them without us. `certificate.txt` says the same for people and is not signed.
package struct CertificateFiles: Sendable, Hashable {
    static let folderName = "certificate"
    /// The folder, without a slash at the end.
    package let path: String

    package init(_ folder: RunFolder) { path = "\(folder.path)/\(CertificateFiles.folderName)" }
    /// A copy of the files that lies somewhere else.
    package init(path: String) { self.path = path }

    package var json: String { "\(path)/certificate.json" }
    package var signature: String { "\(path)/certificate.sig" }
    package var publicKey: String { "\(path)/certificate.pem" }
    package var text: String { "\(path)/certificate.txt" }

    /// Reads the certificate and checks its signature.
    ///
    /// - Parameter trusted: the key that must have signed. Without it only that nothing was changed since *somebody*
    ///   signed is known: whoever replaces all files with ones that fit is not found out.
    /// - Throws: `certificateInvalid` after any edit of the JSON, the signature or the key.
    package func verify(
        trusting trusted: Ed25519.PublicKey? = nil, fileSystem: any FileSystem = LocalFileSystem()
    ) throws(MigratezError) -> Certificate {
        let bytes = try read(json, fileSystem)
        let pem = String(decoding: try read(publicKey, fileSystem), as: UTF8.self)
        guard let key = Ed25519.PublicKey(pem: pem) else { throw invalid("its public key cannot be read") }
        return try Certificate.verified(
            bytes, signature: read(signature, fileSystem), key: key, trusting: trusted)
    }

    /// Writes and syncs all four, over those of an earlier attempt.
    func write(
        _ certificate: Certificate, signedWith key: Ed25519.PrivateKey, _ fileSystem: any FileSystem
    ) throws(MigratezError) {
        let bytes = try certificate.encoded()
        let contents = [
            (json, bytes), (signature, try key.signature(of: bytes)), (publicKey, Array(key.publicKey.pem.utf8)),
            (text, Array(certificate.text.utf8)),
        ]
        try fileSystem.createFolder(path)
        for (path, bytes) in contents {
            try fileSystem.remove(path)
            let file = try fileSystem.open(path, .new)
            try file.write(bytes, at: 0)
            try file.sync()
        }
        try fileSystem.syncFolder(path)
        try fileSystem.syncFolder(String(path.dropLast(CertificateFiles.folderName.count + 1)))
    }

    private func read(_ path: String, _ fileSystem: any FileSystem) throws(MigratezError) -> [UInt8] {
        guard let length = try fileSystem.length(path) else { throw invalid("\(path) is missing") }
        return try fileSystem.open(path, .reading).read(length, at: 0)
    }
}

extension Certificate {
    /// The certificate in `bytes`, if `key` signed exactly those; throws `certificateInvalid` if not.
    package static func verified(
        _ bytes: [UInt8], signature: [UInt8], key: Ed25519.PublicKey, trusting trusted: Ed25519.PublicKey? = nil
    ) throws(MigratezError) -> Certificate {
        guard trusted == nil || trusted == key else { throw invalid("another key signed it than the expected one") }
        guard key.isValid(signature, of: bytes) else {
            throw invalid("its signature does not fit: it was changed after it was signed")
        }
        let certificate: Certificate
        do {
            certificate = try JSONDecoder().decode(Certificate.self, from: Data(bytes))
        } catch { throw invalid("it is signed, but cannot be read") }
        guard certificate.signedBy == key.description else { throw invalid("it names another key than its own") }
        return certificate
    }

    /// The bytes that are signed.
    package func encoded() throws(MigratezError) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        do {
            return Array(try encoder.encode(self)) + [0x0A]
        } catch { throw MigratezError(.internalError, "a certificate could not be written down") }
    }
}

private func invalid(_ why: String) -> MigratezError {
    MigratezError(.certificateInvalid, "the certificate is not valid: \(why)")
}
