// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import FoundationEssentials
import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezSingerConnector
import MigratezTestKit
import Testing

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Taps that behave, and taps that do not.
@Suite struct `A tap` {
    private static let all = (1...2_500).map(String.init)

    @Test func `is one process for all pages of a stream, and its values come as they are`() async throws {
        let messages = [
            TapWorld.schema("firm"), TapWorld.record("\"id\": 1", "firm"), TapWorld.schema(),
            TapWorld.record(#""id": "a", "amount": 1.50, "big": 12345678901234567890, "tags": ["x", {"y": null}]"#),
            #"{"type":"ACTIVATE_VERSION","stream":"person","version":1}"#, TapWorld.record(""), TapWorld.schema(),
            TapWorld.record(#""id": "b" "#), TapWorld.state(line: 1), "",
        ]
        try await TapWorld.with(messages) { world in
            let page = try await world.source().readPage(of: person, fields: [], after: nil)
            #expect(
                page.texts == [
                    #"{"id": "a", "amount": 1.50, "big": 12345678901234567890, "tags": ["x", {"y": null}],"_singer_key":"a"}"#,
                    #"{"id": "b" ,"_singer_key":"b"}"#,
                ])
            // Of the other stream nothing was asked; the record without a key is told by its line.
            #expect(page.malformed.map(\.locator) == ["line 6 of the tap"] && page.next == nil)
            try world.write(TapWorld.people(2_500))
            #expect(try await world.read(world.source()).keys == Self.all)
            #expect(world.starts == [1, 1])
        }
    }

    @Test func `is asked for one stream with all of its fields, or with those of a catalog of one's own`() async throws
    {
        try await TapWorld.with(TapWorld.people(3)) { world in
            func selection(_ stream: String) throws -> JSONValue? {
                let streams = try JSONValue(parsing: Array(world.text("given-catalog").utf8))["streams"]?.elements
                return streams?.first { $0["stream"]?.text == stream }
            }
            _ = try await world.read(world.source())
            let whole = try #require(try selection("person"))
            #expect(whole["selected"] == true && whole["schema"]?["selected"] == true)
            #expect(whole["metadata"]?.elements.map { $0["metadata"]?["selected"] } == [true, true])
            let other = try #require(try selection("firm"))
            #expect(other["schema"]?["selected"] == false)
            #expect(other["metadata"]?.elements.compactMap { $0["metadata"]?["selected"] } == [false])

            try world.put(TapWorld.catalog(["person"]), "own.json")
            let settings = ["catalog": "\(world.folder)/own.json", "catalog_option": "properties"]
            _ = try await world.read(world.source(.none, settings))
            #expect(try selection("person")?["metadata"]?.elements.compactMap { $0["metadata"]?["selected"] } == [true])

            let schema = try await world.source().discover([person])[0]
            #expect(
                schema.fields.map(\.kind) == [.integer, .text, .integer, .date, .decimal, .other] && !schema.isOpen)
            let error = await #expect(throws: MigratezError.self) {
                try await world.source(.none, ["objects.person.stream": "persons"]).discover([person])
            }
            #expect(error?.code == .invalidSetting && error?.hint?.contains("did you mean 'person'?") == true)
        }
    }

    @Test func `gets its config with the secrets in a file for its owner only, of which nothing stays`() async throws {
        try await TapWorld.with(TapWorld.people(1_200)) { world in
            try world.put(#"{"url": "http://x", "start": 1, "nested": {"a": [1]}}"#, "config.json")
            let settings = [
                "config_file": "\(world.folder)/config.json", "config.start": "5", "config.flag": "true",
                "config.text": "007", "config.quoted": "\"8\"", "config.list": #"["a"]"#,
            ]
            let folder: String
            do {
                let source = try world.source(.none, settings, secrets: ["secrets.api_key": Secret("s3cr\"t-éß")])
                let page = try await source.readPage(of: person, fields: [], after: nil)
                #expect(page.next != nil)
                let place = world.text("config-place").split(whereSeparator: \.isWhitespace).map(String.init)
                #expect(Array(place.dropFirst()) == ["600", "700"])
                folder = String(place[0].dropLast("/config.json".count))
                #expect(access(folder, F_OK) == 0)
                let given = try JSONValue(parsing: Array(world.text("given-config").utf8))
                #expect(
                    given == [
                        "url": "http://x", "nested": ["a": [1]], "flag": true, "list": ["a"], "quoted": "8", "start": 5,
                        "text": "007", "api_key": "s3cr\"t-éß",
                    ])
            }
            #expect(access(folder, F_OK) != 0)

            // What a process left that is no more, and what one has that lives.
            let base = String(folder[..<(folder.lastIndex(of: "/") ?? folder.endIndex)])
            let (left, live) = ("\(base)/migratez-singer-left-by-test", "\(base)/migratez-singer-live-in-test")
            for folder in [left, live] {
                try? FileManager.default.removeItem(atPath: folder)
                try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
                for name in ["lock", "config.json"] {
                    try Data("{}".utf8).write(to: URL(filePath: "\(folder)/\(name)"))
                }
            }
            let lock = open("\(live)/lock", O_RDWR | O_CLOEXEC)
            #expect(flock(lock, LOCK_EX) == 0)
            _ = try await world.read(world.source())
            #expect(access(left, F_OK) != 0 && access("\(live)/config.json", F_OK) == 0)
            close(lock)
            _ = try await world.read(world.source())
            #expect(access(live, F_OK) != 0)
        }
    }

    @Test func `is ended, with whatever it started, when nobody reads any more`() async throws {
        try await TapWorld.with(TapWorld.people(5_000)) { world in
            do {
                let source = try world.source()
                _ = try await source.readPage(of: person, fields: [], after: nil)
            }
            let process = try #require(
                pid_t(world.text("process").trimmingPrefix { $0.isWhitespace }.prefix { $0.isNumber }))
            // Whoever was asked to end is gone within five seconds, or killed.
            while kill(process, 0) == 0 { try await Task.sleep(for: .milliseconds(5)) }
        }
    }

    // MARK: Going on

    @Test func `that tells states goes on from the last one in another process`() async throws {
        try await TapWorld.with(TapWorld.people(2_500, stateEach: 600)) { world in
            var keys: [String] = []
            var cursor: Cursor?
            repeat {
                // Each page in a process of its own, as if the one before had been killed.
                let page = try await world.source().readPage(of: person, fields: [], after: cursor)
                let again = try await world.source().readPage(of: person, fields: [], after: cursor)
                #expect(page.keys == again.keys && page.next == again.next)
                keys += page.keys
                cursor = page.next
            } while cursor != nil
            // The states lead back to records before them, which come again and are known by their key.
            #expect(Set(keys) == Set(Self.all) && keys.count < Self.all.count + 20)
            #expect(world.starts.max() ?? 0 > 2_000)
        }
    }

    @Test func `that tells no states, or the same one for ever, passes over what was read`() async throws {
        for hasState in [false, true] {
            var messages = TapWorld.people(2_500)
            if hasState {
                messages[0] = TapWorld.schema(bookmark: "id")
                for line in stride(from: 2_400, to: 1, by: -300) { messages.insert(TapWorld.state(line: 1), at: line) }
            }
            try await TapWorld.with(messages) { world in
                var keys: [String] = []
                var cursor: Cursor?
                repeat {
                    let page = try await world.source().readPage(of: person, fields: [], after: cursor)
                    keys += page.keys
                    cursor = page.next
                } while cursor != nil
                // A state that leads back to the beginning gives all again, which is known by its key.
                #expect(hasState ? Set(keys) == Set(Self.all) : keys == Self.all)
            }
        }
    }

    @Test func `that gives other records than before loses none of them, or says that it cannot be gone on with`()
        async throws
    {
        for isKeyed in [true, false] {
            let messages = TapWorld.people(2_500, key: isKeyed ? ["id"] : [])
            try await TapWorld.with(messages) { world in
                let page = try await world.source().readPage(of: person, fields: [], after: nil)
                #expect(page.keys == Array(Self.all.prefix(page.keys.count)))
                var changed = messages
                changed.insert(TapWorld.record("\"id\": 9000"), at: 5)
                changed.remove(at: 2)
                try world.write(changed)
                guard isKeyed else {
                    let error = await #expect(throws: MigratezError.self) {
                        try await world.source().readPage(of: person, fields: [], after: page.next)
                    }
                    #expect(error?.code == .invalidSetting && error?.hint?.contains("begin a new run") == true)
                    return
                }
                let rest = try await world.read(world.source(), after: page.next).keys
                #expect(Set(page.keys + rest) == Set(Self.all + ["9000"]))
                // Nothing is left to tell the new place from an old one by, and yet it is another one.
                let next = try await world.source().readPage(of: person, fields: [], after: page.next).next
                #expect(next != page.next && next != nil)
            }
        }
    }

    @Test func `whose states lie too far ahead, or are unfinished, loses no record by them`() async throws {
        for state in [#"{"line": 2400}"#, #"{"line": 2400, "progress_markers": {"Note": "not resumable"}}"#] {
            var messages = TapWorld.people(2_500)
            messages[0] = TapWorld.schema(bookmark: "id")
            messages.insert(#"{"type": "STATE", "value": \#(state)}"#, at: 101)
            try await TapWorld.with(messages) { world in
                let first = try await world.source().readPage(of: person, fields: [], after: nil)
                let rest = try await world.read(world.source(), after: first.next).keys
                #expect(Set(first.keys + rest) == Set(Self.all))
                // One that is unfinished is not even tried, so that nothing comes twice.
                let isUnfinished = state.contains("progress_markers")
                #expect(world.starts == (isUnfinished ? [1, 1] : [1, 2_400, 1]))
                #expect((first.keys + rest == Self.all) == isUnfinished)
            }
        }
    }

    @Test(arguments: [nil, 600])
    func `that crashes is gone on with`(stateEach: Int?) async throws {
        try await TapWorld.with(TapWorld.people(2_500, stateEach: stateEach)) { world in
            let source = try world.source(.crashOnce, secrets: ["secrets.token": Secret("wholly-secret")])
            let first = try await source.readPage(of: person, fields: [], after: nil)
            var cursor = first.next
            var keys = first.keys
            let error = await #expect(throws: MigratezError.self) {
                while cursor != nil {
                    let page = try await source.readPage(of: person, fields: [], after: cursor)
                    keys += page.keys
                    cursor = page.next
                }
            }
            let said = "\(error?.message ?? "")\n\(world.log.text)"
            #expect(error?.code == .serverFailed && said.contains("ended with exit code 3 after"))
            #expect(
                said.contains("it failed for «redacted»") && !said.contains("wholly-secret") && !said.contains("ada@"))
            keys += try await world.read(source, after: cursor).keys
            #expect(Set(keys) == Set(Self.all))
        }
    }

    // MARK: Faults

    @Test func `that says something else in between loses those lines only, each by its number`() async throws {
        let messages = [
            TapWorld.schema(), TapWorld.record("\"id\": 1"), "Downloading 50 %", TapWorld.record("\"id\": NaN"),
            TapWorld.record("\"id\": {}"), #"{"type":"RECORD","stream":"person","record":[1]}"#, "[1]",
            #"{"no": "type"}"#,
            #"{"type":"GREETING"}"#, TapWorld.record("\"id\": 2"),
        ]
        try await TapWorld.with(messages) { world in
            let (keys, rejects) = try await world.read(world.source())
            #expect(keys == ["1", "2"])
            #expect(rejects.map { $0.prefix { $0 != ":" } } == (3...9).map { "line \($0) of the tap" })
            #expect(rejects.last?.contains("not known") == true && rejects[2].contains("'id'"))
        }
        for (messages, code) in [
            (["Welcome to tap-x"] + TapWorld.people(2), ErrorCode.brokenResponse), ([], .brokenResponse),
            (TapWorld.people(2) + [#"{"type":"BATCH","stream":"person","manifest":[]}"#], .notSupported),
        ] {
            try await TapWorld.with(messages) { world in
                let error = await #expect(throws: MigratezError.self) { try await world.read(world.source()) }
                #expect(error?.code == code && error?.hint != nil, "\(messages)")
            }
        }
        try await TapWorld.with([TapWorld.record("\"id\": 1")] + TapWorld.people(1)) { world in
            let (keys, rejects) = try await world.read(world.source())
            #expect(keys == ["1"] && rejects.first?.contains("before its stream's schema") == true)
        }
    }

    @Test func `that is silent for too long is ended`() async throws {
        try await TapWorld.with(TapWorld.people(50)) { world in
            let error = await #expect(throws: MigratezError.self) {
                try await world.read(world.source(.hang, ["timeout": "1"]))
            }
            #expect(error?.code == .timedOut && error?.message.contains("silent for 1 s") == true)
        }
    }

    @Test func `that floods its error output is read all the same, and the log is not flooded with numbers`()
        async throws
    {
        try await TapWorld.with(TapWorld.people(2_500)) { world in
            let keys = try await world.read(world.source(.chatter)).keys
            #expect(keys == Self.all)
            #expect(world.log.text.split(separator: "\n").count == 600 && !world.log.text.contains("0000000"))
        }
    }

    @Test func `with several keys, or none, has records that are told apart`() async throws {
        var messages = [TapWorld.schema(key: ["a", "b"])]
        messages += [#""a": "x|", "b": 1"#, #""a": "x", "b": "|1""#, #""a": "x\\", "b": "|1""#].map {
            TapWorld.record($0)
        }
        try await TapWorld.with(messages) { world in
            #expect(Set(try await world.read(world.source()).keys).count == 3)
            try world.write([TapWorld.schema(key: [])] + (0..<3).map { _ in TapWorld.record("\"a\": \"same\"") })
            #expect(try await world.read(world.source()).keys == ["1", "2", "3"])
            #expect(
                try await world.read(world.source(.none, ["objects.person.id": "a"])).keys == ["same", "same", "same"])
        }
    }

    @Test func `that is not there, or cannot say what it reads, is named with the way out`() async throws {
        try await TapWorld.with(TapWorld.people(1)) { world in
            for (command, code) in [
                ("tap-that-is-nowhere", ErrorCode.fileNotFound), ("tap that has arguments", .fileNotFound),
                ("\(world.folder)/messages", .fileNotFound), ("false", .serverFailed), ("echo", .brokenResponse),
            ] {
                let error = await #expect(throws: MigratezError.self) {
                    try await world.source(.none, ["command": command]).account(for: [person])
                }
                #expect(error?.code == code && error?.hint != nil, "\(command): \(String(describing: error))")
            }
            let report = try await world.source().account(for: [person])
            #expect(report.facts.map(\.value) == ["stream person"])
            #expect(throws: MigratezError.self) { try world.source(.none, ["command": ""]) }
        }
    }

    @Test func `is cancelled with whoever waits for it`() async throws {
        try await TapWorld.with(TapWorld.people(50)) { world in
            await withTaskGroup(of: Bool.self) { group in
                group.addTask {
                    do {
                        _ = try await world.read(world.source(.hang))
                        return false
                    } catch { return error is CancellationError }
                }
                while world.text("process").isEmpty { await Task.yield() }
                group.cancelAll()
                #expect(await group.next() == true)
            }
        }
    }
}
