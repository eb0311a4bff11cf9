// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezJSON
import MigratezModel
import MigratezPipeline
import MigratezTestKit
import Testing

@Suite struct `The schema of pipeline files` {
    private typealias F = PipelineFileFixtures

    @Test func `describes every key in one line`() throws {
        let schema = PipelineSchema(Connectors.catalog).document
        #expect(schema["$schema"]?.text == "http://json-schema.org/draft-07/schema#")
        var keys = 0
        func visit(_ value: JSONValue) {
            for member in value.members {
                if member.key == "properties" {
                    for property in member.value.members where property.key != "connector" {
                        keys += 1
                        let summary = property.value["description"]?.text ?? ""
                        // A mapping within the settings has no line of its own, its members have.
                        let isGroup = property.value["type"] == "object" && property.value["description"] == nil
                        #expect(isGroup || (10...110).contains(summary.count), "\(property.key): \(summary)")
                        #expect(!summary.hasSuffix("."), "\(property.key)")
                    }
                }
                visit(member.value)
            }
            for element in value.elements { visit(element) }
        }
        visit(schema)
        #expect(keys > 100)
    }

    @Test func `is laid out as JSON that reads back the same`() throws {
        let schema = PipelineSchema(Connectors.catalog).document
        #expect(try JSONValue(parsing: Array(schema.laidOut().utf8)) == schema)
    }

    @Test(.enabled(if: Validator.isInstalled, "python3 with jsonschema and PyYAML is not installed"))
    func `takes every pipeline that comes with the program`() async throws {
        let files = F.names(in: F.pipelinesFolder).map { "\(F.pipelinesFolder)/\($0)" }
        let complete = "\(repositoryRoot.path)/fixtures/pipelines/complete/hubspot-to-salesforce.yaml"
        let verdicts = try await Validator.verdicts(on: files + [complete], PipelineSchema(Connectors.catalog))
        #expect(verdicts == (files + [complete]).map { "valid \($0)" })
    }

    /// Findings that follow from a value by itself, wherever it stands.
    private static let structural: Set<ErrorCode> = [
        .unknownKey, .missingKey, .wrongUnit, .unknownConnector, .unknownSetting, .literalSecret,
    ]
    /// Files whose only structural findings are about more than one value.
    private static let beyondSchema = [
        "bad-names.yaml": "the schema says nothing of an object without fields"
    ]

    @Test(.enabled(if: Validator.isInstalled, "python3 with jsonschema and PyYAML is not installed"))
    func `refuses every file whose structure is wrong`() async throws {
        var wrong: [String] = []
        for name in F.names(in: F.invalidFolder) where Self.beyondSchema[name] == nil {
            let path = "\(F.invalidFolder)/\(name)"
            let codes = F.read(try F.text(path)).diagnostics.map(\.code)
            if codes.contains(where: Self.structural.contains) { wrong.append(path) }
        }
        #expect(wrong.count >= 10)
        let verdicts = try await Validator.verdicts(on: wrong, PipelineSchema(F.catalog))
        for verdict in verdicts { #expect(verdict.hasPrefix("invalid "), "\(verdict)") }
    }
}

/// Somebody else's validator.
private enum Validator {
    static let isInstalled = shell("python3 -c 'import jsonschema, yaml' 2>/dev/null").status == 0

    /// One line a file, in their order.
    static func verdicts(on files: [String], _ schema: PipelineSchema) async throws -> [String] {
        try await withTemporaryFolder { folder in
            try schema.document.laidOut().write(toFile: "\(folder)/schema.json", atomically: true, encoding: .utf8)
            let script = repositoryRoot.appending(path: "Tests/Witnesses/schema/check.py").path
            let names = files.map { "'\($0)'" }.joined(separator: " ")
            let (status, output) = shell("python3 '\(script)' '\(folder)/schema.json' \(names) 2>&1")
            let text = String(decoding: output, as: UTF8.self)
            #expect(status == 0, "\(text)")
            return text.split(separator: "\n").map(String.init)
        }
    }
}
