// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezPipeline
import MigratezTestKit
import MigratezTransform
import Testing

/// Loads every file of `pipelines/` and applies its own `tests:`.
@Suite struct `Pipelines that come with the program` {
    @Test(arguments: PipelineFileFixtures.names(in: PipelineFileFixtures.pipelinesFolder))
    func `are valid and pass their own tests`(_ name: String) throws {
        let path = "\(PipelineFileFixtures.pipelinesFolder)/\(name)"
        let reading = try PipelineFile.read(path: path, catalog: Connectors.catalog)
        #expect(reading.diagnostics.map(\.description) == [])
        let plan = try #require(reading.plan)
        #expect(plan.name + ".yaml" == name)
        #expect(!plan.tests.isEmpty)
        for test in plan.tests { try apply(test, of: plan) }
    }

    private func apply(_ test: PipelineTest, of plan: PipelinePlan) throws {
        let object = try #require(plan.transform.objects.first { $0.stream.text == test.object })
        let run = RunVariables(started: Timestamp(milliseconds: 1_795_435_200_000), id: "7f3a0000", pipeline: plan.name)
        let mapper = try RecordMapper(object, context: MappingContext(spec: plan.transform, run: run))
        var given = JSONWriter()
        given.beginObject()
        for (field, value) in test.given {
            given.key(field)
            if let value { given.string(value) } else { given.null() }
        }
        given.endObject()
        var output = JSONWriter()
        let outcome = try given.bytes.withUnsafeBufferPointer { record in
            var index = RecordIndex(fields: nil)
            try index.index(record)
            return mapper.map(index, record, into: &output)
        }
        switch test.want {
        case .filtered: #expect(outcome == .filtered, "\(test.name)")
        case .rejected:
            guard case .rejected = outcome else {
                Issue.record("\(test.name): \(outcome)")
                return
            }
        case .fields(let wanted):
            guard outcome == .mapped else {
                Issue.record("\(test.name): \(outcome)")
                return
            }
            let fields = try JSONValue(parsing: output.bytes)
            for (field, value) in wanted {
                let found = fields[field].flatMap { $0.bool.map { "\($0)" } ?? $0.text }
                #expect(found == value, "\(test.name): \(field)")
            }
        }
    }
}
