// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezOdooSimulator
import MigratezSimulatorKit
import MigratezSyntheticCRM
import MigratezTestKit
import Testing

struct OdooSimulatorTests {
    private let crm = SyntheticCRM(seed: 3, counts: .init(records: 500))

    @Test func `a database is filled with what the synthetic CRM has, archived records and people who left too`() throws
    {
        let database = try OdooSimulator(crm)
        let partners = try database.records(of: "res.partner")
        #expect(partners.filter { $0.values["is_company"] == true }.count == crm.counts.companies)
        let people = partners.filter { $0.values["is_company"] == false && $0.values["partner_share"] == true }
        #expect(people.count == crm.counts.contacts)
        #expect(people.filter { $0.values["active"] == false }.count == crm.archivedCount(of: .contact))
        // Two users are the server's own.
        #expect(try database.count(of: "res.users") == crm.counts.owners + 2)
        let inactive = try database.records(of: "res.users").filter { $0.values["active"] == false }
        #expect(inactive.count == crm.owners.filter { !$0.isActive }.count + 1)
        #expect(try database.count(of: "crm.lead") == crm.counts.deals)
        let lost = (0..<crm.counts.deals).filter {
            crm.deal(at: $0)[.probability] == "0.0" || crm.isArchived(.deal, at: $0)
        }
        #expect(try database.records(of: "crm.lead").filter { $0.values["active"] == false }.count == lost.count)
        #expect(try database.count(of: "calendar.event") == crm.counts.meetings)
    }

    @Test func `a note hangs on its deal, else on its contact, else on its company`() throws {
        let notes = try OdooSimulator(crm).records(of: "mail.message")
        let kinds = [LinkKind.noteToDeal, .noteToContact, .noteToCompany].map { crm.links($0) }
        let linked = (0..<crm.counts.notes).filter { index in
            kinds.contains { $0.links(from: index).contains { !$0.isDangling } }
        }
        #expect(notes.count == linked.count)
        let onDeals = (0..<crm.counts.notes).filter { kinds[0].links(from: $0).contains { !$0.isDangling } }
        #expect(notes.filter { $0.values["model"] == "crm.lead" }.count == onDeals.count)
    }

    @Test func `a database in a file goes on where it was`() async throws {
        try await withTemporaryFolder { folder in
            var options = OdooOptions()
            options.database = "\(folder)/odoo.sqlite"
            let before = try OdooSimulator(crm, options: options).count(of: "res.partner")
            #expect(try OdooSimulator(crm, options: options).count(of: "res.partner") == before)
        }
    }
}
