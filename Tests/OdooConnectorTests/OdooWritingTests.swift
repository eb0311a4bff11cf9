// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezOdooConnector
import MigratezOdooSimulator
import MigratezTestKit
import Testing

struct OdooWritingTests {
    private func write(
        _ object: String, _ rows: [(key: String, fields: JSONValue)], references: [Batch.Reference] = [],
        to site: OdooSite
    ) async throws -> [String: Receipt.Result] {
        let batch = Batch(
            object: object,
            rows: rows.map { Batch.Row(key: $0.key, fields: $0.fields.serialized(), references: references) })
        let receipts = try await site.destination()
            .write(batch, by: OdooFailureTests.route, intent: KeptIntent())
        return Dictionary(receipts.map { ($0.key, $0.result) }, uniquingKeysWith: { $1 })
    }

    private func id(_ result: Receipt.Result?) throws -> String {
        guard case .created(let id)? = result else { throw MigratezError(.internalError, "not created") }
        return id
    }

    private func code(_ result: Receipt.Result?) -> ErrorCode? {
        guard case .rejected(let rejection)? = result else { return nil }
        return rejection.code
    }

    @Test(arguments: [19, 17])
    func `the server names each bad row, and the good ones beside them are written`(version: Int) async throws {
        try await OdooSite.run(version: version) { site in
            var rows: [(key: String, fields: JSONValue)] = (0..<60).map {
                ("deal-\($0)", ["name": .string("Deal \($0)")])
            }
            rows[3].fields = ["expected_revenue": "12"]
            rows[7].fields = ["name": "x", "date_deadline": "someday"]
            rows[8].fields = ["name": "x", "expected_revenue": "much"]
            rows[9].fields = ["name": "x", "stage_id": "77"]
            // More than ten bad rows end a call of the server's before it has seen all.
            for number in 20..<45 { rows[number].fields = ["name": "", "x_next_step": "no name"] }
            let results = try await write("deal", rows, to: site)
            #expect(results.count == 60)
            #expect(code(results["deal-3"]) == .requiredFieldMissing)
            #expect(code(results["deal-7"]) == .wrongType)
            #expect(code(results["deal-8"]) == .wrongType)
            #expect(code(results["deal-9"]) == .parentNotLoaded)
            for number in 20..<45 { #expect(code(results["deal-\(number)"]) == .requiredFieldMissing) }
            #expect(try site.simulator.count(of: "crm.lead") == 60 - 29)
        }
    }

    @Test func `a character that no text may hold refuses its row`() async throws {
        try await OdooSite.run { site in
            let results = try await write(
                "contact", [("a", ["name": "A\0"]), ("b", ["name": "B\u{1}"])], to: site)
            #expect(code(results["a"]) == .wrongType)
            #expect(try !id(results["b"]).isEmpty)
        }
    }

    @Test func `times are stored in UTC, a company is marked as one, and numbers and choices keep their form`()
        async throws
    {
        try await OdooSite.run { site in
            let company = try id(
                try await write(
                    "company", [("acme", ["name": "Acme", "x_annual_revenue": "12.50", "user_id": "2"])], to: site)[
                        "acme"])
            let record = try #require(
                try site.simulator.records(of: "res.partner").first { String($0.id) == company }?.values)
            #expect(record["is_company"] == true && record["user_id"] == 2)
            let meeting = try await write(
                "meeting",
                [
                    (
                        "m",
                        [
                            "name": "Kick-off", "start": "2026-03-31T23:30:00.250+02:00",
                            "stop": "2026-03-31T22:30:00Z",
                        ]
                    )
                ], to: site)
            _ = try id(meeting["m"])
            let event = try #require(try site.simulator.records(of: "calendar.event").first?.values)
            #expect(event["start"] == "2026-03-31 21:30:00" && event["stop"] == "2026-03-31 22:30:00")
        }
    }

    /// Of a message the model's name says what it hangs on, of an activity the model's number.
    @Test(arguments: [("note", "mail.message", "model"), ("task", "mail.activity", "res_model")])
    func `what hangs on a record names it, and keeps its time`(
        object: String, model: String, member: String
    ) async throws {
        try await OdooSite.run { site in
            let deal = try id(try await write("deal", [("d", ["name": "Deal"])], to: site)["d"])
            let fields: JSONValue =
                object == "note"
                ? ["body": "<p>Hello</p>", "date": "2021-05-01T10:00:00Z"]
                : ["summary": "Call back", "date_deadline": "2021-05-01", "user_id": "2"]
            let reference = Batch.Reference(field: "res_id", object: "deal", key: "d", targetID: deal)
            let results = try await write(object, [("x", fields)], references: [reference], to: site)
            let written = try id(results["x"])
            let record = try #require(
                try site.simulator.records(of: model).first { String($0.id) == written }?.values)
            #expect(record[member] == "crm.lead" && record["res_id"]?.text == deal)
            if object == "note" { #expect(record["date"] == "2021-05-01 10:00:00" && record["is_internal"] == true) }
            let destination = try site.destination()
            #expect(try await destination.referrers(object: "deal", ids: [deal]) == [deal: object])
            let read = try await destination.read(object: object, ids: [written], fields: ["res_id"])
            #expect(read.map { String(decoding: $0.fields, as: UTF8.self) } == [#"{"res_id":\#(deal)}"#])
        }
    }

    @Test func `an empty value empties its field, and a field that is not sent stays`() async throws {
        try await OdooSite.run { site in
            _ = try await write("contact", [("a", ["name": "A", "city": "Oslo", "function": "Boss"])], to: site)
            _ = try await write("contact", [("a", ["name": "A", "city": .null])], to: site)
            let record = try #require(
                try site.simulator.records(of: "res.partner").first { $0.values["name"] == "A" }?.values)
            #expect(record["city"] == nil && record["function"] == "Boss")
        }
    }

    @Test func `keys may hold anything, and no two become one`() async throws {
        try await OdooSite.run { site in
            let keys = ["csv-person-a b", "csv-person-a=20b", "csv-person-a.b", "csv-person-ä\n", "csv-person-a%b_c\\"]
            let results = try await write("contact", keys.map { ($0, ["name": "N"]) }, to: site)
            #expect(Set(try keys.map { try id(results[$0]) }).count == keys.count)
            let destination = try site.destination()
            for key in keys {
                let read = try await destination.read(object: "contact", ids: [id(results[key])], fields: ["name"])
                #expect(read.map(\.key) == [key])
            }
            #expect(try await destination.count(object: "contact", keyPrefix: "csv-person-a%") == 1)
        }
    }

    @Test func `a record that was deleted is not made anew by its id`() async throws {
        try await OdooSite.run { site in
            var row = Batch.Row(key: "k", fields: Array(#"{"name":"N"}"#.utf8))
            row.targetID = "4711"
            let receipts = try await site.destination().write(
                Batch(object: "contact", rows: [row]), by: OdooFailureTests.route, intent: KeptIntent())
            #expect(receipts.map { code($0.result) } == [.recordDeleted])
        }
    }

    @Test func `what the server keeps is told, and does not keep the others`() async throws {
        try await OdooSite.run { site in
            let own = try #require(try site.simulator.records(of: "res.users").first?.values["partner_id"]?.text)
            let made = try await write("contact", (0..<20).map { ("k\($0)", ["name": "N"]) }, to: site)
            let ids = try made.values.map { try id($0) } + [own]
            let deletions = try await site.destination().delete(object: "contact", ids: ids)
            for deletion in deletions {
                guard deletion.id == own else {
                    #expect(deletion.result == .deleted)
                    continue
                }
                guard case .refused(let rejection) = deletion.result else {
                    Issue.record("\(deletion.result)")
                    continue
                }
                #expect(rejection.vendorCode == "odoo.exceptions.UserError")
            }
        }
    }

    @Test func `who changed a record last is told`() async throws {
        try await OdooSite.run { site in
            let contact = try id(try await write("contact", [("k", ["name": "N"])], to: site)["k"])
            let change = try await site.destination().lastChanges(object: "contact", ids: [contact])[contact]
            #expect(change?.isOurs == true)
        }
    }
}
