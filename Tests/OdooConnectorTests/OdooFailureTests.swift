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

struct OdooFailureTests {
    @Test(arguments: [19, 17])
    func `a key that has ended is named as such, and not shown`(version: Int) async throws {
        var options = OdooOptions()
        options.keysExpireAt = Timestamp(milliseconds: 0)
        try await OdooSite.run(version: version, options: options) { site in
            let error = await #expect(throws: MigratezError.self) {
                try await site.source(key: "an-old-key").readPage(of: DatabaseContent.contact, fields: [], after: nil)
            }
            #expect(error?.code == .credentialsRejected && error?.remedy == .fixConfiguration)
            #expect(error.map { "\($0)".contains("an-old-key") } == false)
            #expect(error?.hint != nil)
        }
    }

    /// JSON-RPC answers 200 to this, too.
    @Test(arguments: [19, 17])
    func `a right that is missing is named with its model`(version: Int) async throws {
        var options = OdooOptions()
        options.deniedModels = ["crm.lead"]
        try await OdooSite.run(version: version, options: options) { site in
            let error = await #expect(throws: MigratezError.self) {
                try await site.source().readPage(of: DatabaseContent.deal, fields: ["name"], after: nil)
            }
            #expect(error?.code == .permissionMissing)
            #expect(error?.message.contains("crm.lead") == true)
            let report = try await site.source().account(for: [DatabaseContent.contact, DatabaseContent.deal])
            #expect(report.missingRights == ["read crm.lead"])
            #expect(report.edition == "Odoo \(version).0")
        }
    }

    @Test(arguments: [19, 17])
    func `an application that is not installed is a matter of configuration`(version: Int) async throws {
        var options = OdooOptions()
        options.missingModels = ["crm.lead", "crm.stage", "crm.team", "crm.tag", "crm.lost.reason"]
        try await OdooSite.run(version: version, options: options) { site in
            let error = await #expect(throws: MigratezError.self) {
                try await site.source().discover([DatabaseContent.deal])
            }
            #expect(error?.code == .requestRefused && error?.remedy == .fixConfiguration)
            #expect(error?.hint?.contains("installed") == true)
        }
    }

    /// What the server has no limit for, a proxy before it may have.
    @Test func `a proxy that asks for an hour is a pause`() async throws {
        try await OdooSite.run { site in
            let rule = FaultPlan.Rule(.status(429, retryAfter: .seconds(3_600)), .next(1), pathPrefix: "/json/2")
            site.server.faults.inject(rule)
            let error = await #expect(throws: MigratezError.self) {
                try await site.source().readPage(of: DatabaseContent.contact, fields: [], after: nil)
            }
            #expect(error?.code == .throttled)
            guard case .waitForQuota = error?.remedy else {
                Issue.record("\(String(describing: error?.remedy)) is no pause")
                return
            }
        }
    }

    /// Faults that hit a share of all requests, whatever they are.
    @Test(arguments: [
        "status:502=0.2, reset-mid-body=0.1, status:429:1s=0.1, drop=0.1", "commit-then-drop=0.2, bad-json=0.2",
    ])
    func `what passes is waited out, and nothing is lost or doubled`(faults: String) async throws {
        try await OdooSite.run { site in
            site.server.faults.replace(with: try FaultPlan(parsing: faults))
            let destination = try site.destination()
            var receipts: [Receipt] = []
            for start in stride(from: 0, to: 300, by: 50) {
                receipts += try await destination.write(
                    contacts(start..<start + 50), by: Self.route, intent: KeptIntent())
            }
            #expect(receipts.count == 300)
            #expect(receipts.allSatisfy { if case .created = $0.result { true } else { false } })
            let source = try site.source(["page_size": "37"])
            var ids: [String] = []
            var cursor: Cursor?
            repeat {
                let page = try await source.readPage(of: DatabaseContent.contact, fields: ["name"], after: cursor)
                ids += try page.records.map { try JSONValue(parsing: Array(page.bytes[$0]))["id"]?.text ?? "" }
                cursor = page.next
            } while cursor != nil
            #expect(ids.count == 300 && Set(ids).count == 300)
            #expect(site.server.journal.counts.byFault.values.reduce(0, +) > 0)
        }
    }

    private func contacts(_ numbers: Range<Int>) -> Batch {
        Batch(
            object: "contact",
            rows: numbers.map { Batch.Row(key: "test-contact-\($0)", fields: Array(#"{"name":"Nr. \#($0)"}"#.utf8)) })
    }

    static let route = WriteRoute(name: "load", recordsMax: 200, bytesMax: .MiB(8), concurrencyMax: 1)
}
