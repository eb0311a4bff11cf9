// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezHubSpotConnector
import MigratezHubSpotSimulator
import MigratezJSON
import MigratezModel
import MigratezSyntheticCRM
import MigratezTestKit
import Testing

struct HubSpotSchemaTests {
    @Test func `properties become fields, and pipelines the options of a stage`() async throws {
        try await HubSpotAccount.run(SyntheticCRM.Counts(records: 50)) { account in
            let schemas = try await account.source().discover([CRMObject.contact.stream, CRMObject.deal.stream])
            #expect(schemas.map(\.name) == ["contacts", "deals"])
            let contact = schemas[0]
            #expect(contact.field("email")?.kind == .email)
            #expect(contact.field("phone")?.kind == .phone)
            #expect(contact.field("hubspot_owner_id")?.kind == .reference)
            #expect(contact.field("lastmodifieddate")?.kind == .dateTime)
            #expect(contact.field("lastmodifieddate")?.isUpdateable == false)
            #expect(contact.field("archived")?.kind == .bool)
            #expect(contact.field("lifecyclestage")?.options.isEmpty == false)
            let stage = try #require(schemas[1].field("dealstage"))
            #expect(stage.kind == .choice)
            #expect(Set(stage.options.map(\.value)) == Set(DealPipeline.all.flatMap(\.stages).map(\.id)))
            #expect(schemas[1].field("pipeline")?.options.map(\.value) == DealPipeline.all.map(\.id))
        }
    }

    @Test func `owners are listed with those who have left`() async throws {
        try await HubSpotAccount.run(
            SyntheticCRM.Counts(
                contacts: 1, companies: 1, deals: 1, notes: 1, tasks: 1, calls: 1, meetings: 1, owners: 150)
        ) { account in
            let people = try await account.source().people()
            let expected = account.crm.owners.map { Person(id: String($0.id), email: $0.email, isActive: $0.isActive) }
            #expect(Set(people) == Set(expected))
            #expect(people.count == 150)
            #expect(people.contains { !$0.isActive })
        }
    }
}
