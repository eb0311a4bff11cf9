// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezOdooConnector
import MigratezOdooSimulator
import MigratezSimulatorKit
import MigratezTestKit
import Testing

struct OdooReadingTests {
    @Test func `models become objects with their types, choices and what they refer to`() async throws {
        try await OdooSite.run { site in
            let schemas = try await site.source().discover([DatabaseContent.contact, DatabaseContent.deal])
            #expect(schemas.map(\.name) == ["contact", "deal"])
            let contact = schemas[0]
            #expect(contact.field("email")?.kind == .email)
            #expect(contact.field("phone")?.kind == .phone)
            #expect(contact.field("comment")?.kind == .longText)
            #expect(contact.field("parent_id")?.refersTo == ["company", "contact"])
            #expect(contact.field("user_id")?.refersTo == ["User"])
            #expect(contact.field("create_date")?.isCreateable == false)
            #expect(contact.field("x_annual_revenue")?.kind == .decimal)
            #expect(contact.field("category_id")?.kind == .choices)
            let stage = try #require(schemas[1].field("stage_id"))
            #expect(stage.kind == .choice && stage.isRestricted)
            #expect(stage.options.map(\.label) == ["New", "Qualified", "Proposition", "Won"])
            #expect(schemas[1].field("x_deal_type")?.options.map(\.value) == ["newbusiness", "existingbusiness"])
        }
    }

    @Test func `nothing is null, a relation is an id, several choices are one text`() async throws {
        try await OdooSite.run { site in
            let tags = try await site.call(
                "res.partner.category", "create", ["vals_list": [["name": "A"], ["name": "B"]]])
            let ids = try tags.elements.map { try #require($0.text) }
            let made = try await site.call(
                "res.partner", "create",
                ["vals_list": [["name": "false", "category_id": [[6, 0, tags]], "user_id": 2]]])
            let page = try await site.source().readRecords(
                of: DatabaseContent.contact, ids: [try #require(made[0]?.text)],
                fields: ["name", "email", "active", "category_id", "user_id", "x_annual_revenue"])
            let record = try JSONValue(parsing: Array(page.bytes[try #require(page.records.first)]))
            #expect(record["name"] == "false")
            #expect(record["email"] == .null)
            #expect(record["active"] == true)
            #expect(record["category_id"]?.text == ids.joined(separator: ";"))
            #expect(record["user_id"] == 2)
            #expect(record["x_annual_revenue"] == 0)
        }
    }

    @Test func `lost opportunities are archived, and are read`() async throws {
        try await OdooSite.run(records: 300) { site in
            let archived = try site.simulator.records(of: "crm.lead").filter { $0.values["active"] == false }.count
            #expect(archived > 0)
            let source = try site.source()
            #expect(try await source.count(of: DatabaseContent.deal) == site.simulator.count(of: "crm.lead"))
        }
    }

    @Test func `a model without a name of its own is read by its technical one`() async throws {
        try await OdooSite.run { site in
            let stream = StreamName("crm-stage")!
            let source = try site.source()
            #expect(try await source.discover([stream])[0].field("is_won")?.kind == .bool)
            #expect(try await source.count(of: stream) == 4)
        }
    }

    @Test func `settings that are missing or wrong are refused before anything is sent`() async throws {
        try await OdooSite.run { site in
            #expect(throws: MigratezError.self) { try site.source(["page_size": "0"]) }
            #expect(throws: MigratezError.self) { try site.source(key: "") }
            // JSON-RPC needs to know the database and the login.
            let error = #expect(throws: MigratezError.self) { try site.source(["api_version": "json-rpc"]) }
            #expect(error?.message.contains("database") == true)
            #expect(throws: MigratezError.self) { try site.destination(["load.external_id": "No Module"]) }
            #expect(site.server.journal.counts.requests == 0)
        }
    }
}
