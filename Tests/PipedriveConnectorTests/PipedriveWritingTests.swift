// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezPipedriveConnector
import MigratezPipedriveSimulator
import MigratezSimulatorKit
import MigratezSyntheticCRM
import MigratezTestKit
import MigratezTransport
import Testing

struct `Writing to Pipedrive` {
    private static func people(_ numbers: ClosedRange<Int>) -> Batch {
        PipedriveCompany.batch("person", numbers.map { ("key-\($0)", ["name": .string("Person \($0)")]) })
    }

    @Test func `a record whose answer was lost is met by its key, however far search lags behind`() async throws {
        let options = PipedriveOptions(searchLag: .seconds(86_400))
        try await PipedriveCompany.run(.init(contacts: 30), options: options) { company in
            let destination = try company.destination()
            try await destination.prepare(for: ["person"])
            let before = try company.simulator.count(of: "persons")
            // Each request is carried out the first time it comes, and not answered.
            company.server.faults.inject(FaultPlan.Rule(.commitThenDrop, .once, pathPrefix: "/api/v2/persons"))
            let receipts = try await destination.put(Self.people(1...20))
            #expect(receipts.allSatisfy { if case .created = $0.result { true } else { false } })
            #expect(try company.simulator.count(of: "persons") == before + 20)
            #expect(company.server.journal.counts.byRoute["search persons"] == nil)
        }
    }

    @Test func `a key that somebody writes meanwhile is seen by the next write`() async throws {
        try await PipedriveCompany.run(.init(contacts: 5)) { company in
            let (one, other) = (try company.destination(), try company.destination())
            try await one.prepare(for: ["person"])
            _ = try await one.put(Self.people(1...3))
            _ = try await other.put(Self.people(4...6))
            company.clock.advance(by: .seconds(300))
            let receipts = try await one.put(Self.people(4...7))
            #expect(receipts.map { if case .updated = $0.result { true } else { false } } == [true, true, true, false])
        }
    }

    @Test func `notes and activities whose answer was lost are told by what they hold`() async throws {
        try await PipedriveCompany.run(.init(contacts: 10)) { company in
            let destination = try company.destination()
            let person = try #require(try company.simulator.records(of: "persons").first).id
            for (object, stored, field) in [("note", "notes", "content"), ("activity", "activities", "subject")] {
                // Two that are the same are two.
                let texts = ["<p>One</p>", "<p>Two</p>", "<p>Two</p>", "Three"]
                let rows = texts.enumerated().map { place, text in
                    Batch.Row(
                        key: "\(object)-\(place)", fields: JSONValue.object([.init(field, .string(text))]).serialized(),
                        references: [.init(field: "person_id", object: "person", key: "p", targetID: String(person))])
                }
                _ = try await destination.put(Batch(object: object, rows: [rows[1]]))
                let before = try company.simulator.count(of: stored)
                let intent = KeptIntent()
                let batch = Batch(object: object, rows: rows)
                // The look at the newest id is repeated; the first row is written, and its answer is lost.
                company.server.faults.inject(
                    FaultPlan.Rule(
                        .commitThenDrop, .once, pathPrefix: object == "note" ? "/api/v1/notes" : "/api/v2/activities"))
                let error = await #expect(throws: MigratezError.self) { try await destination.put(batch, intent) }
                guard case .retry = error?.remedy else {
                    Issue.record("\(object): \(String(describing: error))")
                    continue
                }
                let note = try #require(await intent.last)
                company.server.faults.replace(with: FaultPlan())
                let found = try await company.destination().resolve(
                    batch, by: destination.route(for: object, expectedRows: 4), note: note)
                let made = try company.simulator.count(of: stored) - before
                #expect(made > 0 && found.count == made)
                let rest = Batch(object: object, rows: rows.filter { row in !found.contains { $0.key == row.key } })
                _ = try await company.destination().put(rest)
                #expect(try company.simulator.count(of: stored) == before + rows.count)
            }
        }
    }

    @Test func `a new primary address leaves the others`() async throws {
        try await PipedriveCompany.run(.init(contacts: 1)) { company in
            let body: JSONValue = [
                "name": "Ada",
                "emails": [
                    ["value": "old@example.test", "primary": true, "label": "home"],
                    ["value": "other@example.test", "primary": false, "label": "work"],
                ],
            ]
            let made = try await company.ask(.post, "/api/v2/persons", body).answer
            let id = try #require(made["data"]?["id"]?.text)
            let destination = try company.destination()
            try await destination.prepare(for: ["person"])
            var batch = PipedriveCompany.batch("person", [("key", ["email": "new@example.test"])])
            batch.rows[0].targetID = id
            #expect(try await destination.put(batch).map(\.result) == [.updated(id: id)])
            let emails = try await company.ask(.get, "/api/v2/persons/\(id)").answer["data"]?["emails"]?.elements
            #expect(emails?.map { $0["value"]?.text } == ["new@example.test", "other@example.test"])
            #expect(emails?[0]["label"]?.text == "home")
            #expect(emails?[0]["primary"]?.bool == true && emails?[1]["primary"]?.bool == false)
        }
    }

    @Test func `values go out in the form of their fields`() async throws {
        try await PipedriveCompany.run(.init(contacts: 1, companies: 1)) { company in
            let destination = try company.destination()
            try await destination.prepare(for: ["person", "organization", "deal"])
            let list = try await company.source().discover([try #require(StreamName("person"))])[0]
            let field = try #require(list.field("Languages"))
            let languages = field.options.prefix(2).map(\.value)
            let receipts = try await destination.put(
                PipedriveCompany.batch(
                    "person",
                    [
                        (
                            "key-1",
                            [
                                "name": "Grace", "Languages": .string(languages.joined(separator: ";")),
                                "Income": "1250.50", "Income_currency": "EUR", "Home_locality": "Oslo",
                                "Home_country": "Norway", "Birthday": "1906-12-09",
                                "add_time": "2019-01-02T03:04:05.678Z",
                            ]
                        )
                    ]))
            guard case .created(let id) = receipts[0].result else {
                Issue.record("\(receipts)")
                return
            }
            let read = try await destination.read(
                object: "person", ids: [id],
                fields: ["Languages", "Income", "Income_currency", "Home", "Home_locality", "Birthday", "add_time"])
            let values = try JSONValue(parsing: try #require(read.first).fields)
            #expect(values["Languages"]?.elements.compactMap(\.text) == languages)
            #expect(values["Income"]?.text == "1250.50")
            #expect(values["Income_currency"]?.text == "EUR")
            #expect(values["Home"]?.text == "Oslo, Norway")
            #expect(values["add_time"]?.text == "2019-01-02T03:04:05Z")
            #expect(read.first?.key == "key-1")
        }
    }

    @Test func `rows that cannot be written say why`() async throws {
        try await PipedriveCompany.run(.init(contacts: 1, deals: 1)) { company in
            let destination = try company.destination()
            try await destination.prepare(for: ["deal"])
            let cases: [(JSONValue, ErrorCode, [String])] = [
                (["title": "A", "value": "much"], .wrongType, ["value"]),
                (["title": "A", "stage_id": "99"], .notInPicklist, ["stage_id"]),
                (["title": "A", "owner_id": "99"], .ownerUnmatched, ["owner_id"]),
                (["title": "A", "org_id": "99"], .parentNotLoaded, ["org_id"]),
                (["value": 1], .requiredFieldMissing, ["title"]),
                (["title": .string(String(repeating: "x", count: 300))], .tooLong, ["title"]),
                (["title": "A", "nothing": 1], .requestRefused, ["nothing"]),
                (["title": "A", "update_time": "2020-01-01T00:00:00Z"], .permissionMissing, ["update_time"]),
            ]
            let rows = cases.enumerated().map { (key: "key-\($0)", fields: $1.0) }
            let receipts = try await destination.put(PipedriveCompany.batch("deal", rows))
            for ((_, code, fields), receipt) in zip(cases, receipts) {
                guard case .rejected(let rejection) = receipt.result else {
                    Issue.record("\(receipt)")
                    continue
                }
                #expect(rejection.code == code)
                #expect(rejection.fields == fields)
            }
            let note = PipedriveCompany.batch("note", [("note", ["content": "about nothing"])])
            guard case .rejected(let rejection) = try await destination.put(note)[0].result else {
                Issue.record("a note about nothing was written")
                return
            }
            #expect(rejection.code == .requiredFieldMissing)
        }
    }

    @Test func `a field for our key that cannot hold it is refused`() async throws {
        try await PipedriveCompany.run(.init()) { company in
            let body: JSONValue = ["field_name": "migratez_id", "field_type": "double"]
            #expect(try await company.ask(.post, "/api/v2/dealFields", body).status == 200)
            let destination = try company.destination()
            let error = await #expect(throws: MigratezError.self) { try await destination.prepare(for: ["deal"]) }
            #expect(error?.code == .invalidSetting)
        }
    }

    @Test func `a record that others refer to is told`() async throws {
        try await PipedriveCompany.run(.init(contacts: 20, companies: 5)) { company in
            let ids = try company.simulator.records(of: "persons").compactMap { $0.fields["org_id"]?.text }
            let used = try #require(ids.first)
            let made = try await company.ask(.post, "/api/v2/organizations", ["name": "Alone"]).answer
            let alone = try #require(made["data"]?["id"]?.text)
            let found = try await company.destination().referrers(object: "organization", ids: [used, alone])
            #expect(found == [used: "person"])
        }
    }

    @Test func `tokens of the day that are ours bound what is sent`() async throws {
        try await PipedriveCompany.run(.init(contacts: 2)) { company in
            let destination = try company.destination(["rate.daily_tokens": "300"])
            try await destination.prepare(for: ["person"])
            let error = await #expect(throws: MigratezError.self) { try await destination.put(Self.people(1...90)) }
            #expect(error?.code == .quotaExhausted)
            // Some were written before, and are met again.
            let held = try company.simulator.count(of: "persons")
            #expect(held > 2)
            _ = try await company.destination().put(Self.people(1...90))
            #expect(try company.simulator.count(of: "persons") == 92)
        }
    }

    @Test func `too many requests in two seconds only slow`() async throws {
        let options = PipedriveOptions(burst: .init(requests: 5))
        try await PipedriveCompany.run(.init(contacts: 2), options: options) { company in
            let destination = try company.destination(["rate.requests": "100/2s"])
            try await destination.prepare(for: ["person"])
            _ = try await destination.put(Self.people(1...30))
            #expect(try company.simulator.count(of: "persons") == 32)
        }
    }
}
