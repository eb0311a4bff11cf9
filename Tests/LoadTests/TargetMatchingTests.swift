// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezLoad
import MigratezModel
import MigratezStaging
import MigratezTestKit
import Testing

@Suite struct TargetMatchingTests {
    /// Persons 3 and 14 are there already: 3 with a phone, twice; 14 without.
    private let existing = [
        (object: "Contact", fields: #"{"Email":" P3@X.test","Phone":"old"}"#),
        (object: "Contact", fields: #"{"Email":"p3@x.test","Phone":"older"}"#),
        (object: "Contact", fields: #"{"Email":"p14@x.test","Phone":null,"Title":"Dr."}"#),
        (object: "Account", fields: #"{"Email":"p5@x.test"}"#),
    ]

    private func load(
        _ action: LoadTarget.MatchRule.Action, _ path: String, faults: [Int: MemoryDestination.Fault] = [:]
    ) async throws -> (MemoryDestination, StagingArea) {
        let run = StagedRun(path)
        var area = try await Scene.create(run, contacts: 20, companies: 2)
        let destination = MemoryDestination(
            existing: existing.map { ($0.object, $0.fields.replacing(" P3", with: "P3")) }, faults: faults)
        try await Scene.load(destination, area, Scene.companies)
        var target = Scene.contacts
        target.matches = [.init(keys: ["Email"], action: action)]
        do { try await Scene.load(destination, area, target) } catch {
            destination.set([:])
            try await area.close()
            area = try await run.open()
            try await Scene.load(destination, area, target)
        }
        return (destination, area)
    }

    private func held(_ destination: MemoryDestination, _ id: String) throws -> MemoryDestination.Held {
        try #require(destination.held.first { $0.id == id })
    }

    @Test func `fill_blanks sets empty fields only`() async throws {
        try await withTemporaryFolder { path in
            let (destination, area) = try await load(.fillBlanks, path)
            #expect(try held(destination, "old-0").fields["Phone"]?.text == "old")
            #expect(try held(destination, "old-0").key == "memory-contact-3")
            #expect(try held(destination, "old-1").key == nil)
            #expect(try held(destination, "old-2").fields["Phone"]?.text == "14")
            #expect(try held(destination, "old-2").fields["Title"]?.text == "Dr.")
            try await Scene.expectBalance(area, [.created: 18, .updated: 2])
            try await Scene.expectBalance(area, of: link, [.created: 20])
            try await area.close()
        }
    }

    @Test func `overwrite sets all mapped fields, and the old values are kept`() async throws {
        try await withTemporaryFolder { path in
            let (destination, area) = try await load(.overwrite, path)
            #expect(try held(destination, "old-0").fields["Phone"]?.text == "3")
            #expect(try held(destination, "old-2").fields["Title"]?.text == "Dr.")
            let before = try await area.texts(of: contact, .before)
            #expect(
                Set(before) == [
                    #"{"n":3,"id":"old-0","fields":{"Email":"P3@X.test","Phone":"old","AccountId":null}}"#,
                    #"{"n":14,"id":"old-2","fields":{"Email":"p14@x.test","Phone":null,"AccountId":null}}"#,
                ])
            try await Scene.expectBalance(area, [.created: 18, .updated: 2])
            try await area.close()
        }
    }

    @Test func `skip leaves the record as it is, and links lead to it`() async throws {
        try await withTemporaryFolder { path in
            let (destination, area) = try await load(.skip, path)
            #expect(try held(destination, "old-0").writes == 0)
            try await Scene.expectBalance(area, [.created: 18, .skipped: 2])
            try await Scene.expectBalance(area, of: link, [.created: 18, .skipped: 2])
            #expect(try await area.outcomes(of: contact)[14].targetID == "old-2")
            try await area.close()
        }
    }

    @Test(arguments: 2...3, [0, 4, 10])
    func `a crash while existing records are changed doubles nothing`(write: Int, arrived: Int) async throws {
        try await withTemporaryFolder { path in
            let failure = MigratezError(.serverFailed, "down as told")
            let (destination, area) = try await load(
                .overwrite, path, faults: [write: .lost(after: arrived, failure)])
            #expect(destination.held.filter { $0.object == "Contact" }.count == 21)
            #expect(try held(destination, "old-0").fields["Phone"]?.text == "3")
            #expect(try held(destination, "old-0").writes == 1)
            try await Scene.expectBalance(area, [.created: 18, .updated: 2])
            try await area.close()
        }
    }
}
