// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezHubSpotSimulator
import MigratezJSON
import MigratezModel
import MigratezPipeline
import MigratezSalesforceSimulator
import MigratezSimulatorKit
import MigratezSyntheticCRM
import MigratezTestKit
import Testing

/// What vendors grant for a day or a session, and how late their index knows what was written.
@Suite(.serialized) struct `What a vendor grants` {
    private static let requestsPerDay = 40

    /// Whose allowance of a day is small.
    enum Side: String, CaseIterable, Sendable { case source, target }

    @Test(.timeLimit(.minutes(2)), arguments: Side.allCases)
    func `for a day ends a run when it is used up, and the run goes on the next day`(_ side: Side) async throws {
        let clock = ManualClock()
        var (account, organisation) = (HubSpotOptions(), OrgOptions())
        switch side {
        case .source: account.rate = .init(requests: 100_000, window: .seconds(10), daily: Self.requestsPerDay)
        case .target: organisation.dailyRequestsMax = Self.requestsPerDay
        }
        try await MainJobWorld.with(
            records: Undisturbed.records, vendorClock: clock, account: account, organisation: organisation,
            edit: Self.inTinyPages
        ) { world in
            try await world.begin().0.close()
            var days = 1
            while true {
                do {
                    try await world.resume()
                    break
                } catch let error as MigratezError {
                    #expect(error.code == .quotaExhausted, "\(error)")
                    try #require(days < 30, "the run does not get on")
                    days += 1
                    clock.advance(by: .seconds(86_400))
                }
            }
            #expect(days > 1, "one day was enough")
            try await Self.expectUndisturbed(world)
        }
    }

    @Test(.timeLimit(.minutes(2)), arguments: [1, 4])
    func `for a session ends in the middle of a run, which gets another`(requests: Int) async throws {
        var organisation = OrgOptions()
        organisation.sessionRequestsMax = requests
        try await MainJobWorld.with(records: Undisturbed.records, organisation: organisation) { world in
            try await world.move().close()
            #expect(world.salesforce.journal.counts.byStatus[401] ?? 0 > 2)
            try await Self.expectUndisturbed(world)
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `to those who search comes minutes late, and no run depends on it`() async throws {
        let account = HubSpotOptions(searchLag: .seconds(600))
        try await MainJobWorld.with(records: 300, account: account, edit: Self.followingDeletions) { world in
            try await world.move().close()
            let editor = SourceEditor(world)
            let contacts = editor.ids(.contact, 6)
            try await editor.change("contacts", contacts[0], ["jobtitle": "Chair"])
            try await editor.archive("contacts", contacts[1])
            try await editor.merge("contacts", contacts[2], into: contacts[3])
            try await editor.create("contacts", ["lastname": "Newcomer", "email": "newcomer@acme.test"])
            try await world.goOn().close()
            let (picture, expected) = (try OrgPicture(world.org), try await world.wholeRunElsewhere())
            #expect(picture == expected, "\(picture.differences(from: expected).joined(separator: "\n"))")
        }
    }

    /// So many pages that a day is not enough for the source either.
    private static func inTinyPages(_ text: String) -> String {
        text.replacing("connector: hubspot\n", with: "connector: hubspot\n  page_size: 3\n")
    }

    private static func followingDeletions(_ text: String) -> String {
        text.replacing("verify:", with: "delta: { on_delete: delete, deletions: \"<= 50%\" }\nverify:")
    }

    private static func expectUndisturbed(_ world: MainJobWorld) async throws {
        let (picture, undisturbed) = (try OrgPicture(world.org), try await Undisturbed.shared.picture())
        #expect(picture == undisturbed, "\(picture.differences(from: undisturbed))")
    }
}
