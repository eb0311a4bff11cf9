// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCrypto
import MigratezModel

/// One line of the audit log: an entry, its link to all entries before it, and the signature of both.
///
/// A line has 512 bytes, so that entry n is at 512 × n and a line that a crash cut off is written over by the next. It is
/// text: fields with a tab between them, spaces up to the line feed.
///
/// | field | |
/// |---|---|
/// | 1 | number |
/// | 2 | time, RFC 3339 with milliseconds, UTC |
/// | 3, 4 | user id and name |
/// | 5 | action |
/// | 6, 7, 8 | run, object, code; `-` = none |
/// | 9 | chain: SHA-256 over the chain of the line before and fields 1 to 8 with the tabs between them; hexadecimal |
/// | 10 | Ed25519 signature of `migratez.dev/audit-v1:` and the 32 bytes of the chain; hexadecimal |
///
/// Line 0 is `migratez audit log 1`, a tab, and the public key in hexadecimal; its SHA-256, spaces and line feed
/// included, is the chain that entry 1 goes on from.
struct AuditLine: Sendable, Hashable {
    static let bytes = 512
    private static let fieldsMax = bytes - 2 * 32 - 2 * Ed25519.signatureBytes - 3
    private static let magic = "migratez audit log 1"

    let entry: AuditEntry
    let chain: [UInt8]
    let signature: [UInt8]

    /// The line of the next entry.
    ///
    /// - Parameter previous: the chain of the line before.
    init(_ entry: AuditEntry, after previous: [UInt8], signedWith key: Ed25519.PrivateKey) throws(MigratezError) {
        self.entry = AuditLine.bounded(entry)
        chain = AuditLine.chain(AuditLine.fields(self.entry), after: previous)
        signature = try key.signature(of: AuditLine.signed(chain))
    }

    /// The line in these bytes; nil if they are not, to the last space, what a line looks like.
    init?(parsing text: [UInt8]) {
        guard text.count == AuditLine.bytes, let string = String(validating: text, as: UTF8.self) else { return nil }
        let fields = string.split(separator: "\t", omittingEmptySubsequences: false)
        guard fields.count == 10, let number = Int(fields[0]), let time = Timestamp(rfc3339: fields[1]),
            let user = UInt32(fields[2]), let action = AuditAction(rawValue: String(fields[4])),
            let chain = Hex.decode(fields[8]), chain.count == 32,
            let signature = Hex.decode(fields[9].prefix { $0 != " " && $0 != "\n" })
        else { return nil }
        func optional(_ field: Substring) -> String? { field == "-" ? nil : String(field) }
        let run = optional(fields[5]).flatMap { RunID($0) }
        entry = AuditEntry(
            number: number, time: time, user: AuditUser(id: user, name: String(fields[3])), action: action, run: run,
            object: optional(fields[6]), code: optional(fields[7]))
        self.chain = chain
        self.signature = signature
        // One text for one meaning: nothing can be changed without changing what is signed or being noticed here.
        guard text == encoded else { return nil }
    }

    /// The 512 bytes.
    var encoded: [UInt8] {
        let fields = AuditLine.fields(entry) + "\t\(Hex.encode(chain))\t\(Hex.encode(signature))"
        return AuditLine.padded(fields)
    }

    /// Whether the line goes on from the one before, and the key signed it.
    func follows(_ previous: [UInt8], signedBy key: Ed25519.PublicKey) -> Bool {
        chain == AuditLine.chain(AuditLine.fields(entry), after: previous)
            && key.isValid(signature, of: AuditLine.signed(chain))
    }

    // MARK: The first line

    static func header(_ key: Ed25519.PublicKey) -> [UInt8] { padded("\(magic)\t\(key)") }

    /// The key that a log names in its first line; nil if that is no such line.
    static func key(inHeader text: [UInt8]) -> Ed25519.PublicKey? {
        let fields = String(decoding: text, as: UTF8.self).split(separator: "\t")
        guard fields.count == 2, let raw = Hex.decode(fields[1].prefix { $0 != " " && $0 != "\n" }),
            let key = Ed25519.PublicKey(raw: raw), text == header(key)
        else { return nil }
        return key
    }

    // MARK: Texts

    private static func fields(_ entry: AuditEntry) -> String {
        [
            String(entry.number), entry.time.description, String(entry.user.id), entry.user.name,
            entry.action.rawValue, entry.run?.text ?? "-", entry.object ?? "-", entry.code ?? "-",
        ].joined(separator: "\t")
    }

    /// The entry with texts that fit into a line and cannot be taken for two fields or two lines.
    private static func bounded(_ entry: AuditEntry) -> AuditEntry {
        func plain(_ text: String, _ max: Int) -> String {
            let plain = text.unicodeScalars.map { $0.isASCII && $0.value > 0x20 && $0.value < 0x7F ? $0 : "_" }
            let cut = String(String.UnicodeScalarView(plain.prefix(max)))
            return cut == "-" || cut.isEmpty ? "_" : cut
        }
        var entry = entry
        entry.user.name = plain(entry.user.name, 32)
        entry.object = entry.object.map { plain($0, 128) }
        entry.code = entry.code.map { plain($0, 16) }
        precondition(fields(entry).utf8.count <= fieldsMax, "the fields of an audit entry are bounded")
        return entry
    }

    private static func padded(_ text: String) -> [UInt8] {
        let text = Array(text.utf8)
        return text + [UInt8](repeating: UInt8(ascii: " "), count: bytes - 1 - text.count) + [UInt8(ascii: "\n")]
    }

    private static func chain(_ fields: String, after previous: [UInt8]) -> [UInt8] {
        SHA256.digest(of: previous + Array(fields.utf8))
    }

    private static func signed(_ chain: [UInt8]) -> [UInt8] { Array("migratez.dev/audit-v1:".utf8) + chain }
}

extension Timestamp {
    /// Reads what `description` writes, and nothing else.
    fileprivate init?(rfc3339 text: Substring) {
        let digits = text.utf8.map { $0 >= 0x30 && $0 <= 0x39 ? $0 : UInt8(ascii: " ") }
        let numbers = String(decoding: digits, as: UTF8.self).split(separator: " ").compactMap { Int64($0) }
        guard numbers.count == 7 else { return nil }
        let days = Timestamp.days(year: numbers[0], month: numbers[1], day: numbers[2])
        let seconds = (numbers[3] * 60 + numbers[4]) * 60 + numbers[5]
        self.init(milliseconds: days * 86_400_000 + seconds * 1000 + numbers[6])
        guard description == text else { return nil }
    }
}
