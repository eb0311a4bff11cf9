// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
import MigratezSyntheticCRM
import MigratezTestKit
import MigratezTransport
import MigratezZohoConnector
import MigratezZohoSimulator
import Testing

/// Tags, which are read and set by calls of their own.
@Suite struct `Zoho's tags` {
    private static func row(_ key: String, _ tags: JSONValue?) -> Batch.Row {
        Batch.Row(key, .object([.init("Last_Name", "A")] + (tags.map { [.init("Tag", $0)] } ?? [])))
    }

    private static func tags(_ org: ZohoOrg) throws -> [String: Set<String>] {
        var tags: [String: Set<String>] = [:]
        for record in try org.simulator.records(of: "Contacts").values {
            guard let key = record["Migratez_ID"]?.text else { continue }
            tags[key] = Set(record["Tag"]?.elements.compactMap(\.text) ?? [])
        }
        return tags
    }

    @Test(arguments: ["records", "bulk"])
    func `are those of the row and no others, whatever carries it`(_ route: String) async throws {
        try await ZohoOrg.run { org in
            let settings = ["load.api": route, "load.bulk_rows_min": "1"]
            let destination = try await org.prepared(["Contacts"], settings)
            #expect(try await destination.discover(["Contacts"])[0].field("Tag")?.kind == .choices)
            let first = [
                Self.row("a", ["VIP", "Fair 2026"]), Self.row("b", "VIP;EU"), Self.row("c", ["EU"]), Self.row("d", nil),
                Self.row("e", ["VIP"]),
            ]
            #expect(try await destination.put("Contacts", first).allSatisfy(\.isCreated))
            #expect(
                try Self.tags(org)
                    == ["a": ["VIP", "Fair 2026"], "b": ["VIP", "EU"], "c": ["EU"], "d": [], "e": ["VIP"]])
            // Replaced, taken away, not spoken of.
            let second = [Self.row("a", ["EU"]), Self.row("b", .null), Self.row("c", nil), Self.row("e", "")]
            let receipts = try await org.destination(settings).put("Contacts", second)
            #expect(receipts.allSatisfy { !$0.isCreated && $0.id != nil })
            #expect(try Self.tags(org) == ["a": ["EU"], "b": [], "c": ["EU"], "d": [], "e": []])
        }
    }

    @Test(arguments: ["coql", "bulk"])
    func `are read with the records that they belong to`(_ route: String) async throws {
        try await ZohoOrg.run(.init(contacts: 250)) { org in
            let ids = try org.simulator.records(of: "Contacts").keys.sorted()
            for (tag, tagged) in [("VIP", ids.prefix(120)), ("EU", ids.suffix(200))] {
                let answer = try await org.ask(
                    .post, "/Contacts/actions/add_tags",
                    [
                        "tags": .array([.object([.init("name", .string(tag))])]),
                        "ids": .array(tagged.map { .string($0) }),
                    ])
                #expect(answer["data"]?.elements.count == tagged.count)
            }
            let source = try org.source(["extract.api": route, "page_size": "200"])
            var found: [String: [String]] = [:]
            var cursor: Cursor?
            repeat {
                let page = try await source.readPage(
                    of: StreamName("Contacts")!, fields: ["Tag", "Email"], after: cursor)
                for range in page.records {
                    let record = try JSONValue(parsing: Array(page.bytes[range]))
                    found[record["id"]?.text ?? ""] = record["Tag"]?.elements.compactMap(\.text)
                }
                cursor = page.next
            } while cursor != nil
            #expect(found.count == ids.count)
            for (number, id) in ids.enumerated() {
                let expected = (number < 120 ? ["VIP"] : []) + (number >= ids.count - 200 ? ["EU"] : [])
                #expect(found[id] == expected)
            }
            let read = try await org.destination().read(object: "Contacts", ids: [ids[0]], fields: ["Tag"])
            #expect(read.map { String(decoding: $0.fields, as: UTF8.self) } == [#"{"Tag":["VIP"]}"#])
        }
    }

    @Test func `that a crash cut off are set when the row is written again`() async throws {
        try await ZohoOrg.run { org in
            let destination = try await org.prepared(["Contacts"])
            let rows = [Self.row("a", ["VIP"]), Self.row("b", nil)]
            org.server.faults.inject(.init(.drop, .share(1), pathPrefix: "/crm/v8/Contacts/actions/add_tags"))
            let intent = KeptIntent()
            await #expect(throws: MigratezError.self) {
                _ = try await destination.put("Contacts", rows, intent: intent)
            }
            #expect(try Self.tags(org) == ["a": [], "b": []])
            org.server.faults.replace(with: FaultPlan())
            let found = try await org.destination().found("Contacts", rows, note: await intent.last)
            #expect(found.map(\.key) == ["b"])
            // Before a write, all that is there is told.
            #expect(try await org.destination().found("Contacts", rows).count == 2)
            _ = try await org.destination().put("Contacts", [rows[0]])
            #expect(try Self.tags(org) == ["a": ["VIP"], "b": []])
            #expect(try await org.destination().found("Contacts", rows, note: await intent.last).count == 2)
        }
    }

    @Test func `that cannot be are refused with their rows`() async throws {
        try await ZohoOrg.run { org in
            let destination = try await org.prepared(["Contacts"])
            let receipts = try await destination.put(
                "Contacts",
                [
                    Self.row("long", [.string(String(repeating: "x", count: 26))]),
                    Self.row("many", .array((0..<11).map { .string("T\($0)") })), Self.row("good", ["VIP"]),
                ])
            let byKey = Dictionary(receipts.map { ($0.key, $0) }, uniquingKeysWith: { $1 })
            #expect(byKey["long"]?.rejection?.code == .tooLong && byKey["long"]?.rejection?.fields == ["Tag"])
            #expect(byKey["many"]?.rejection?.fields == ["Tag"] && byKey["good"]?.isCreated == true)
        }
    }
}
