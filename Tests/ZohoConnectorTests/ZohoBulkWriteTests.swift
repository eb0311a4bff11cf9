// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
import MigratezTestKit
import MigratezTransport
import MigratezZohoConnector
import MigratezZohoSimulator
import Testing

/// Writing by bulk jobs.
@Suite struct `Zoho's bulk writes` {
    private static let bulk = ["load.api": "bulk", "load.bulk_rows_min": "2"]

    private static func rows(_ numbers: some Sequence<Int>, title: String = "One") -> [Batch.Row] {
        numbers.map { number in
            Batch.Row(
                "hubspot-contact-\(number)",
                [
                    "Last_Name": .string("Ünïcode, \"\(number)\"\n👩‍👩‍👧"), "Email": .string("c\(number)@x.test"),
                    "Title": .string(title), "Email_Opt_Out": .bool(number % 2 == 0),
                ])
        }
    }

    @Test func `carry many rows in few requests, and meet the same records again`() async throws {
        try await ZohoOrg.run { org in
            let destination = try await org.prepared(["Contacts"], Self.bulk)
            let before = org.server.journal.counts.requests
            let first = try await destination.put("Contacts", Self.rows(1...1_200))
            #expect(first.filter(\.isCreated).count == 1_200)
            #expect(org.server.journal.counts.requests - before < 15)
            let second = try await org.destination(Self.bulk).put("Contacts", Self.rows(1...1_200, title: "Two"))
            #expect(second.allSatisfy { !$0.isCreated && $0.id != nil })
            let ids = Dictionary(first.map { ($0.key, $0.id) }, uniquingKeysWith: { $1 })
            #expect(second.allSatisfy { ids[$0.key] == $0.id })
            let records = try org.simulator.records(of: "Contacts")
            #expect(records.count == 1_200 && records.values.allSatisfy { $0["Title"] == "Two" })
            let seventh = try #require(ids["hubspot-contact-7"].flatMap { $0 }.flatMap { records[$0] })
            #expect(seventh["Last_Name"] == "Ünïcode, \"7\"\n👩‍👩‍👧" && seventh["Email_Opt_Out"] == false)
        }
    }

    @Test func `refuse bad rows alone, with code and field as calls do`() async throws {
        let bad: [JSONValue] = [
            ["Last_Name": "A", "Lead_Source": "no such source", "Title": "T"],
            ["Last_Name": "A", "Lead_Source": "Cold Call", "Title": .string(String(repeating: "x", count: 101))],
            ["Last_Name": "A", "Lead_Source": "Cold Call", "Title": "T"],
        ]
        try await ZohoOrg.run { org in
            let rows = bad.enumerated().map { Batch.Row("k\($0)", $1) }
            let calls = try await org.prepared(["Contacts"]).put("Contacts", rows)
            let written = org.server.journal.counts.byRoute["upsert"]
            let jobs = try await org.destination(Self.bulk).put("Contacts", rows)
            #expect(org.server.journal.counts.byRoute["upsert"] == written)
            for call in calls {
                let job = try #require(jobs.first { $0.key == call.key })
                #expect(job.rejection?.code == call.rejection?.code && job.rejection?.fields == call.rejection?.fields)
                #expect(job.rejection?.vendorCode == call.rejection?.vendorCode && job.id == call.id)
            }
        }
    }

    @Test func `leave to calls what a job cannot carry`() async throws {
        try await ZohoOrg.run { org in
            let account = try await org.create("Accounts", ["Account_Name": "Acme"])
            let theirs = try await org.create("Contacts", ["Last_Name": "Theirs"])
            let destination = try await org.prepared(["Contacts", "Tasks"], Self.bulk)
            let link = Batch.Reference(field: "Account_Name", object: "Accounts", key: "a", targetID: account)
            let rows = [
                Batch.Row("linked-1", ["Last_Name": "L1", "Owner": .string(org.simulator.userID(at: 1))], [link]),
                Batch.Row("linked-2", ["Last_Name": "L2", "Owner": .string(org.simulator.userID(at: 1))], [link]),
                Batch.Row("nameless", ["Email": "n@x.test"]), Batch.Row("nameless-2", ["Email": "m@x.test"]),
                Batch.Row("theirs", ["Last_Name": "Ours", "Title": "T"], id: theirs),
                Batch.Row("gone", ["Last_Name": "Gone", "Title": "T"], id: "554023000000999999"),
                Batch.Row("odd", ["Last_Name": "A", "No_Such_Field": "x"]),
            ]
            let receipts = try await destination.put("Contacts", rows)
            let byKey = Dictionary(receipts.map { ($0.key, $0) }, uniquingKeysWith: { $1 })
            #expect(byKey.count == rows.count)
            let linked = try #require(byKey["linked-2"]?.id.flatMap { try? org.simulator.records(of: "Contacts")[$0] })
            #expect(linked["Account_Name"]?.text == account && linked["Owner"]?.text == org.simulator.userID(at: 1))
            #expect(byKey["nameless"]?.rejection?.code == .requiredFieldMissing)
            #expect(byKey["theirs"]?.id == theirs && byKey["theirs"]?.isCreated == false)
            #expect(byKey["gone"]?.rejection?.code == .recordDeleted)
            #expect(byKey["odd"]?.rejection?.code == .requestRefused)
            #expect(try org.simulator.records(of: "Contacts")[theirs]?["Migratez_ID"] == "theirs")
            #expect(destination.route(for: "Tasks", expectedRows: 100_000).name == "records")
            #expect(destination.route(for: "Contacts", expectedRows: 1).name == "records")
            let kinds = try await destination.sideEffects(on: ["Contacts"]).map(\.kind)
            #expect(kinds.contains(.automation))
            #expect(try await destination.sideEffects(on: ["Tasks"]).map(\.kind) == [.unknown])
        }
    }

    @Test func `clear what is blank, and leave alone what a row says nothing of`() async throws {
        try await ZohoOrg.run { org in
            let destination = try await org.prepared(["Contacts"], Self.bulk)
            let full: JSONValue = ["Last_Name": "A", "Title": "T", "Department": "D", "Email_Opt_Out": true]
            let ids = try await destination.put("Contacts", [Batch.Row("a", full), Batch.Row("b", full)]).compactMap(
                \.id)
            let blank: JSONValue = ["Last_Name": "A", "Title": "", "Email_Opt_Out": .null]
            _ = try await destination.put("Contacts", [Batch.Row("a", blank), Batch.Row("b", blank)])
            for id in ids {
                let record = try #require(try org.simulator.records(of: "Contacts")[id])
                #expect(record["Title"]?.isNull != false && record["Email_Opt_Out"]?.isNull != false)
                #expect(record["Department"] == "D")
            }
        }
    }

    @Test(arguments: [Fault.commitThenDrop, .drop, .badJSON, .status(503, retryAfter: nil)])
    func `whose beginning was lost are begun again, and tell what is new`(_ fault: Fault) async throws {
        try await ZohoOrg.run { org in
            let destination = try await org.prepared(["Contacts"], Self.bulk)
            _ = try await destination.put("Contacts", Self.rows(1...3))
            org.clock.advance(by: .seconds(3_600))
            org.server.faults.inject(.init(fault, .next(1), pathPrefix: "/crm/bulk/v8/write"))
            org.server.faults.inject(.init(fault, .next(1), pathPrefix: "/crm/v8/upload"))
            let receipts = try await destination.put("Contacts", Self.rows(1...200))
            #expect(receipts.count == 200 && receipts.filter(\.isCreated).count == 197)
            #expect(try org.simulator.count(of: "Contacts") == 200)
        }
    }

    @Test func `that a crash cut off tell what they did, for a day, and then the records do`() async throws {
        try await ZohoOrg.run { org in
            let destination = try await org.prepared(["Contacts"], Self.bulk)
            let rows =
                Self.rows(1...50) + [
                    Batch.Row("bad", Self.fields(["Title": .string(String(repeating: "x", count: 200))]))
                ]
            let intent = KeptIntent()
            let written = try await destination.put("Contacts", rows, intent: intent)
            let note = try #require(await intent.last)
            let route = destination.route(for: "Contacts", expectedRows: rows.count)
            let batch = Batch(object: "Contacts", rows: rows)
            let told = try await org.destination(Self.bulk).resolve(batch, by: route, note: note)
            #expect(Set(told.map(\.key)) == Set(written.map(\.key)))
            #expect(told.filter(\.isCreated).count == 50 && told.first { $0.key == "bad" }?.rejection?.code == .tooLong)
            org.clock.advance(by: .seconds(90_000))
            let found = try await org.destination(Self.bulk).resolve(batch, by: route, note: note)
            #expect(Set(found.compactMap(\.id)) == Set(written.compactMap(\.id)) && found.count == 50)
        }
    }

    private static func fields(_ more: JSONValue) -> JSONValue {
        .object(
            [.init("Last_Name", "A"), .init("Email", "a@x.test"), .init("Email_Opt_Out", true)] + more.members)
    }

    @Test func `that fail as a whole say so, with the way out`() async throws {
        try await ZohoOrg.run(nil) { options in
            options.bulkFailures = 1
        } _: { org in
            let destination = try await org.prepared(["Contacts"], Self.bulk)
            let error = await #expect(throws: MigratezError.self) {
                _ = try await destination.put("Contacts", Self.rows(1...5))
            }
            #expect(error?.code == .requestRefused && error?.hint?.contains("load.api: records") == true)
            #expect(try await destination.put("Contacts", Self.rows(1...5)).allSatisfy(\.isCreated))
        }
    }

    @Test func `count 500 credits a job, and without them wait`() async throws {
        try await ZohoOrg.run(nil) { options in
            options.credits = 600
        } _: { org in
            let destination = try await org.prepared(["Contacts"], Self.bulk)
            #expect(try await destination.put("Contacts", Self.rows(1...5)).allSatisfy(\.isCreated))
            let error = await #expect(throws: MigratezError.self) {
                _ = try await destination.put("Contacts", Self.rows(6...10))
            }
            #expect(error?.code == .quotaExhausted)
        }
    }

    @Test(arguments: [["load.bulk_rows_min": "0"], ["load.bulk_rows_min": "many"]])
    func `need a number of rows that can be`(_ texts: [String: String]) {
        let settings = ConnectorSettings(
            texts: texts.merging(["auth.client_id": "c"]) { $1 }, secrets: ZohoOrg.secrets)
        let error = #expect(throws: MigratezError.self) {
            _ = try ZohoDestination(
                settings: settings, http: StubHTTPClient { _, _ in HTTPResponse(status: 200) }, clock: ManualClock())
        }
        #expect(error?.code == .invalidSetting)
    }
}
