// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezPipeline
import MigratezTestKit
import Testing

@Suite struct `The guide to functions` {
    /// `RECORD=1` writes the tables anew.
    @Test func `stands in the documentation as it is in the program`() throws {
        let path = repositoryRoot.appending(path: "Sources/Transform/Documentation.docc/Expressions.md").path
        let text = try String(contentsOfFile: path, encoding: .utf8)
        let mark = "RECORD=1. -->\n"
        let end = try #require(text.range(of: mark)).upperBound
        let wanted = text[..<end] + "\n" + FunctionGuide.markdown
        if ProcessInfo.processInfo.environment["RECORD"] == "1" {
            try wanted.write(toFile: path, atomically: true, encoding: .utf8)
        }
        #expect(try String(contentsOfFile: path, encoding: .utf8) == wanted)
    }

    @Test func `suggests the name that was meant`() {
        #expect(FunctionGuide.entry(named: "emailLcal") == nil)
        #expect(FunctionGuide.suggestion(for: "emailLcal") == "emailLocal")
        #expect(FunctionGuide.entry(named: "emailLocal")?.result == "ada")
        #expect(FunctionGuide.groups.allSatisfy { !$0.entries.isEmpty })
    }
}
