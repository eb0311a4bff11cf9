// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezTestKit

/// A small account that a seed makes up, and what must come of each record by the pipeline's own words.
///
/// Nothing here asks the program what it did or would do.
struct SimulatedAccount: Sendable {
    static let company = StreamName("company").unsafelyUnwrapped
    static let contact = StreamName("contact").unsafelyUnwrapped
    static let note = StreamName("note").unsafelyUnwrapped
    static let file = StreamName("file").unsafelyUnwrapped
    static let objects = [company: "Account", contact: "Contact", note: "Note", file: "File"]

    /// What a record must have come to.
    struct Expectation: Sendable {
        var outcome: Outcome
        var code: ErrorCode?
        /// The fields as texts, and the source ids of the records that its references lead to.
        var fields: [String: String] = [:]
        var references: [String: String] = [:]
        var content: [UInt8]?
    }

    private(set) var records: [StreamName: [String?]] = [:]
    private(set) var links: [StreamName: [Edge]] = [:]
    /// By source id.
    private(set) var expected: [StreamName: [String: Expectation]] = [:]
    /// How many records of each stream cannot be read.
    private(set) var malformed: [StreamName: Int] = [:]
    /// The (note, contact) pairs that must be links in the destination, by source ids.
    private(set) var noteLinks: [[String]] = []

    /// What the files hold, by source id; those of which the source has lost the bytes are absent.
    private(set) var contents: [String: [UInt8]] = [:]

    /// Occurs in every record, so that what is left in the clear can be found.
    let canary: String
    private var generator: SeededGenerator

    /// Whether a destination cannot parse a batch with this row.
    static func isPoison(_ key: String) -> Bool { key.hasSuffix("-poison") }
    /// Whether a rule of the destination refuses the row.
    static func isRefused(_ key: String) -> Bool { key.hasSuffix("-refused") }

    init(seed: UInt64) {
        generator = SeededGenerator(seed: seed)
        canary = "canary\(seed)yranac"
        makeCompanies()
        makeContacts()
        makeNotes()
        makeFiles()
    }

    // MARK: Records

    private mutating func makeCompanies() {
        for number in 0..<draw(2...5) {
            switch draw(0...9) {
            case 0: addMalformed(Self.company)
            case 1:
                add(Self.company, "k\(number)-refused", ["name": .string(name())], .rejected, .ruleViolated)
            default:
                let name = name()
                add(Self.company, "k\(number)\(mark())", ["name": .string(name)], .created, fields: ["Name": name])
            }
        }
        links[.linking(Self.contact, Self.company)] = []
    }

    private mutating func makeContacts() {
        let companies = (expected[Self.company] ?? [:]).sorted { $0.key < $1.key }
        for number in 0..<draw(4...14) {
            let id = "c\(number)\(mark())"
            var members = contactMembers(email: "person\(number)@example.test")
            switch draw(0...11) {
            case 0: addMalformed(Self.contact)
            case 1:
                members["archived"] = .bool(true)
                add(Self.contact, id, members, .filtered)
            case 2:
                members["stage"] = .string("unheard of")
                add(Self.contact, id, members, .rejected, .valueNotMapped)
            case 3: add(Self.contact, id + "-refused", members, .rejected, .ruleViolated)
            case 4: add(Self.contact, id + "-poison", members, .rejected, .requestRefused)
            case 5:
                link(Self.contact, id, Self.company, "nowhere")
                add(Self.contact, id, members, .rejected, .parentMissing)
            case 6:
                let survivors = (expected[Self.contact] ?? [:]).filter { $0.value.outcome == .created }
                guard let survivor = survivors.min(by: { $0.key < $1.key }) else { continue }
                members["email"] = .string((survivor.value.fields["Email"] ?? "").uppercased())
                add(Self.contact, id, members, .merged)
                survivorOf[id] = survivor.key
            case 7...8:
                guard let parent = companies.isEmpty ? nil : companies[draw(0...companies.count - 1)] else { continue }
                link(Self.contact, id, Self.company, parent.key)
                let isLost = parent.value.outcome != .created
                add(
                    Self.contact, id, members, isLost ? .rejected : .created, isLost ? .parentNotLoaded : nil,
                    fields: isLost ? [:] : Self.mapped(members), references: isLost ? [:] : ["AccountId": parent.key])
            default: add(Self.contact, id, members, .created, fields: Self.mapped(members))
            }
        }
    }

    private mutating func makeNotes() {
        links[.linking(Self.note, Self.contact)] = []
        let contacts = (expected[Self.contact] ?? [:]).keys.sorted()
        for number in 0..<draw(0...4) {
            let (id, body) = ("n\(number)\(mark())", name())
            add(Self.note, id, ["body": .string(body)], .created, fields: ["Body": body])
            var targets: Set<String> = []
            for _ in 0..<draw(0...2) where !contacts.isEmpty {
                let contact = contacts[draw(0...contacts.count - 1)]
                link(Self.note, id, Self.contact, contact)
                let survivor = survivorOf[contact] ?? contact
                if expected[Self.contact]?[survivor]?.outcome == .created { targets.insert(survivor) }
            }
            noteLinks += targets.sorted().map { [id, $0] }
        }
    }

    private mutating func makeFiles() {
        records[Self.file] = []
        for number in 0..<draw(0...6) {
            let (id, title) = ("f\(number)\(mark())", name())
            switch draw(0...9) {
            case 0: addMalformed(Self.file)
            case 1: add(Self.file, id, ["title": .string(title)], .rejected, .contentUnavailable)
            case 2: add(Self.file, id, ["title": .string(title), "hidden": .bool(true)], .filtered)
            case 3:
                contents[id + "-refused"] = content(100)
                add(Self.file, id + "-refused", ["title": .string(title)], .rejected, .ruleViolated)
            default:
                // One in eight is of several pieces, which do not all fit into one chunk.
                let bytes = content(draw(0...7) == 0 ? draw(200_000...450_000) : draw(0...3) * draw(0...900))
                contents[id] = bytes
                add(Self.file, id, ["title": .string(title)], .created, fields: ["Title": title])
                expected[Self.file]?[id]?.content = bytes
            }
        }
    }

    /// Bytes with the canary in them, as far as there is room.
    private mutating func content(_ count: Int) -> [UInt8] {
        let first = UInt8(truncatingIfNeeded: draw(0...255))
        let bytes = (0..<count).map { first &+ UInt8(truncatingIfNeeded: $0 &* 7) }
        return Array((Array(canary.utf8) + bytes).prefix(count))
    }

    /// The record that stands for a duplicate.
    private var survivorOf: [String: String] = [:]

    private mutating func contactMembers(email: String) -> [String: JSONValue] {
        let scores = ["1.0", "-0", "1e3", "0.10", String(repeating: "7", count: 400)]
        return [
            "email": .string(email), "name": .string(name()), "score": .number(scores[draw(0...scores.count - 1)]),
            "stage": .string(draw(0...1) == 0 ? "a" : "b"), "archived": .bool(false),
        ]
    }

    /// What the pipeline makes of a contact.
    private static func mapped(_ members: [String: JSONValue]) -> [String: String] {
        [
            "Email": members["email"]?.text ?? "", "Name": members["name"]?.text ?? "",
            "Score": members["score"]?.text ?? "", "Stage": members["stage"]?.text == "a" ? "Alpha" : "Beta",
        ]
    }

    // MARK: Parts

    private mutating func draw(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &generator) }

    /// A text with what tends to be lost on the way.
    private mutating func name() -> String {
        let texts = [
            "Ann O'Neill", "\"quoted\"", "back\\slash", "tab\tand\nline", "Zoë Ünïcødé", "张伟", "👩‍👩‍👧", "a\u{0}b",
            "</script>",
            "=1+1", " padded ", "e\u{301}", "\u{202E}right to left", "NULL", "' OR 1=1 --",
        ]
        return "\(canary) \(texts[draw(0...texts.count - 1)])"
    }

    /// What some ids have in them.
    private mutating func mark() -> String { ["", "", "", "/a", "'b", "\"c", "%2F", " d"][draw(0...7)] }

    private mutating func add(
        _ stream: StreamName, _ id: String, _ members: [String: JSONValue], _ outcome: Outcome,
        _ code: ErrorCode? = nil, fields: [String: String] = [:], references: [String: String] = [:]
    ) {
        let record = [JSONValue.Member("id", .string(id))] + members.sorted { $0.key < $1.key }.map { .init($0, $1) }
        records[stream, default: []].append(String(decoding: JSONValue.object(record).serialized(), as: UTF8.self))
        expected[stream, default: [:]][id] = Expectation(
            outcome: outcome, code: code, fields: fields, references: references)
    }

    private mutating func addMalformed(_ stream: StreamName) {
        records[stream, default: []].append(nil)
        malformed[stream, default: 0] += 1
    }

    private mutating func link(_ from: StreamName, _ fromID: String, _ to: StreamName, _ toID: String) {
        links[.linking(from, to), default: []].append(Edge(from: fromID, to: toID))
    }
}

extension StreamName {
    /// The stream of the links between two objects.
    static func linking(_ from: StreamName, _ to: StreamName) -> StreamName {
        guard let stream = link(from: from, to: to) else { preconditionFailure("\(from) and \(to) make a name") }
        return stream
    }
}
