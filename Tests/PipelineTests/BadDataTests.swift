// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezJSON
import MigratezModel
import MigratezPipeline
import MigratezStaging
import MigratezTestKit
import MigratezTransport
import Testing

/// Records that nobody would write, through every stage: from a file, over staging and mapping, into a file.
@Suite(.serialized) struct `Data that is bad` {
    /// What became of the lines of a file.
    private struct Course {
        /// The records that arrived, by their field `N`.
        var arrived: [String: JSONValue] = [:]
        /// The codes of those that did not.
        var codes: [String] = []
        var created = 0
    }

    private static let pipeline = """
        migratez: 1
        name: bad-data
        source: { connector: ndjson, dir: ., objects: { thing: { file: things.ndjson, id: id } } }
        target: { connector: ndjson, dir: ./out }
        objects:
          thing:
            to: things
            fields: { N: n, Name: name, Value: value, Score: score, Day: { from: day, type: date } }
        """

    /// Moves what a file of these bytes holds, whatever it is; `body` gets the run and the folder of what arrived.
    private func move<R: Sendable>(file bytes: [UInt8], _ body: (Run, String) async throws -> R) async throws -> R {
        try await withTemporaryFolder { folder in
            try Data(bytes).write(to: URL(filePath: "\(folder)/things.ndjson"))
            try Self.pipeline.write(toFile: "\(folder)/pipeline.yaml", atomically: true, encoding: .utf8)
            let workplace = try Workplace(
                environment: [:], clock: HurriedClock(), http: try CurlClient(TransportConfiguration()),
                stateFolder: "\(folder)/state")
            let connection = try await PlanConnection.open("\(folder)/pipeline.yaml", in: workplace)
            let setup = try await RunSetup.discover(
                connection.plan, source: connection.source, destination: connection.destination)
            let run = try await Run.begin(connection, in: workplace) { _ in }
            do {
                try await RunExecution(run, setup, progress: SilentProgress()).execute([.extract, .transform, .load])
                let balances = try await run.staging.manifest.read { try $0.reconciliation() }
                for balance in balances { #expect(balance.isClosed) }
                let result = try await body(run, "\(folder)/out")
                try await run.close()
                return result
            } catch {
                try await run.close()
                throw error
            }
        }
    }

    /// Moves the lines; every one must end in exactly one way, and what does not arrive must have a code of the table.
    private func move(_ lines: [[UInt8]]) async throws -> Course {
        try await move(file: Array(lines.joined(separator: [0x0A]))) { run, folder in
            let stream = try #require(StreamName("thing"))
            let (balance, outcomes, rejects) = try await run.staging.manifest.read { view in
                (
                    try view.reconciliation()[0], try view.outcomes(of: stream, from: 0, limit: .max),
                    try view.rejects(of: stream, limit: 100_000)
                )
            }
            #expect(balance.read == lines.count && outcomes.count == lines.count)
            var course = Course(created: balance[.created])
            let known = Set(ErrorCode.all.map(\.description))
            for outcome in outcomes where outcome.outcome != .created {
                #expect(outcome.outcome == .rejected || outcome.outcome == .skipped)
                #expect(outcome.code.map(known.contains) == true)
                course.codes.append(outcome.code ?? "")
            }
            #expect(
                rejects.count == outcomes.count { $0.outcome == .rejected }, "every rejection is listed")
            let arrived = FileManager.default.contents(atPath: "\(folder)/things.ndjson") ?? Data()
            for line in Array(arrived).split(separator: 0x0A) {
                let record = try JSONValue(parsing: Array(line))
                #expect(course.arrived.updateValue(record, forKey: record["N"]?.text ?? "") == nil)
            }
            #expect(course.arrived.count == course.created)
            return course
        }
    }

    private func line(_ number: Int, _ rest: String) -> [UInt8] {
        Array(#"{"id":"i\#(number)","n":"\#(number)",\#(rest)}"#.utf8)
    }

    @Test func `that is no record is rejected as malformed`() async throws {
        let lines = ["[1,2]", #""text""#, "42", "null", "true", "{", "}", #"{"id":"a""#, "{}}", "\u{FEFF}x", "id,name"]
        let course = try await move(lines.map { Array($0.utf8) } + [[0xFF, 0xFE], [0x7B, 0xC0, 0x80, 0x7D]])
        #expect(course.created == 0)
        #expect(Set(course.codes) == [ErrorCode.malformedRecord.description])
    }

    @Test func `that has no id, or one that is none, is rejected`() async throws {
        let course = try await move(
            ["{}", #"{"id":null}"#, #"{"id":""}"#, #"{"id":[1]}"#, #"{"id":{}}"#, #"{"id":true}"#].map {
                Array($0.utf8)
            })
        #expect(course.created == 0 && course.codes.count == 6)
    }

    @Test func `with slashes, quotes and blanks in its ids is moved as it is`() async throws {
        let ids = [
            "a/b", "../../etc/passwd", "it's", #"\""#, "%2F", " x ", "名",
            "a\u{1F}b".replacing("\u{1F}", with: "\\u001f"),
        ]
        let lines = ids.enumerated().map { Array(#"{"id":"\#($1)","n":"\#($0)","name":"x"}"#.utf8) }
        let course = try await move(lines)
        #expect(course.created == ids.count)
    }

    @Test func `that comes twice is moved once, and the second is named`() async throws {
        let course = try await move([line(1, #""name":"a""#), line(2, #""name":"b""#), line(1, #""name":"a""#)])
        #expect(course.created == 2)
        #expect(course.codes == [ErrorCode.repeatedRecord.description])
    }

    @Test func `with duplicate keys counts as the last of them says`() async throws {
        let course = try await move([line(1, #""name":"first","name":"last""#)])
        #expect(course.arrived["1"]?["Name"]?.text == "last")
    }

    @Test func `with numbers beyond measure keeps every digit`() async throws {
        let numbers = [
            String(repeating: "9", count: 400), "-0", "1.0", "1e400", "0.1e-400", "1E+2", "12345678901234567890.10",
        ]
        let course = try await move(numbers.enumerated().map { line($0, #""score":\#($1)"#) })
        for (number, text) in numbers.enumerated() { #expect(course.arrived["\(number)"]?["Score"]?.text == text) }
    }

    @Test(arguments: [127, 1000, 100_000]) func `that nests without end is rejected, not followed`(
        depth: Int
    ) async throws {
        let open = String(repeating: "[", count: depth)
        let closed = open + String(repeating: "]", count: depth)
        let course = try await move([
            line(1, #""value":\#(closed)"#), line(2, #""value":\#(open)"#), line(3, #""name":"x""#),
        ])
        #expect(course.arrived["3"] != nil && course.arrived["2"] == nil)
        if depth > 128 { #expect(course.arrived["1"] == nil) }
    }

    @Test func `with a field of five million bytes is moved whole`() async throws {
        let text = String(repeating: "0123456789", count: 500_000)
        let course = try await move([line(1, #""name":"\#(text)""#), line(2, #""name":"small""#)])
        #expect(course.arrived["1"]?["Name"]?.text == text)
        #expect(course.arrived["2"]?["Name"]?.text == "small")
    }

    @Test func `with halves of characters is rejected or keeps them, and the rest goes on`() async throws {
        let halves = [#"\ud800"#, #"\udc00\ud800"#, #"a\ud83dz"#, #"\u0000"#, #"\ufffe"#]
        let course = try await move(
            halves.enumerated().map { line($0, #""name":"\#($1)""#) } + [line(9, #""name":"x""#)])
        #expect(course.arrived["9"] != nil)
        #expect(course.arrived["3"]?["Name"]?.text == "\u{0}")
        #expect(course.created + course.codes.count == 6)
    }

    @Test func `with days at the edge of the calendar keeps the day or says why not`() async throws {
        let days = [
            // The hour that clocks skip and the one that they have twice, in Berlin and in New York.
            ("2021-03-28T02:30:00+01:00", "2021-03-28"), ("2021-10-31T02:30:00+02:00", "2021-10-31"),
            ("2021-11-07T01:30:00-04:00", "2021-11-07"), ("2020-02-29", "2020-02-29"),
            ("2000-02-29T23:59:59.999Z", "2000-02-29"), ("9999-12-31", "9999-12-31"),
        ]
        let wrong = ["2021-02-29", "1900-02-29", "2021-13-01", "2021-00-10", "0000-00-00", "2021-3-1x", "tomorrow"]
        let course = try await move(
            days.enumerated().map { line($0, #""day":"\#($1.0)""#) }
                + wrong.enumerated().map { line(100 + $0, #""day":"\#($1)""#) })
        for (number, day) in days.enumerated() { #expect(course.arrived["\(number)"]?["Day"]?.text == day.1, "\(day)") }
        #expect(course.codes.count == wrong.count)
        #expect(Set(course.codes) == [ErrorCode.wrongType.description])
    }

    // MARK: Corpora that others wrote

    @Test(.enabled(if: corpus("json") != nil, "../shared/corpora/json is not here"))
    func `of the JSON test suite is moved or refused as the suite says`() async throws {
        let folder = try #require(corpus("json"))
        let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".json") }
            .sorted()
        var lines: [[UInt8]] = []
        var kinds: [Character] = []
        for name in names {
            let document = Array(try Data(contentsOf: URL(filePath: "\(folder)/\(name)")))
            // A line feed ends a record of a file; those documents are the scanner's own test.
            guard !document.contains(0x0A), !document.isEmpty else { continue }
            lines.append(Array(#"{"id":"i\#(lines.count)","n":"\#(lines.count)","value":"#.utf8) + document + [0x7D])
            kinds.append(name.first ?? " ")
        }
        #expect(lines.count > 250)
        let course = try await move(lines)
        for (number, kind) in kinds.enumerated() {
            if kind == "y" {
                #expect(course.arrived["\(number)"] != nil, "\(String(decoding: lines[number], as: UTF8.self))")
            }
            if kind == "n" {
                #expect(
                    course.arrived["\(number)"] == nil, "\(String(decoding: lines[number].prefix(200), as: UTF8.self))")
            }
        }
    }

    @Test(.enabled(if: corpus("strings") != nil, "../shared/corpora/strings is not here"))
    func `of the list of naughty strings arrives as it left`() async throws {
        let folder = try #require(corpus("strings"))
        let list = try JSONValue(parsing: Array(try Data(contentsOf: URL(filePath: "\(folder)/blns.json"))))
        let strings = list.elements.compactMap(\.text)
        #expect(strings.count > 400)
        let course = try await move(
            strings.enumerated().map { number, text in
                line(number, #""name":\#(String(decoding: JSONValue.string(text).serialized(), as: UTF8.self))"#)
            })
        #expect(course.created == strings.count)
        for (number, text) in strings.enumerated() where !text.isEmpty {
            #expect(course.arrived["\(number)"]?["Name"]?.text.map { Array($0.utf8) } == Array(text.utf8))
        }
    }

    @Test(.enabled(if: corpus("zstd") != nil, "../shared/corpora/zstd is not here"))
    func `of the zstd suite ends with a named error or is read as lines`() async throws {
        let folder = try #require(corpus("zstd"))
        let base = URL(filePath: folder)
        let files = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
        let packed = files.filter { $0.hasSuffix(".zst") }
        #expect(packed.count >= 5)
        for name in packed {
            let bytes = Array(try Data(contentsOf: base.appending(path: name)))
            do {
                try await move(file: bytes) { _, _ in }
            } catch let error as MigratezError {
                #expect(error.code != .internalError, "\(name): \(error)")
            }
        }
    }
}
