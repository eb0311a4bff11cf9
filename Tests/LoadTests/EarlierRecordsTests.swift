// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezLoad
import MigratezModel
import MigratezStaging
import MigratezTestKit
import Synchronization
import Testing

private let down = MigratezError(.serverFailed, "down as told", remedy: .stop)
private let flaky = MigratezError(.timedOut, "no answer, as told", remedy: .retry(after: nil))

/// A destination that holds the first 40 of 75 contacts, and their 5 companies, from an earlier run.
@Suite struct `Records of an earlier run` {
    private func earlier(_ path: String) async throws -> MemoryDestination {
        let destination = MemoryDestination()
        let area = try await Scene.create(StagedRun("\(path)/earlier"), contacts: 40, companies: 5, padding: 2)
        try await Scene.loadAll(destination, area)
        try await area.close()
        #expect(destination.resolved.isEmpty, "a first load looks nothing up")
        return destination
    }

    /// What must be true whatever happened on the way.
    private func check(_ destination: MemoryDestination, _ area: StagingArea, writesMax: Int = 2) async throws {
        let contacts = destination.held.filter { $0.object == "Contact" }
        #expect(contacts.count == 75)
        #expect(Set(contacts.compactMap(\.key)).count == 75)
        #expect(contacts.allSatisfy { $0.fields["Phone"]?.text?.contains("x") == false }, "all have the new values")
        #expect(contacts.allSatisfy { $0.writes <= writesMax })
        for outcome in try await area.outcomes(of: contact) {
            #expect(outcome.outcome == (outcome.ordinal < 40 ? .updated : .created), "contact \(outcome.ordinal)")
            #expect(outcome.targetID == destination.record("memory-contact-\(outcome.ordinal)", of: "Contact")?.id)
        }
        try await Scene.expectBalance(area, [.created: 35, .updated: 40])
        try await Scene.expectBalance(area, of: link, [.created: 35, .updated: 40])
        try await Scene.expectBalance(area, of: company, [.updated: 5])
        // One image of each, with the values of the earlier run.
        let images = try await Images.all(area, contact)
        #expect(images.map(\.place.ordinal).sorted() == Array(0..<40))
        for (place, fields) in images {
            let parent = destination.record("memory-company-\(place.ordinal % 5)", of: "Account")?.id ?? ""
            #expect(place.origin == .ours)
            #expect(
                fields
                    == #"{"Email":"p\#(place.ordinal)@x.test","Phone":"\#(place.ordinal)xx","AccountId":"\#(parent)"}"#)
        }
        #expect(try await Images.all(area, company).count == 5)
    }

    @Test func `are updated, with their values before, and the others are created`() async throws {
        try await withTemporaryFolder { path in
            let destination = try await earlier(path)
            let area = try await Scene.create(StagedRun(path), contacts: 75, companies: 5)
            try await Scene.loadAll(destination, area)
            try await check(destination, area)
            try await area.close()
        }
    }

    @Test(arguments: [1, 2, 3, 6, 9], [0, 7, 10])
    func `are told from new ones after every crash`(write: Int, arrived: Int) async throws {
        try await survive(write, arrived, down)
    }

    @Test(arguments: [2, 7], [0, 7])
    func `are told from new ones when answers are lost`(write: Int, arrived: Int) async throws {
        try await survive(write, arrived, flaky)
    }

    private func survive(_ write: Int, _ arrived: Int, _ error: MigratezError) async throws {
        try await withTemporaryFolder { path in
            let destination = try await earlier(path)
            let run = StagedRun(path)
            var area = try await Scene.create(run, contacts: 75, companies: 5)
            destination.set([destination.batches.count + write: .lost(after: arrived, error)])
            do { try await Scene.loadAll(destination, area) } catch {
                destination.set([:])
                try await area.close()
                area = try await run.open()
                try await Scene.loadAll(destination, area)
            }
            // An update that may have arrived is sent again; nothing is created twice.
            try await check(destination, area, writesMax: 3)
            #expect(destination.held.filter { ($0.key?.hasPrefix("memory-contact-") ?? false) }.count == 75)
            #expect(
                destination.held.allSatisfy { held in
                    let isOld = (held.key?.split(separator: "-").last.flatMap { Int($0) } ?? 99) < 40
                    return isOld || held.writes == 1
                }, "what this run creates is written once")
            try await area.close()
        }
    }

    @Test func `that another run made meanwhile are found when the load is taken up again`() async throws {
        try await withTemporaryFolder { path in
            let faults = Dictionary(uniqueKeysWithValues: (1...9).map { ($0, MemoryDestination.Fault.refused(down)) })
            let destination = MemoryDestination(faults: faults)
            let run = StagedRun(path)
            var area = try await Scene.create(run, contacts: 75)
            let begun = area
            await #expect(throws: MigratezError.self) { try await Scene.load(destination, begun) }
            try await area.close()
            destination.set([:])
            let other = try await Scene.create(StagedRun("\(path)/other"), contacts: 40)
            try await Scene.load(destination, other)
            try await other.close()
            area = try await run.open()
            try await Scene.load(destination, area)
            try await Scene.expectBalance(area, [.created: 35, .updated: 40])
            try await area.close()
        }
    }
}

/// The values before changes that a run has kept.
enum Images {
    /// Those that count, with their fields as text.
    static func all(_ area: StagingArea, _ stream: StreamName) async throws -> [(place: ImagePlace, fields: String)] {
        var found: [(ImagePlace, String)] = []
        for chunk in try await area.chunks(of: stream, kind: .before) {
            var reader = try area.openChunkReader(chunk)
            var (block, lines): ([UInt8], [String]) = ([], [])
            while try reader.next(into: &block) {
                lines += block.split(separator: UInt8(ascii: "\n")).map { String(decoding: $0, as: UTF8.self) }
            }
            let places = try await area.manifest.read { view in
                try (1...9).flatMap { try view.images(of: stream, readySequence: $0) }
            }
            for place in places where place.chunkSequence == chunk.address.sequence {
                let line = lines[place.line]
                #expect(line.hasPrefix(#"{"n":\#(place.ordinal),"id":"\#(place.targetID)","#))
                found.append((place, String(try #require(line.split(separator: #""fields":"#).last).dropLast())))
            }
        }
        return found
    }
}
