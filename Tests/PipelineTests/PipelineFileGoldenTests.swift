// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezModel
import MigratezPipeline
import MigratezTestKit
import Testing

/// Each invalid file with the findings that it must give, all of them. `RECORD=1` writes the findings anew.
@Suite struct `Findings about invalid pipeline files` {
    @Test(arguments: PipelineFileFixtures.names(in: PipelineFileFixtures.invalidFolder))
    func `are all reported at once, each at its place`(_ name: String) throws {
        let path = "\(PipelineFileFixtures.invalidFolder)/\(name)"
        let expectedPath = path.replacing(".yaml", with: ".expected")
        let reading = PipelineFileFixtures.read(try PipelineFileFixtures.text(path))
        let found = reading.diagnostics.map { $0.description.replacing("p.yaml:", with: "") + "\n" }.joined()
        #expect(reading.plan == nil)
        if ProcessInfo.processInfo.environment["RECORD"] == "1" {
            try found.write(toFile: expectedPath, atomically: true, encoding: .utf8)
        }
        #expect(found == (try PipelineFileFixtures.text(expectedPath)))
    }

    /// A file with everything in it that the format has gives no other findings than what is not supported yet.
    @Test func `of a file that uses everything are what is not supported yet`() throws {
        let path = "\(repositoryRoot.path)/fixtures/pipelines/complete/hubspot-to-salesforce.yaml"
        let reading = try PipelineFile.read(path: path, catalog: Connectors.catalog)
        let found = reading.diagnostics.map { $0.description.replacing("\(path):", with: "") + "\n" }.joined()
        #expect(found == (try PipelineFileFixtures.text(path.replacing(".yaml", with: ".expected"))))
    }

    @Test func `cover at least twenty-five files`() {
        #expect(PipelineFileFixtures.names(in: PipelineFileFixtures.invalidFolder).count >= 25)
    }
}
