// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezPipeline
import Testing

@Suite struct `The tests of a pipeline file` {
    private typealias F = PipelineFileFixtures

    private func run(_ tests: String, objects: String? = nil) throws -> PipelineTestRun {
        let objects =
            objects
                ?? """
                  contact:
                    to: Contact
                    where: "!(name == 'nobody')"
                    fields:
                      LastName: { from: name, required: true, max: 8 }
                      Age: { from: age, type: integer }
                      OwnerId: { from: owner, person: true }
                      Since: { const: "${run.date}" }
                """
        return try PipelineTestRun(try F.read(F.minimal(objects: objects, rest: "tests:\n" + tests)).get())
    }

    @Test func `pass if what is wanted comes out, whatever else does`() throws {
        let results = try run(
            """
              - { name: a, object: contact, given: { name: Ada, age: "36" }, want: { LastName: Ada, Age: 36 } }
              - { name: b, object: contact, given: { name: Ada }, want: { Age: ~, Since: "2026-01-01" } }
              - { name: c, object: contact, given: { name: nobody }, want: filtered }
              - { name: d, object: contact, given: { age: 1 }, want: rejected }
              - { name: e, object: contact, given: { name: Ada, owner: 7 }, people: { 7: "005" }, want: { OwnerId: "005" } }
              - { name: f, object: contact, given: { name: Ada }, at: "2026-05-01", want: { Since: "2026-05-01" } }
            """
        ).results
        #expect(results.map(\.hasPassed) == [true, true, true, true, true, true])
        #expect(results.flatMap(\.explanation) == [])
    }

    @Test func `that fail say what they wanted and what they got, and where they stand`() throws {
        let run = try run(
            """
              - { name: a, object: contact, given: { name: Ada, age: 36 }, want: { LastName: Eve, Age: ~, Since: "2026-01-01" } }
              - { name: b, object: contact, given: { name: nobody }, want: { LastName: nobody } }
              - { name: c, object: contact, given: { name: Lovelace-King }, want: { LastName: Lovelace } }
              - { name: d, object: contact, given: { name: Ada }, want: rejected }
              - { name: e, object: contact, given: { name: Ada, owner: 7 }, want: { OwnerId: "005" } }
            """)
        #expect(run.failed.count == 5)
        #expect(run.failed.map(\.position.line) == [15, 16, 17, 18, 19])
        #expect(
            run.results.map(\.explanation) == [
                [
                    "LastName  want  Eve", "          got   Ada", "Age       want  (nothing)", "          got   36",
                ],
                ["want  the fields LastName", "got   filtered: 'where' leaves the record out"],
                ["want  the fields LastName", "got   rejected: MZ-LEN-01, a value is too long (LastName)"],
                ["want  rejected", "got   a mapped record"],
                [
                    "want  the fields OwnerId",
                    "got   rejected: MZ-REF-03, the owner has no counterpart in the destination (OwnerId)",
                ],
            ])
    }

    @Test func `tell the reason of an expression that failed`() throws {
        let objects = """
              contact: { to: Contact, fields: { Day: { expr: "addDays(born, 1)" } } }
            """
        let results = try run(
            "  - { name: a, object: contact, given: { born: soon }, want: { Day: x } }", objects: objects
        ).results
        #expect(
            results.map(\.explanation) == [
                ["want  the fields Day", "got   rejected: MZ-MAP-01, expected a date in addDays() (Day)"]
            ])
    }

    @Test func `give values as the source sends them: typed from NDJSON, texts from the others`() throws {
        let text = F.minimal(
            objects: "  contact: { to: Contact, fields: { A: { expr: 'n + n' }, B: { expr: 'list[1].x' } } }",
            rest:
                "tests: [ { name: a, object: contact, given: { n: 2, list: [1, { x: true }] }, want: { A: 4, B: true } } ]"
        )
        let typed = text.replacing(
            "{ connector: hubspot, auth: { token: \"${env:TOKEN}\" } }",
            with: "{ connector: ndjson, objects: { contact: { file: x } } }")
        let plan = try PipelineFile.read(text: typed, file: "p.yaml", folder: "/", catalog: Connectors.catalog).get()
        #expect(plan.tests.first?.given == ["n": 2, "list": [1, ["x": true]]])
        #expect(try PipelineTestRun(plan).failed.isEmpty)
        let texts = try PipelineFile.read(text: text, file: "p.yaml", folder: "/", catalog: Connectors.catalog).get()
        #expect(texts.tests.first?.given == ["n": "2", "list": ["1", ["x": "true"]]])
        #expect(try PipelineTestRun(texts).failed.first?.differences.map(\.got) == ["22"])
    }

    @Test func `compare lists and objects element by element`() throws {
        let objects = "  contact: { to: Contact, fields: { A: a } }"
        func passes(_ want: String) throws -> Bool {
            try run(
                "  - { name: a, object: contact, given: { a: [1, { b: 2 }] }, want: { A: \(want) } }", objects: objects
            ).failed.isEmpty
        }
        #expect(try passes("[1, { b: 2 }]"))
        #expect(try !passes("[1, { b: 3 }]"))
        #expect(try !passes("[1]"))
        #expect(try !passes("[1, { b: 2, c: 3 }]"))
    }

    @Test func `must be written as tests are`() {
        let text = F.minimal(
            rest: "tests: [ { name: a, object: contact, given: {}, want: rejected, at: noon, peple: {} } ]")
        #expect(
            F.read(text).diagnostics.map(\.description) == [
                "p.yaml:7:69: error MZ-CFG-15: tests.0.at must be a date such as 2026-01-01, not 'noon'",
                "p.yaml:7:75: error MZ-CFG-11: unknown key 'peple' in tests.0. Did you mean 'people'?",
            ])
    }
}
