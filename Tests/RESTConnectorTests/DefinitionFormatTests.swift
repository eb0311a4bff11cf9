// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezJSON
import MigratezRESTConnector
import MigratezTestKit
import Testing

/// What is said about the format elsewhere is what the check goes by.
struct `The format of definitions` {
    /// `RECORD=1` writes the tables anew.
    @Test func `stands in the documentation as it is in the program`() throws {
        let path = repositoryRoot.appending(
            path: "Sources/Connectors/REST/Documentation.docc/DefinitionFormat.md"
        ).path
        let text = try String(contentsOfFile: path, encoding: .utf8)
        let mark = "RECORD=1. -->\n"
        let end = try #require(text.range(of: mark)).upperBound
        let wanted = text[..<end] + "\n" + DefinitionGuide.markdown
        if ProcessInfo.processInfo.environment["RECORD"] == "1" {
            try wanted.write(toFile: path, atomically: true, encoding: .utf8)
        }
        #expect(try String(contentsOfFile: path, encoding: .utf8) == wanted)
    }

    @Test func `each definition has a page`() {
        for (name, definition) in ShippedDefinitions.all {
            let page = name == "sell" ? "Sell" : definition.label
            let path = repositoryRoot.appending(path: "Sources/Connectors/REST/Documentation.docc/\(page).md").path
            let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
            for object in definition.objects {
                #expect(text.contains("`\(object.stream)`"), "\(page): \(object.stream)")
            }
            for setting in definition.settings { #expect(text.contains("`settings.\(setting.name)`"), "\(page)") }
        }
    }

    @Test func `is a JSON Schema that reads back the same`() throws {
        let schema = DefinitionSchema.document
        #expect(try JSONValue(parsing: Array(schema.laidOut().utf8)) == schema)
    }

    @Test(.enabled(if: isValidatorInstalled, "python3 with jsonschema and PyYAML is not installed"))
    func `somebody else's validator takes what comes with the program and refuses what is wrong`() async throws {
        try await withTemporaryFolder { folder in
            try DefinitionSchema.document.laidOut().write(
                toFile: "\(folder)/schema.json", atomically: true, encoding: .utf8)
            var files: [String] = []
            for (name, text) in ShippedDefinitions.texts.sorted(by: { $0.key < $1.key }) {
                for (kind, text) in [("right", text), ("wrong", text.replacing("objects:", with: "objekts:"))] {
                    let file = "\(folder)/\(name)-\(kind).yaml"
                    try text.write(toFile: file, atomically: true, encoding: .utf8)
                    files.append(file)
                }
            }
            let script = repositoryRoot.appending(path: "Tests/Witnesses/schema/check.py").path
            let names = files.map { "'\($0)'" }.joined(separator: " ")
            let (status, output) = shell("python3 '\(script)' '\(folder)/schema.json' \(names) 2>&1")
            let text = String(decoding: output, as: UTF8.self)
            #expect(status == 0, "\(text)")
            for (file, line) in zip(files, text.split(separator: "\n")) {
                #expect(line.hasPrefix(file.hasSuffix("right.yaml") ? "valid " : "invalid "), "\(line)")
            }
        }
    }

    private static let isValidatorInstalled = shell("python3 -c 'import jsonschema, yaml' 2>/dev/null").status == 0
}
