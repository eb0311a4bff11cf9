// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCrypto

/// One recipient's part of an age header: who may open the file key, and how.
package struct AgeStanza: Sendable, Equatable {
    /// The first argument: `X25519`, `scrypt`, `migratez.dev/kek-v1`.
    package var type: String
    /// The other arguments.
    package var arguments: [String]
    package var body: [UInt8]

    /// The bytes of a line of a full body: 64 characters of base64.
    static let columnsMax = 64

    /// Appends the lines of the stanza.
    func write(into header: inout [UInt8]) {
        header.append(contentsOf: "-> \(([type] + arguments).joined(separator: " "))\n".utf8)
        let text = Base64.standardUnpadded.encodedBytes(body)
        var rest = text[...]
        while rest.count >= Self.columnsMax {
            header.append(contentsOf: rest.prefix(Self.columnsMax))
            header.append(0x0A)
            rest = rest.dropFirst(Self.columnsMax)
        }
        // The last line is always shorter than a full one, even if that makes it an empty one.
        header.append(contentsOf: rest)
        header.append(0x0A)
    }
}

/// The head of an age file (age-encryption.org/v1): stanzas, and a code over them under the file key.
package struct AgeHeader: Sendable {
    /// The most bytes that a header may have; the format has no limit of its own.
    package static let bytesMax = 64 << 10

    static let versionLine = "age-encryption.org/v1\n"
    static let footerMark = "---"
    /// The length of a file key in bytes.
    static let fileKeyBytes = 16

    package internal(set) var stanzas: [AgeStanza]
    /// The bytes that the code is over: everything up to and with `---`.
    var authenticatedBytes: [UInt8]
    var mac: [UInt8]

    /// A header for `stanzas`, whose code is made with `fileKey`.
    init(stanzas: [AgeStanza], fileKey: SymmetricKey) {
        self.stanzas = stanzas
        authenticatedBytes = Array(Self.versionLine.utf8)
        for stanza in stanzas { stanza.write(into: &authenticatedBytes) }
        authenticatedBytes.append(contentsOf: Self.footerMark.utf8)
        mac = HMACSHA256.code(for: authenticatedBytes, key: Self.macKey(fileKey))
    }

    init(stanzas: [AgeStanza], authenticatedBytes: [UInt8], mac: [UInt8]) {
        self.stanzas = stanzas
        self.authenticatedBytes = authenticatedBytes
        self.mac = mac
    }

    /// The header as it stands in the file.
    var encoded: [UInt8] {
        authenticatedBytes + [0x20] + Base64.standardUnpadded.encodedBytes(mac) + [0x0A]
    }

    /// Whether the code is right for `fileKey`.
    func isAuthentic(under fileKey: SymmetricKey) -> Bool {
        equalInConstantTime(HMACSHA256.code(for: authenticatedBytes, key: Self.macKey(fileKey)), mac)
    }

    private static func macKey(_ fileKey: SymmetricKey) -> SymmetricKey {
        HKDFSHA256.derive(from: fileKey, info: "header")
    }
}
