// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezChunkLines
import MigratezModel
import MigratezStaging
import MigratezTestKit
import MigratezTransform
import Testing

@Suite struct LinksTests {
    private func scene(_ edges: [Edge]) -> TransformScene {
        var scene = TransformScene()
        scene.companies = (0..<4).map { #"{"id":"c\#($0)","name":"n\#($0)"}"# }
        scene.contacts = (0..<4).map { #"{"id":"\#($0)","email":"e\#($0)@x.test"}"# }
        scene.edges = edges
        return scene
    }

    private func reference(_ ordinal: Int, edge: Int, _ onMissing: String = "quarantine") -> ReadyLine.Reference {
        .init(
            field: "AccountId", stream: company, ordinal: ordinal, link: contactToCompany, edge: edge,
            onMissing: onMissing)
    }

    @Test func `a lookup takes the primary link, else the first; the others are skipped`() async throws {
        let scene = scene([
            Edge(from: "0", to: "c1"), Edge(from: "0", to: "c2", isPrimary: true), Edge(from: "1", to: "c3"),
            Edge(from: "1", to: "c0"),
        ])
        try await scene.run { _, result in
            #expect(result.line(0)?.references == [reference(2, edge: 1)])
            #expect(result.line(1)?.references == [reference(3, edge: 2)])
            #expect(result.outcomes[contactToCompany]?.map(\.outcome) == [.skipped, .skipped])
            result.expectConservation(contacts: 4, companies: 4, edges: 4)
        }
        var first = scene
        first.choose = .first
        try await first.run { _, result in
            let found = result.line(0)?.references
            #expect(found == [reference(1, edge: 0)])
        }
    }

    @Test(arguments: LinkSpec.OnMissing.allCases)
    func `a lookup that leads nowhere is treated as the pipeline says`(policy: LinkSpec.OnMissing) async throws {
        var scene = scene([
            Edge(from: "0", to: "gone"), Edge(from: "1", to: "gone"), Edge(from: "1", to: "c1"),
            Edge(from: "nobody", to: "c1"),
        ])
        scene.onMissing = policy
        try await scene.run { _, result in
            let record: Outcome? = [.quarantine: .rejected, .skip: .skipped, .empty: nil][policy] ?? nil
            #expect(result.outcome(0)?.outcome == record)
            #expect(result.outcome(0, contactToCompany)?.code == ErrorCode.parentMissing.description)
            let edge: Outcome = policy == .quarantine ? .rejected : .skipped
            #expect(result.outcomes[contactToCompany]?.map(\.outcome) == [edge, edge, edge])
            #expect(result.line(1)?.references == [reference(1, edge: 2, policy.rawValue)])
            result.expectConservation(contacts: 4, companies: 4, edges: 4)
        }
    }

    @Test func `links of duplicates land on the survivor, and links that have become one are made once`() async throws {
        var scene = scene([
            Edge(from: "0", to: "c0"), Edge(from: "9", to: "c1"), Edge(from: "1", to: "c1"), Edge(from: "9", to: "c2"),
        ])
        scene.companies[1] = #"{"id":"c1","name":"n0"}"#
        scene.contacts.append(#"{"id":"9","email":"E0@x.test"}"#)
        scene.duplicates = [DuplicateRule(keys: ["email"], keep: .first)]
        scene.companyDuplicates = [DuplicateRule(keys: ["name"], keep: .first)]
        try await scene.run { _, result in
            #expect(result.line(0)?.references == [reference(0, edge: 0)])
            #expect(result.line(1)?.references == [reference(0, edge: 2)])
            #expect(result.outcome(1, contactToCompany)?.outcome == .merged)
            #expect(result.outcome(3, contactToCompany)?.outcome == .skipped)
            result.expectConservation(contacts: 5, companies: 4, edges: 4)
        }
    }

    @Test func `links of records that are left out have their outcomes, too`() async throws {
        var scene = scene([
            Edge(from: "0", to: "c0"), Edge(from: "0", to: "c1"), Edge(from: "1", to: "c0"), Edge(from: "9", to: "c0"),
        ])
        scene.filter = "!archived"
        scene.contacts[0] = #"{"id":"0","archived":true}"#
        scene.contacts[1] = #"{"id":"1","phone":"\#(String(repeating: "1", count: 31))"}"#
        try await scene.run { _, result in
            #expect(result.outcomes[contactToCompany]?.map(\.outcome) == [.filtered, .filtered, .rejected, .rejected])
            result.expectConservation(contacts: 4, companies: 4, edges: 4)
        }
    }
}

@Suite struct JunctionTests {
    private func scene(_ edges: [Edge]) -> TransformScene {
        var scene = TransformScene()
        scene.form = .junction(object: "Role")
        scene.choose = .all
        scene.filter = "!archived"
        scene.companies = (0..<3).map { #"{"id":"c\#($0)","name":"n\#($0)"}"# }
        scene.contacts = (0..<3).map { #"{"id":"\#($0)","email":"e\#($0)@x.test"}"# }
        scene.edges = edges
        return scene
    }

    @Test func `links become records with their label, one for each label between the same two`() async throws {
        let edges = [
            Edge(from: "0", to: "c1", label: "Billing"), Edge(from: "0", to: "c1"), Edge(from: "0", to: "c1"),
            Edge(from: "0", to: "c1", label: "Signs"), Edge(from: "2", to: "c1"),
        ]
        try await scene(edges).run { _, result in
            let lines = result.lines(contactToCompany)
            #expect(lines.map(\.ordinal) == [0, 1, 3, 4])
            #expect(
                lines.map { String(decoding: $0.fields, as: UTF8.self) } == [
                    #"{"Role":"Billing"}"#, "{}", #"{"Role":"Signs"}"#, "{}",
                ])
            #expect(Set(lines.map(\.tag)).count == 3)
            #expect(lines[0].references.map(\.field) == ["ContactId", "AccountId"])
            #expect(lines[0].references.map(\.ordinal) == [0, 1])
            #expect(result.outcomes[contactToCompany]?.map(\.outcome) == [.merged])
            result.expectConservation(contacts: 3, companies: 3, edges: 5)
        }
    }

    @Test(arguments: LinkSpec.OnMissing.allCases)
    func `a link with an end that is missing or left out is not made`(policy: LinkSpec.OnMissing) async throws {
        var scene = scene([
            Edge(from: "0", to: "gone"), Edge(from: "nobody", to: "c0"), Edge(from: "nobody", to: "gone"),
            Edge(from: "1", to: "c0"), Edge(from: "2", to: "c2"),
        ])
        scene.contacts[1] = #"{"id":"1","archived":true}"#
        scene.onMissing = policy
        try await scene.run { _, result in
            #expect(result.lines(contactToCompany).map(\.ordinal) == [4])
            let outcome: Outcome = policy == .quarantine ? .rejected : .skipped
            let outcomes = result.outcomes[contactToCompany] ?? []
            #expect(outcomes.map(\.outcome) == [outcome, outcome, outcome, outcome])
            #expect(outcomes.map(\.code) == ["MZ-REF-01", "MZ-REF-01", "MZ-REF-01", "MZ-REF-02"])
            result.expectConservation(contacts: 3, companies: 3, edges: 5)
        }
    }

    @Test func `where one link is wanted the primary one is made`() async throws {
        var scene = scene([
            Edge(from: "0", to: "c0"), Edge(from: "0", to: "c1", isPrimary: true), Edge(from: "0", to: "c1"),
            Edge(from: "1", to: "c2"), Edge(from: "1", to: "c0"),
        ])
        scene.choose = .primary
        try await scene.run { _, result in
            #expect(result.lines(contactToCompany).map(\.ordinal) == [1, 3])
            #expect(result.outcomes[contactToCompany]?.map(\.outcome) == [.skipped, .merged, .skipped])
        }
    }

    @Test func `links that duplicates shared are made once`() async throws {
        var scene = scene([Edge(from: "0", to: "c0"), Edge(from: "1", to: "c0"), Edge(from: "1", to: "c2")])
        scene.contacts[1] = #"{"id":"1","email":"e0@x.test"}"#
        scene.duplicates = [DuplicateRule(keys: ["email"], keep: .first)]
        try await scene.run { _, result in
            #expect(result.lines(contactToCompany).map { $0.references.map(\.ordinal) } == [[0, 0], [0, 2]])
            #expect(result.outcomes[contactToCompany]?.map(\.outcome) == [.merged])
        }
    }

    @Test func `links of a record that come in several places are made once`() async throws {
        let edges = [
            Edge(from: "0", to: "c1"), Edge(from: "1", to: "c1"), Edge(from: "nobody", to: "c0"),
            Edge(from: "0", to: "c1"), Edge(from: "0", to: "c2"), Edge(from: "1", to: "c1"), Edge(from: "2", to: "c1"),
        ]
        try await scene(edges).run { _, result in
            #expect(result.lines(contactToCompany).map(\.ordinal) == [0, 1, 4, 6])
            #expect(result.outcomes[contactToCompany]?.map(\.outcome) == [.rejected, .merged, .merged])
            result.expectConservation(contacts: 3, companies: 3, edges: 7)
        }
    }

    @Test(arguments: [15, 16, 17, 10_001, 10_040])
    func `a record may have any number of links, each made once`(count: Int) async throws {
        var scene = scene([])
        scene.companies = (0..<count).map { #"{"id":"c\#($0)","name":"n\#($0)"}"# }
        let links = (0..<count).map { Edge(from: "1", to: "c\($0)") }
        scene.edges = [Edge(from: "0", to: "c0")] + links + links.suffix(20).reversed() + [Edge(from: "2", to: "c0")]
        let (edges, twice) = (scene.edges.count, min(count, 20))
        try await scene.run { _, result in
            #expect(result.lines(contactToCompany).map(\.ordinal) == Array(0...count) + [edges - 1])
            #expect(result.outcomes[contactToCompany]?.map(\.outcome) == Array(repeating: .merged, count: twice))
        }
    }

    @Test(arguments: 1...6 as ClosedRange<UInt64>)
    func `links in any order, with labels and without, become the same with tables and by sorting`(
        seed: UInt64
    ) async throws {
        var generator = SeededGenerator(seed: seed)
        var edges: [Edge] = []
        for _ in 0..<200 {
            let from = ["0", "1", "2", "nobody"].randomElement(using: &generator) ?? ""
            // Sometimes a few of one record together, sometimes the same twice.
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                let to = ["c0", "c1", "c2", "gone"].randomElement(using: &generator) ?? ""
                let label = [nil, nil, "Signs"].randomElement(using: &generator) ?? nil
                edges.append(Edge(from: from, to: to, isPrimary: seed.isMultiple(of: 2), label: label))
            }
        }
        var scene = scene(edges)
        if seed > 3 { scene.contacts[2] = #"{"id":"2","archived":true}"# }
        let count = edges.count
        // `run` compares both.
        try await scene.run { _, result in result.expectConservation(contacts: 3, companies: 3, edges: count) }
    }
}
