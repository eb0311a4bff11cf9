// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import MigratezPipeline
import MigratezTransform
import Testing

/// Loads every file of `pipelines/`, and runs its own `tests:`.
@Suite struct `Pipelines that come with the program` {
    @Test(arguments: PipelineFileFixtures.names(in: PipelineFileFixtures.pipelinesFolder))
    func `are valid and pass their own tests`(_ name: String) throws {
        let path = "\(PipelineFileFixtures.pipelinesFolder)/\(name)"
        let reading = try PipelineFile.read(path: path, catalog: Connectors.catalog)
        #expect(reading.diagnostics.map(\.description) == [])
        let plan = try #require(reading.plan)
        #expect(plan.name + ".yaml" == name)
        let run = try PipelineTestRun(plan)
        #expect(run.results.count >= 2)
        for result in run.results {
            #expect(result.hasPassed, "\(result.test.name): \(result.explanation.joined(separator: "; "))")
        }
        // Every object has a test, so that none is carried over by rules that nobody tried.
        #expect(Set(plan.tests.map(\.object)) == Set(plan.transform.objects.map(\.stream.text)))
    }

    @Test func `are there for every pair of systems`() {
        #expect(
            PipelineFileFixtures.names(in: PipelineFileFixtures.pipelinesFolder) == [
                "csv-to-ndjson.yaml", "csv-to-salesforce.yaml", "csv-to-sqlite.yaml", "hubspot-to-ndjson.yaml",
                "hubspot-to-salesforce.yaml", "ndjson-to-salesforce.yaml",
            ])
    }
}
