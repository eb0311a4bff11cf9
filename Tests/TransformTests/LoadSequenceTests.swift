// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import MigratezTransform
import Testing

@Suite struct LoadSequenceTests {
    private func spec(_ streams: [String], _ lookups: [(String, String)]) throws -> TransformSpec {
        let stream: (String) throws -> StreamName = { try #require(StreamName($0)) }
        return TransformSpec(
            objects: try streams.map { ObjectSpec(stream: try stream($0), target: $0.uppercased(), fields: []) },
            links: try lookups.map { from, to in
                LinkSpec(
                    from: try stream(from), to: [try stream(to)],
                    form: .lookup(object: from.uppercased(), field: "\(to)Id"), choose: .primary)
            })
    }

    private func check(
        _ streams: [String], _ lookups: [(String, String)], order: [String], deferred: [String]
    ) throws {
        let spec = try spec(streams, lookups)
        #expect(spec.loadOrder.map(\.text) == order)
        #expect(spec.routes.filter(\.isDeferred).map(\.stream.text) == deferred)
        for route in spec.routes where route.isLookup {
            let from = try #require(spec.loadOrder.firstIndex(of: route.from))
            #expect(try #require(spec.loadOrder.firstIndex(of: route.to)) < from)
        }
    }

    @Test func `parents come first, nothing is deferred without need`() throws {
        try check(["deal", "contact", "company"], [], order: ["deal", "contact", "company"], deferred: [])
        try check(
            ["deal", "contact", "company"], [("deal", "contact"), ("contact", "company"), ("deal", "company")],
            order: ["company", "contact", "deal"], deferred: [])
    }

    @Test func `a lookup to its own object is deferred`() throws {
        try check(
            ["contact", "company"], [("company", "company"), ("contact", "company"), ("contact", "contact")],
            order: ["company", "contact"], deferred: ["company-to-company", "contact-to-contact"])
    }

    @Test func `of a circle as few lookups as can be are deferred, and those behind it wait`() throws {
        try check(
            ["note", "company", "contact", "deal"],
            [("note", "deal"), ("contact", "company"), ("company", "deal"), ("deal", "contact")],
            order: ["company", "contact", "deal", "note"], deferred: ["company-to-deal"])
        try check(
            ["a", "b", "c"], [("a", "b"), ("a", "c"), ("b", "a"), ("c", "a")], order: ["b", "a", "c"],
            deferred: ["a-to-c", "b-to-a"])
        // Two circles, the second behind the first.
        try check(
            ["d", "c", "b", "a"], [("a", "b"), ("b", "a"), ("c", "d"), ("d", "c"), ("d", "a")],
            order: ["c", "b", "a", "d"], deferred: ["b-to-a", "c-to-d"])
    }
}
