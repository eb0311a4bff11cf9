// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezJSON
import MigratezModel
import MigratezPipeline
import MigratezStaging
import MigratezTestKit
import Testing

/// Whatever names, ids and reasons are made of, they are text in every form of the report.
@Suite struct ReportTextTests {
    @Test(.enabled(if: corpus("strings") != nil, "../shared/corpora/strings is not here"))
    func `naughty strings are text in every form of the report`() async throws {
        let strings = try naughtyStrings()
        let naughty = try await reports(strings)
        let harmless = try await reports(strings.indices.map { "word\($0)" })
        #expect(strings.count > 400)

        // The same elements with the same attributes, however the texts between them read.
        let (found, wanted) = (tags(naughty.html), tags(harmless.html))
        let different = zip(found, wanted).first { $0 != $1 }
        #expect(different == nil && found.count == wanted.count, "\(found.count), \(wanted.count): \(different as Any)")
        #expect(naughty.html.unicodeScalars.allSatisfy { $0.value >= 0x20 || $0 == "\n" || $0 == "\t" })

        let json = try JSONValue(parsing: Array(naughty.json.utf8))
        #expect(json["audit"]?.elements.compactMap { $0["detail"]?.text } == strings)
        #expect(json["rejects"]?.elements.count == strings.count)

        let rows = try FileWorld.rows(Array(naughty.csv.utf8))
        #expect(rows.allSatisfy { $0.count == 4 })
        #expect(rows.filter { $0[0] == "audit" && $0[2] == "detail" }.map { $0[3] } == strings)

        // Every row of a table has as many cells as its head.
        let lines = naughty.markdown.split(separator: "\n").filter { $0.hasPrefix("|") }
        let harmlessLines = harmless.markdown.split(separator: "\n").filter { $0.hasPrefix("|") }
        #expect(lines.map(bars) == harmlessLines.map(bars))
    }

    /// The page's own rule against scripts is taken out, so that the escaping stands alone.
    @Test(
        .enabled(if: corpus("strings") != nil, "../shared/corpora/strings is not here"),
        .enabled(if: Browser.isEnabled, "\(Browser.reason)"), .timeLimit(.minutes(5)))
    func `nothing of them executes in a browser`() async throws {
        let strings = try naughtyStrings()
        func defenceless(_ page: String) throws -> String {
            let rule =
                "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
            try #require(page.contains(rule))
            return page.replacing(rule, with: Browser.tripwire)
        }
        let page = try await reports(strings).html
        let harmless = try await reports(strings.indices.map { "word\($0)" }).html
        let shown = try await Browser.load(try defenceless(page))
        #expect(!shown.hasExecuted)
        #expect(shown.console == [], "neither a script nor a picture was tried")
        let wanted = try await Browser.load(try defenceless(harmless))
        #expect(tags(shown.document) == tags(wanted.document))
        // As it is, with its rule.
        #expect(try await Browser.load(page).console == [])
        // What executes nothing proves nothing unless the same strings would have.
        let bare = "<html><body>\(Browser.tripwire)\(strings.map { "<p>\($0)</p>" }.joined())</body></html>"
        #expect(try await Browser.load(bare).hasExecuted)
    }

    private func naughtyStrings() throws -> [String] {
        let path = try #require(corpus("strings")) + "/blns.json"
        return try JSONValue(parsing: Array(Data(contentsOf: URL(filePath: path)))).elements.compactMap(\.text)
            .filter { !$0.isEmpty && !$0.contains("\n") }
    }

    @Test func `a run without anything has a report, too`() async throws {
        try await withTemporaryFolder { folder in
            let staged = StagedRun(folder)
            let area = try await staged.create(objects: [])
            let path = try await RunReport(
                area.manifest, in: staged.folder, plan: nil, now: Timestamp(milliseconds: 0)
            ).write([.html, .json])
            let names = try FileManager.default.contentsOfDirectory(atPath: path).sorted()
            #expect(names == ["id-map.csv", "report.html", "report.json"])
            let json = try JSONValue(parsing: Array(Data(contentsOf: URL(filePath: "\(path)/report.json"))))
            #expect(json["verdict"]?["title"] == "Not finished" && json["rejects"] == [])
            try await area.close()
        }
    }

    private struct Reports {
        var html: String
        var json: String
        var csv: String
        var markdown: String
    }

    /// The report of a run in which these strings stand wherever something from outside can.
    private func reports(_ strings: [String]) async throws -> Reports {
        try await withTemporaryFolder { folder in
            let staged = StagedRun(folder)
            let contact = try #require(StreamName("contact"))
            let area = try await staged.create(objects: [contact])
            try await area.manifest.commit { transaction in
                for (number, text) in strings.enumerated() {
                    // The number keeps the order of rows the same, whatever the texts are.
                    try transaction.recordRejects(
                        [
                            Reject(
                                ordinal: number, stage: .load, sourceID: text, code: .ruleViolated,
                                vendorCode: "\(1000 + number) \(text)", fields: [text])
                        ], of: contact)
                    try transaction.audit(actor: text, action: text, detail: text)
                    try transaction.add(
                        [
                            FieldCount(field: "\(1000 + number) \(text)", measure: "filled", count: 1),
                            FieldCount(field: "\(1000 + number) \(text)", measure: "person_replaced", count: 1),
                        ], of: contact)
                    try transaction.tag([number], of: contact, as: "\(1000 + number) \(text)")
                }
                try transaction.add([FieldCount(field: "", measure: FieldCount.mapped, count: 5)], of: contact)
                var result = StreamVerification(stream: contact, object: strings[0])
                result.sums = strings.enumerated().map { number, text in
                    .init(
                        field: "\(1000 + number) \(text)", labels: [text], sent: "1", held: "1", sentCount: 1,
                        heldCount: 1, unreadable: 0)
                }
                try transaction.record(result)
            }
            let path = try await RunReport(
                area.manifest, in: staged.folder, plan: nil, now: Timestamp(milliseconds: 0)
            ).write()
            func text(_ name: String) throws -> String {
                try String(contentsOfFile: "\(path)/\(name)", encoding: .utf8)
            }
            let reports = Reports(
                html: try text("report.html"), json: try text("report.json"), csv: try text("report.csv"),
                markdown: try text("report.md"))
            try await area.close()
            return reports
        }
    }

    /// Everything between angle brackets, in order.
    private func tags(_ page: String) -> [String] {
        page.utf8.split(separator: UInt8(ascii: "<")).dropFirst().map { piece in
            String(decoding: piece.prefix { $0 != UInt8(ascii: ">") }, as: UTF8.self)
        }
    }

    /// The bars of a Markdown row that separate cells.
    private func bars(_ line: Substring) -> Int {
        var count = 0
        var isEscaped = false
        for character in line.unicodeScalars {
            if isEscaped {
                isEscaped = false
            } else if character == "\\" {
                isEscaped = true
            } else if character == "|" {
                count += 1
            }
        }
        return count
    }
}
