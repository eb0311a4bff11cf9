// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezPipedriveConnector
import MigratezPipedriveSimulator
import MigratezSimulatorKit
import MigratezSyntheticCRM
import MigratezTransport
import Testing

struct `Leads of Pipedrive` {
    private static let counts = SyntheticCRM.Counts(contacts: 60, companies: 20, leads: 80)

    @Test func `every lead is read once with its links, archived ones too`() async throws {
        try await PipedriveCompany.run(Self.counts) { company in
            let stored = try company.simulator.records(of: "leads")
            #expect(stored.count > 60 && stored.contains { $0.fields["is_archived"]?.bool == true })
            let leads = try await company.readAll("lead", ["page_size": "7"])
            #expect(leads.count == stored.count && Set(leads.compactMap { $0["id"]?.text }).count == stored.count)
            let read = Dictionary(
                leads.map { ($0["id"]?.text ?? "", $0) }, uniquingKeysWith: { first, _ in first })
            for (_, fields) in stored {
                let lead = try #require(read[fields["uuid"]?.text ?? ""])
                #expect(lead["title"]?.text == fields["title"]?.text)
                #expect(lead["value"]?.text == fields["value"]?["amount"]?.text)
                #expect(lead["Campaign"]?.text?.hasPrefix("Campaign ") == true)
                #expect(lead["add_time"]?.text?.count == 20)
            }
            let stream = try #require(StreamName("lead"))
            let bytes = leads.map { ($0["id"]?.text ?? "", $0.serialized()[...]) }
            let source = try company.source()
            for (object, field) in [("person", "person_id"), ("organization", "organization_id")] {
                let edges = try await source.readLinks(
                    from: stream, to: try #require(StreamName(object)), of: bytes.map { (id: $0.0, bytes: $0.1) })
                #expect(edges.count == stored.count { $0.fields[field]?.text != nil } && !edges.isEmpty)
            }
            let some = leads.prefix(3).compactMap { $0["id"]?.text }
            let page = try await source.readRecords(of: stream, ids: some + ["no-lead"], fields: [])
            #expect(page.records.count == 3)
        }
    }

    @Test func `a lead that is deleted between two pages takes none with it`() async throws {
        try await PipedriveCompany.run(Self.counts) { company in
            let stream = try #require(StreamName("lead"))
            let source = try company.source(["page_size": "10"])
            let all = try company.simulator.records(of: "leads").filter { $0.fields["is_archived"]?.bool == false }
                .sorted { ($0.fields["added"]?.text ?? "") < ($1.fields["added"]?.text ?? "") }
            let first = try await source.readPage(of: stream, fields: [], after: nil)
            for place in [0, 4, 9] {
                let path = "/api/v1/leads/\(all[place].fields["uuid"]?.text ?? "")"
                #expect(try await company.ask(.delete, path).status == 200)
            }
            let second = try await source.readPage(of: stream, fields: [], after: first.next)
            let ids = try second.records.map { try JSONValue(parsing: Array(second.bytes[$0]))["id"]?.text }
            #expect(ids.first == all[10].fields["uuid"]?.text)
        }
    }

    @Test func `a lead is written once, by a key among the fields of deals`() async throws {
        try await PipedriveCompany.run(.init(contacts: 3, companies: 2)) { company in
            let destination = try company.destination()
            try await destination.prepare(for: ["lead", "deal"])
            let schema = try #require(try await destination.discover(["lead"]).first)
            #expect(schema.holdsKey && destination.requirements(of: schema).isEmpty)
            let label = try #require(schema.field("label_ids")?.options.first { $0.label == "Hot" }?.value)
            let person = try #require(try company.simulator.records(of: "persons").first?.id)
            let batch = Self.batch(
                person,
                [
                    (
                        "key-1",
                        [
                            "title": "Ünïcode \"Lead\"", "value": "12.50", "currency": "EUR",
                            "label_ids": .string(label),
                            "Campaign": "Spring", "expected_close_date": "2026-12-24",
                        ]
                    ),
                    ("key-2", ["title": "Put away", "is_archived": "true"]), ("key-3", ["title": "x", "value": "1"]),
                ])
            let first = try await destination.put(batch)
            guard case .created(let id) = first[0].result, case .created = first[1].result,
                case .rejected(let rejection) = first[2].result
            else {
                Issue.record("\(first)")
                return
            }
            #expect(rejection.code == .requiredFieldMissing && rejection.fields == ["currency"])
            // Again, as after a crash.
            let again = try await company.destination().put(batch)
            #expect(again[0].result == .updated(id: id) && again.count { $0.result == first[1].result } == 0)
            #expect(try company.simulator.count(of: "leads") == 2)
            let read = try await destination.read(
                object: "lead", ids: [id], fields: ["title", "value", "currency", "Campaign", "label_ids"])
            let held = try JSONValue(parsing: try #require(read.first).fields)
            #expect(read.first?.key == "key-1" && held["title"]?.text == "Ünïcode \"Lead\"")
            #expect(held["value"]?.text == "12.50" && held["currency"]?.text == "EUR")
            #expect(held["Campaign"]?.text == "Spring" && held["label_ids"]?[0]?.text == label)
            #expect(try await destination.count(object: "lead", keyPrefix: "key-") == 2)
            // Another amount in the same currency.
            var change = Self.batch(person, [("key-1", ["value": "13"])])
            change.rows[0].targetID = id
            #expect(try await destination.put(change).map(\.result) == [.updated(id: id)])
            let lead = try company.simulator.records(of: "leads").first { $0.fields["uuid"]?.text == id }
            #expect(lead?.fields["value"]?["amount"]?.text == "13" && lead?.fields["value"]?["currency"]?.text == "EUR")
            let deleted = try await destination.delete(object: "lead", ids: [id, id + "0"])
            #expect(deleted.map(\.result) == [.deleted, .absent])
        }
    }

    @Test func `an answer that is lost doubles no lead`() async throws {
        try await PipedriveCompany.run(.init(contacts: 3)) { company in
            let destination = try company.destination()
            try await destination.prepare(for: ["lead"])
            let person = try #require(try company.simulator.records(of: "persons").first?.id)
            let batch = Self.batch(person, [("a", ["title": "A"]), ("b", ["title": "B"])])
            company.server.faults.inject(FaultPlan.Rule(.commitThenDrop, .once, pathPrefix: "/api/v1/leads"))
            let receipts = try await destination.put(batch)
            #expect(receipts.allSatisfy { if case .created = $0.result { true } else { false } })
            #expect(try company.simulator.count(of: "leads") == 2)
            let found = try await company.destination().resolve(
                batch, by: destination.route(for: "lead", expectedRows: 2), note: nil)
            #expect(found.count == 2)
        }
    }

    @Test func `a lead of nobody is refused, and so is one of somebody who is not there`() async throws {
        try await PipedriveCompany.run(.init(contacts: 3)) { company in
            let destination = try company.destination()
            try await destination.prepare(for: ["lead"])
            let alone = try await destination.put(PipedriveCompany.batch("lead", [("a", ["title": "A"])]))
            guard case .rejected(let rejection) = alone[0].result else {
                Issue.record("\(alone)")
                return
            }
            #expect(rejection.code == .requiredFieldMissing && rejection.fields.contains("person_id"))
            let missing = try await destination.put(Self.batch(9_999_999, [("b", ["title": "B"])]))
            if case .rejected = missing[0].result {} else { Issue.record("\(missing)") }
            #expect(try company.simulator.count(of: "leads") == 0)
        }
    }

    /// Rows that refer to a person.
    private static func batch(_ person: Int64, _ rows: [(key: String, fields: JSONValue)]) -> Batch {
        Batch(
            object: "lead",
            rows: rows.map { row in
                Batch.Row(
                    key: row.key, fields: row.fields.serialized(),
                    references: [
                        Batch.Reference(field: "person_id", object: "person", key: "p", targetID: String(person))
                    ])
            })
    }
}
