// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import FoundationEssentials
import MigratezConnectorKit
import MigratezModel
import MigratezSingerConnector
import MigratezTestKit
import Synchronization

let person = StreamName("person").unsafelyUnwrapped

/// A folder with a tap in it: a shell script that says the lines of `messages`, from the line on that its state names.
struct TapWorld: Sendable {
    let folder: String
    let log = Said()

    /// What the connector passed to the log.
    final class Said: Sendable {
        private let lines = Mutex<[String]>([])
        var text: String { lines.withLock { $0.joined(separator: "\n") } }
        func add(_ line: String) { lines.withLock { $0.append(line) } }
    }

    /// What goes wrong with the tap; `once` only in its first process.
    enum Fault: String {
        case none
        /// Ends with 3 after line 1,800.
        case crash
        case crashOnce = "crash-once"
        /// Says nothing more after line 10.
        case hang
        /// Says a lot on its error output between the lines.
        case chatter
        /// Heeds neither state nor catalog.
        case deaf
    }

    static func with<R>(_ messages: [String], _ body: (TapWorld) async throws -> R) async throws -> R {
        try await withTemporaryFolder { folder in
            let world = TapWorld(folder: folder)
            try world.write(messages)
            try world.put(Self.script, "tap")
            try world.put(Self.catalog(["person", "firm"]), "catalog")
            return try await body(world)
        }
    }

    func put(_ text: String, _ name: String) throws {
        let path = "\(folder)/\(name)"
        try Data(text.utf8).write(to: URL(filePath: path))
        try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: path)
    }

    func write(_ messages: [String]) throws { try put(messages.map { $0 + "\n" }.joined(), "messages") }

    func text(_ name: String) -> String {
        (try? Data(contentsOf: URL(filePath: "\(folder)/\(name)"))).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    /// From which line each process of the tap began.
    var starts: [Int] { text("starts").split(separator: "\n").compactMap { Int($0) } }

    func source(
        _ fault: Fault = .none, _ settings: [String: String] = [:], secrets: [String: Secret] = [:]
    ) throws -> SingerSource {
        var texts = ["command": "\(folder)/tap,\(fault.rawValue)"]
        texts.merge(settings) { $1 }
        return try SingerSource(settings: ConnectorSettings(texts: texts, secrets: secrets)) { log.add($0) }
    }

    /// The keys of all records, and what was rejected, reading on with `source` from a cursor.
    func read(
        _ source: SingerSource, after start: Cursor? = nil
    ) async throws -> (keys: [String], rejects: [String]) {
        var (keys, rejects): ([String], [String]) = ([], [])
        var cursor = start
        repeat {
            let page = try await source.readPage(of: person, fields: [], after: cursor)
            keys += page.keys
            rejects += page.malformed.map { "\($0.locator): \($0.reason)" }
            cursor = page.next
        } while cursor != nil
        return (keys, rejects)
    }

    // MARK: Messages

    static func schema(_ stream: String = "person", key: [String] = ["id"], bookmark: String? = nil) -> String {
        let keys = key.map { "\"\($0)\"" }.joined(separator: ",")
        let properties = bookmark.map { ",\"bookmark_properties\":[\"\($0)\"]" } ?? ""
        return
            "{\"type\":\"SCHEMA\",\"stream\":\"\(stream)\",\"schema\":{\"properties\":{}},\"key_properties\":[\(keys)]\(properties)}"
    }

    static func record(_ fields: String, _ stream: String = "person") -> String {
        "{\"type\": \"RECORD\", \"stream\": \"\(stream)\", \"record\": {\(fields)}, \"time_extracted\": \"2026-01-01\"}"
    }

    static func state(line: Int) -> String { "{\"type\": \"STATE\", \"value\": {\"line\": \(line)}}" }

    /// A schema and records 1 to `count`; with a state behind each `stateEach`, which leads back to a few records before it.
    static func people(_ count: Int, stateEach: Int? = nil, key: [String] = ["id"]) -> [String] {
        var lines = [schema(key: key, bookmark: stateEach == nil ? nil : "id")]
        for number in 1...count {
            lines.append(record("\"id\": \(number), \"name\": \"Person \(number)\""))
            if let stateEach, number % stateEach == 0 { lines.append(state(line: lines.count - 2)) }
        }
        return lines
    }

    static func catalog(_ streams: [String]) -> String {
        let entries = streams.map { stream in
            """
            {"tap_stream_id": "\(stream)", "stream": "\(stream)", "key_properties": ["id"],
             "schema": {"type": "object", "properties": {
               "id": {"type": "integer"}, "name": {"type": ["null", "string"]}, "boss": {"type": ["null", "integer"]},
               "born": {"type": ["string", "null"], "format": "date"}, "worth": {"anyOf": [{"type": "number"}, {"type": "null"}]},
               "tags": {"type": "array"}}},
             "metadata": [{"breadcrumb": ["properties", "name"], "metadata": {"inclusion": "available"}}]}
            """
        }
        return "{\"streams\": [\(entries.joined(separator: ","))]}"
    }

    /// `sh` alone, so that it runs wherever the tests do.
    private static let script = """
        #!/bin/sh
        here=$(dirname "$0"); mode=$1; shift
        while [ $# -gt 0 ]; do
            case $1 in
            --config) config=$2; shift ;;
            --catalog | --properties) catalog=$2; cp "$2" "$here/given-catalog"; shift ;;
            --state) state=$2; shift ;;
            --discover) cat "$here/catalog"; exit ;;
            esac
            shift
        done
        cp "$config" "$here/given-config"
        echo "$config $(stat -c %a "$config") $(stat -c %a "$(dirname "$config")")" > "$here/config-place"
        echo $$ > "$here/process"
        from=1
        [ -n "$state" ] && [ "$mode" != deaf ] && from=$(tr -cd 0-9 < "$state")
        echo "$from" >> "$here/starts"
        [ "$from" -gt 1 ] && head -n 1 "$here/messages"
        case $mode in
        crash | crash-once)
            if [ "$mode" = crash ] || [ ! -e "$here/crashed" ]; then
                touch "$here/crashed"
                head -n 1800 "$here/messages" | tail -n +"$from"
                echo "it failed for ada@example.test with key $(cat "$config")" >&2
                exit 3
            fi ;;
        hang) head -n 10 "$here/messages"; sleep 1000 ;;
        chatter)
            i=0
            while [ $i -lt 300 ]; do
                printf '%01000d\\n' $i >&2
                i=$((i + 1))
            done
            cat "$here/messages"
            i=0
            while [ $i -lt 300 ]; do
                printf '%01000d\\n' $i >&2
                i=$((i + 1))
            done
            exit 0 ;;
        esac
        tail -n +"$from" "$here/messages"
        """
}

extension Page {
    var keys: [String] {
        texts.compactMap { $0.split(separator: "\"_singer_key\":\"").last?.dropLast(2) }.map(String.init)
    }
    var texts: [String] { records.map { String(decoding: bytes[$0], as: UTF8.self) } }
}
