// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import MigratezStaging
import MigratezTestKit
import MigratezTransform
import Testing

/// What is counted while records are mapped.
struct MappingTallyTests {
    private typealias Fixtures = MappingFixtures

    @Test func `each field is counted as filled in the source and as filled, of mapped records only`() throws {
        let mapper = try Fixtures.mapper([
            Fixtures.field("A", from: "a") { $0.fallback = TextTemplate("x") },
            Fixtures.field("B", from: "b") { $0.charactersMax = 3 },
            Fixtures.field("C", from: "c"),
        ])
        for record in [#"{"a":"1","b":"22"}"#, #"{"a":"","b":"too long"}"#, #"{"b":null}"#] {
            _ = try Fixtures.map(record, by: mapper)
        }
        let (records, entries) = mapper.tally.take()
        #expect(records == 2, "the second one is too long")
        #expect(count(entries, "A", .sourceFilled) == 1)
        #expect(count(entries, "A", .filled) == 2 && count(entries, "A", .defaultUsed) == 1)
        #expect(count(entries, "B", .sourceFilled) == 1 && count(entries, "B", .filled) == 1)
        #expect(entries.contains { $0.field == "C" && $0.event == .filled && $0.count == 0 })
        #expect(mapper.tally.take().records == 0, "taken once")
    }

    @Test func `counts, tags and merge groups are committed with the records, also when a run is cut off`() async throws
    {
        var scene = TransformScene()
        scene.contacts = (0..<20).map { #"{"id":"\#($0)","email":"p\#($0 / 2)@x.test","phone":""}"# }
        scene.duplicates = [DuplicateRule(keys: ["email"], keep: .first)]
        try await scene.run { area, _ in
            let counts = try await area.manifest.read { try $0.fieldCounts(of: contact) }
            func count(_ field: String, _ measure: String) -> Int {
                counts.first { $0.field == field && $0.measure == measure }?.count ?? -1
            }
            #expect(count("", FieldCount.mapped) == 10 && count("", FieldCount.mergeGroups) == 10)
            #expect(count("EMAIL", "filled") == 10 && count("EMAIL", "source_filled") == 10)
            #expect(count("PHONE", "filled") == 0)
            // Transforming again finds it done and counts nothing twice.
            try await scene.transform(area)
            #expect(try await area.manifest.read { try $0.fieldCounts(of: contact) } == counts)
        }
    }

    @Test func `fields can be previewed one by one, and a refused one shows the source's value`() throws {
        let mapper = try Fixtures.mapper(
            [
                Fixtures.field("Stage", from: "stage") { $0.valueMap = "stage" },
                Fixtures.field("Name", from: "name") { $0.isTrimmed = true }, Fixtures.field("Gone", from: "gone"),
            ], values: ["stage": ValueMapSpec(entries: ["a": "Alpha"])])
        let previews = try Fixtures.preview(#"{"stage":"zz","name":" Ada "}"#, by: mapper)
        #expect(previews.map { $0.value.map { String(decoding: $0, as: UTF8.self) } } == [#""zz""#, #""Ada""#, nil])
        #expect(previews.map(\.refusal) == [.valueNotMapped, nil, nil])
    }

    private func count(_ entries: [MappingTally.Entry], _ field: String, _ event: MappingTally.Event) -> Int {
        entries.first { $0.field == field && $0.event == event }?.count ?? 0
    }
}
