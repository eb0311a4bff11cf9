// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezTestKit
import Testing

/// The table of privacy promises names code and tests; a promise whose test is gone is not kept.
@Suite struct `The privacy promises` {
    private static let article = "Sources/Pipeline/Documentation.docc/PrivacyPromises.md"

    private static func text(_ path: String) throws -> String {
        try String(contentsOf: repositoryRoot.appending(path: path), encoding: .utf8)
    }

    /// The rows of the table: promise, code, tests.
    private static func rows() throws -> [[String]] {
        try text(article).split(separator: "\n").filter { $0.hasPrefix("| ") }.dropFirst()
            .map { $0.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) } }
    }

    /// What stands between backticks.
    private static func quoted(_ cell: String) -> [String] {
        cell.split(separator: "`", omittingEmptySubsequences: false).enumerated()
            .filter { $0.offset % 2 == 1 }.map { String($0.element) }
    }

    @Test func `each name a promise, code and at least one test`() throws {
        let rows = try Self.rows()
        #expect(rows.count >= 16)
        for row in rows {
            try #require(row.count == 3, "\(row)")
            #expect(!row[0].isEmpty && !Self.quoted(row[1]).isEmpty && Self.quoted(row[2]).count >= 2, "\(row[0])")
        }
    }

    @Test func `are kept by files and tested by tests that exist`() throws {
        for row in try Self.rows() {
            for path in Self.quoted(row[1]) { #expect(try !Self.text(path).isEmpty, "\(path)") }
            var file = ""
            for name in Self.quoted(row[2]) {
                if name.hasPrefix("Tests/") {
                    file = try Self.text(name)
                } else {
                    #expect(file.contains("func `\(name)`"), "\(row[0]): \(name)")
                }
            }
        }
    }
}
