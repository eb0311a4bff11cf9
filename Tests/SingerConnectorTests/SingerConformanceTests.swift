// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezModel
import MigratezSingerConnector
import MigratezTestKit
import Testing

/// Both sides against scripts, by the suite that every connector passes. A target tells nothing of what it holds, so the
/// checks that read back or delete do not apply: that these are refused is in `SingerDestinationTests`.
struct `Singer conforms` {
    @Test(arguments: SourceConformance.allCases)
    func `as a source`(check: SourceConformance) async throws {
        try await TapSubject.run { try await check.check($0) }
    }

    @Test(arguments: [
        DestinationConformance.discovery, .schema, .order, .replay, .byID, .partial, .match, .counts,
    ])
    func `as a destination`(check: DestinationConformance) async throws {
        try await TargetWorld.with { try await check.check(TargetSubject(world: $0)) }
    }
}

private struct TapSubject: SourceSubject {
    let world: TapWorld
    private static let count = 2_200

    static func run(_ body: (TapSubject) async throws -> Void) async throws {
        var messages = [TapWorld.schema()]
        for number in 1...count {
            let boss = number < 10 ? "" : ", \"boss\": \(number / 10)"
            messages.append(TapWorld.record("\"id\": \(number), \"name\": \"Äda \\\"\(number)\\\" 👩‍👩‍👧\"\(boss)"))
        }
        try await TapWorld.with(messages) { try await body(TapSubject(world: $0)) }
    }

    func makeSource() throws -> any Source { try world.source(.none, ["objects.person.links.person.member": "boss"]) }
    var sourceCapabilities: SourceCapabilities { SingerSource.capabilities }

    var streams: [ExpectedStream] {
        let records = (1...Self.count).map { (String($0), ["name": "Äda \"\($0)\" 👩‍👩‍👧" as String?]) }
        return [ExpectedStream(person, records: Dictionary(records) { $1 })]
    }

    var links: [ExpectedLinks] {
        let edges = (10...Self.count).map { Edge(from: String($0), to: String($0 / 10)) }
        return [ExpectedLinks(from: person, to: person, edges: Set(edges))]
    }

    var unlinked: (from: StreamName, to: StreamName)? { (person, StreamName("firm").unsafelyUnwrapped) }
    let peopleCount = 0

    /// The tap says what its file holds when it is started.
    var editor: AccountEditor? {
        let world = world
        @Sendable func edit(_ change: (inout [String]) -> Void) throws {
            var lines = world.text("messages").split(separator: "\n").map(String.init)
            change(&lines)
            try world.write(lines)
        }
        @Sendable func line(_ id: String, _ name: String) -> String {
            TapWorld.record("\"id\": \(id), \"name\": \"\(name)\"")
        }
        return AccountEditor(
            person,
            create: { number in
                let id = String(Self.count + number)
                try edit { $0.append(line(id, "Edited")) }
                return id
            },
            change: { id in try edit { $0 = $0.map { $0 == line(id, "Edited") ? line(id, "Changed") : $0 } } },
            delete: { id in try edit { $0.removeAll { $0 == line(id, "Edited") } } })
    }
}

private struct TargetSubject: DestinationSubject {
    let world: TargetWorld

    func makeDestination() throws -> any Destination { try world.destination() }
    var destinationCapabilities: DestinationCapabilities { SingerDestination.capabilities }
    let object = "person"

    func fields(_ number: Int, version: Int) -> [String: String] {
        [
            "email": "c\(number)@conformance.test", "lastname": "Ünïcode \"\(number)\" 👩‍👩‍👧",
            "jobtitle": "Title; \(version)",
        ]
    }

    var refused: (fields: [String: String], code: ErrorCode)? { nil }
    var link: LinkSubject? { nil }
    /// A target that replaces by key holds so many.
    func count() async throws -> Int { Set(world.records.map(\.key)).count }
    func createByOthers(_ fields: [String: String]) async throws -> String? { nil }
}
