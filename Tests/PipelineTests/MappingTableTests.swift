// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezConnectorKit
import MigratezModel
import MigratezPipeline
import MigratezTestKit
import MigratezTransform
import Testing

/// Field rules out to a spreadsheet and back.
@Suite(.serialized) struct `A mapping as a table` {
    /// Runs `body` with a copy of a shipped pipeline.
    private func with(_ name: String, _ body: (String, String) async throws -> Void) async throws {
        try await withTemporaryFolder { folder in
            let path = "\(folder)/\(name)"
            try FileManager.default.copyItem(
                atPath: "\(PipelineFileFixtures.pipelinesFolder)/maps", toPath: "\(folder)/maps")
            let text = try PipelineFileFixtures.text("\(PipelineFileFixtures.pipelinesFolder)/\(name)")
            try text.write(toFile: path, atomically: true, encoding: .utf8)
            try await body(path, text)
        }
    }

    private func `import`(_ csv: String, into path: String) async throws -> MappingImport {
        let table = path + ".csv"
        try csv.write(toFile: table, atomically: true, encoding: .utf8)
        return try await PipelineFile.importing(table, into: path, checkingWith: nil)
    }

    private func export(_ path: String) throws -> String {
        String(decoding: try PipelineFile.mappingTable(of: path).csv, as: UTF8.self)
    }

    @Test(arguments: PipelineFileFixtures.names(in: PipelineFileFixtures.pipelinesFolder))
    func `comes back without a change if nobody changed it`(name: String) async throws {
        try await with(name) { path, text in
            let csv = try export(path)
            #expect(csv.split(separator: "\r\n").count > 1)
            let imported = try await `import`(csv, into: path)
            #expect(imported.changes.isEmpty && imported.text == text)
            // A spreadsheet writes truth in capitals.
            #expect(try await `import`(csv.replacing(",true", with: ",TRUE"), into: path).text == text)
        }
    }

    @Test func `an edit changes exactly its rule, and every comment stays`() async throws {
        try await with("hubspot-to-salesforce.yaml") { path, text in
            var csv = try export(path)
            // From a long rule, a cell changed and one added; from a short rule, a long one; one removed; one new.
            csv = csv.replacing(
                "contact,Title,jobtitle,,,,,,,128,true", with: "contact,Title,position,,,,true,,,64,true")
            csv = csv.replacing("company,Website,domain,,,,,", with: "company,Website,domain,,,,,true")
            csv = csv.replacing("deal,NextStep,hs_next_step,,,,,,,255,true", with: "deal,NextStep,,,,,,,,,")
            csv += "note,Owner__c,,\"=it's, \"\"quoted\"\"\",,,,,,,,,,,,,,,,\r\n"
            let imported = try await `import`(csv, into: path)
            #expect(
                imported.changes.map { "\($0.kind) \($0.object).\($0.field)" } == [
                    "changed company.Website", "changed contact.Title", "removed deal.NextStep", "added note.Owner__c",
                ])
            let before = text.split(separator: "\n", omittingEmptySubsequences: false)
            let after = imported.text.split(separator: "\n", omittingEmptySubsequences: false)
            #expect(
                after.difference(from: before).insertions.count == 3
                    && before.difference(from: after).insertions.count == 3)
            #expect(imported.text.contains("      Title: { from: position, max: 64, truncate: true, trim: true }"))
            #expect(imported.text.contains("      Website: { from: domain, lower: true }"))
            #expect(!imported.text.contains("NextStep"))
            try imported.save(to: path)
            let plan = try PipelineFile.read(path: path, catalog: Connectors.catalog).get()
            let added = plan.transform.object(StreamName("note")!)?.field("Owner__c")
            #expect(added?.origin == .constant(TextTemplate("=it's, \"quoted\"")))
            #expect(try export(path).contains("'=it's"), "what looks like a formula is defused")
        }
    }

    @Test(arguments: [
        ("object,field,form\n", ":1: unknown column 'form'. Did you mean 'from'?"),
        ("object,from\n", ":1: the column 'field' is missing"),
        ("object,field,from\nperson,LastName,lastname\n", ":2: the pipeline has no object 'person'"),
        ("object,field,from\ncontact,LastName\n", ":2: the row has 2 cells, the header 3"),
        (
            "object,field,from\n\ncontact,Email,email\ncontact,Email,email\n",
            ":4: 'contact' has a row for 'Email' already"
        ),
        ("object,field,from\n,Email,email\n", ":2: a row needs an object and a field"),
        ("object,field,from\ncontact,\"Email\n", "a quoted field never ends"), ("", ":1: there is no header"),
    ]) func `what is not understood is refused with file and line`(csv: String, message: String) async throws {
        try await with("hubspot-to-salesforce.yaml") { path, text in
            let error = await #expect(throws: MigratezError.self) { try await `import`(csv, into: path) }
            #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
            #expect(error?.code == .badMapFile)
        }
    }

    @Test func `a table with some columns changes no others, and one that would break the file is refused`()
        async throws
    {
        try await with("hubspot-to-salesforce.yaml") { path, text in
            let part = try await `import`("field;object;max\nTitle;contact;100\n", into: path)
            #expect(part.changes.count == 1)
            #expect(part.text == text.replacing("jobtitle, max: 128", with: "jobtitle, max: 100"))
            let error = await #expect(throws: MigratezError.self) {
                try await `import`("object,field,values\ncontact,Title,no_such_map\n", into: path)
            }
            #expect(error?.code == .invalidPipeline && error?.message.contains("no_such_map") == true)
        }
    }

    @Test func `rules in every style of YAML can be changed, and others are refused`() async throws {
        try await withTemporaryFolder { folder in
            let path = "\(folder)/p.yaml"
            let text = """
                migratez: 1
                name: styles
                source: { connector: hubspot, auth: { token: "${env:TOKEN}" } }
                target: { connector: ndjson, dir: out }
                objects:
                  contact:
                    to: people
                    fields: { A: a, B: { from: "b", trim: true },   # one
                      C: 'c' }
                  company:
                    to: firms
                    fields:
                      # before
                      D:
                        from: d        # the source
                        trim: true
                      E: e             # short
                      F:
                        expr: >
                          concat(a,
                          b)

                """
            try text.write(toFile: path, atomically: true, encoding: .utf8)
            let csv = """
                object,field,from,trim,lower
                contact,A,x,,
                contact,B,b,,true
                contact,C,,,
                company,D,"d, too",,
                company,E,e,true,

                """
            let imported = try await `import`(csv, into: path)
            #expect(
                imported.text
                    == text.replacing(
                        "A: a, B: { from: \"b\", trim: true },   # one\n      C: 'c' }",
                        with: "A: x, B: { from: \"b\", lower: true } }"
                    )
                    .replacing(
                        "from: d        # the source\n        trim: true\n",
                        with: "from: d, too        # the source\n"
                    )
                    .replacing("E: e             # short", with: "E: { from: e, trim: true }             # short"))
            let error = await #expect(throws: MigratezError.self) {
                try await `import`("object,field,expr\ncompany,F,lower(a)\n", into: path)
            }
            #expect(error?.code == .notSupported && error?.message.contains("p.yaml:19") == true)
        }
    }

    @Test func `suggestions say why, and leave out what is mapped`() async throws {
        try await MainJobWorld.with(records: 100) { world in
            try world.edit("      FirstName: { from: firstname, trim: true, max: 40, truncate: true }\n", "")
            let (connection, _) = try await world.connect()
            let suggestions = try await MappingSuggestion.make(connection, object: "contact")
            let first = try #require(suggestions.first { $0.target.name == "FirstName" })
            #expect(first.candidates.first?.source == "firstname")
            #expect(first.candidates.first?.certainty == 100 && first.candidates.first?.reason == "same name")
            #expect(!suggestions.contains { ["LastName", "AccountId", "CreatedDate"].contains($0.target.name) })
            let error = await #expect(throws: MigratezError.self) {
                try await MappingSuggestion.make(connection, object: "person")
            }
            #expect(error?.code == .unknownObject)
        }
    }
}
