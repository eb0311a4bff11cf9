// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezJSON
import MigratezTestKit
import Testing

/// An object that the destination lacks, as a person sees it come into being.
@Suite(.enabled(if: Program.isBuilt, "the program has not been built beside the tests"), .serialized)
struct ObjectCreationProgramTests {
    private static let pipeline = """
        migratez: 1
        name: projects
        source: { connector: csv, objects: { project: { file: projects.csv, id: id } } }
        target: { connector: hubspot, base_url: "${env:HUBSPOT_BASE_URL}", auth: { token: "${env:HUBSPOT_TOKEN}" } }
        staging: { dir: ./staging }
        objects:
          project:
            to: project
            create: { label: Project, plural: Projects }
            fields: { budget: { from: budget, type: decimal }, title: title }

        """

    private static func instead(of shipped: String) -> String { pipeline }

    @Test func `plan tells of it, a saved plan makes it, and undo says that it stays`() async throws {
        try await AccountWorld.with(records: 20, edit: Self.instead) { world in
            try "id,title,budget\n1,Bridge,10.5\n2,Tunnel,7\n"
                .write(toFile: "\(world.folder)/projects.csv", atomically: true, encoding: .utf8)
            let saved = "\(world.folder)/move.plan"
            let planned = world.run("plan '\(world.pipeline)' -o '\(saved)'")
            #expect(planned.status == 0, "\(planned.text)")
            for line in [
                "creates  object project ('Project', 'Projects') in hubspot, records are named by title",
                "with the fields budget (decimal), title (text)", "an undo leaves objects there",
                "creates  field project.migratez_id (text) in hubspot",
            ] { #expect(planned.text.contains(line), "\(planned.text)") }
            let table = try JSONValue(parsing: Array(world.run("plan '\(world.pipeline)' --json").text.utf8))
            let row = try #require(table["creates_objects"]?[0])
            #expect(row["object"]?.text == "project" && row["named_by"]?.text == "title")
            #expect(row["fields"]?.elements.compactMap(\.text) == ["budget (decimal)", "title (text)"])

            let moved = world.run("run '\(saved)'")
            #expect(moved.status == 0, "\(moved.text)")
            let again = world.run("plan '\(world.pipeline)'")
            #expect(again.status == 0 && !again.text.contains("creates "), "\(again.text)")
            let shown = world.run("discover '\(world.pipeline)' target")
            #expect(
                shown.text.contains("project  Projects") && !shown.text.contains("not in the pipeline"), "\(shown.text)"
            )
            let runs = try FileManager.default.contentsOfDirectory(atPath: "\(world.folder)/state/migratez/runs")
            let run = try #require(runs.first)
            let undone = world.run("undo \(run) --yes-undo \(run)")
            #expect(undone.status == 0, "\(undone.text)")
            #expect(
                undone.text.contains(
                    "objects stay in hubspot with their fields, those that the run created, too: 'project'"),
                "\(undone.text)")
        }
    }

    @Test func `where objects must be there, the file is refused at the place that asks for one`() async throws {
        try await withTemporaryFolder { folder in
            let file = "\(folder)/p.yaml"
            let text = Self.pipeline.replacing("connector: hubspot, base_url", with: "connector: pipedrive, base_url")
            try text.write(toFile: file, atomically: true, encoding: .utf8)
            let found = Program.run("lint '\(file)'")
            #expect(found.status == 65, "\(found.text)")
            #expect(
                found.text.contains(":9:13: error MZ-CFG-04: objects are not created in pipedrive"), "\(found.text)")
            #expect(Program.run("connectors hubspot").text.contains("custom objects, with `create`"))
        }
    }
}
