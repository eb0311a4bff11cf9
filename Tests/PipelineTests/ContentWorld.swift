// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezModel
import MigratezPipeline
import MigratezStaging
import MigratezTestKit
import MigratezTransport

/// People and their files in NDJSON files, who go to other ones.
struct ContentWorld: Sendable {
    let folder: String
    let workplace: Workplace

    static let people = (0..<6).map { #"{"id":"p\#($0)","name":"Person \#($0)"}"# }
    /// Empty, small and of several pieces, with names that need quoting; the last one's bytes are lost.
    static let sizes = [0, 1, 5_000, 700_001, 196_608, 12]
    static func bytes(_ number: Int) -> [UInt8] {
        (0..<sizes[number]).map { UInt8(truncatingIfNeeded: $0 &* 13 &+ number) }
    }
    static func file(_ number: Int, title: String = "Offer") -> String {
        #"{"id":"f\#(number)","title":"\#(title) \#(number)","path":"docs/o'ffer \#(number).pdf","person":["p\#(number)"]}"#
    }

    private static let pipeline = """
        migratez: 1
        name: contents
        source:
          connector: ndjson
          objects:
            person: { file: source/people.ndjson, id: id }
            file: { file: source/files.ndjson, id: id, content: path, links: { person: { member: person } } }
        target: { connector: ndjson, dir: ./out }
        retention: { keep: [report, baseline] }
        objects:
          person: { to: people, fields: { Name: name } }
          file: { to: files, content: body, fields: { Title: title } }
        links:
          - { from: file, to: person, as: file_links }
        """

    static func with<R: Sendable>(
        chunk: String = "16MiB", _ body: (ContentWorld) async throws -> R
    ) async throws -> R {
        try await withTemporaryFolder { folder in
            try FileManager.default.createDirectory(
                atPath: "\(folder)/source/docs", withIntermediateDirectories: true)
            let workplace = try Workplace(
                environment: [:], clock: HurriedClock(), http: try CurlClient(TransportConfiguration()),
                stateFolder: "\(folder)/state")
            let world = ContentWorld(folder: folder, workplace: workplace)
            try world.write(people.joined(separator: "\n") + "\n", "source/people.ndjson")
            try world.writeFiles()
            for number in sizes.indices.dropLast() { try world.writeContent(bytes(number), number) }
            let staging = chunk == "16MiB" ? "" : "staging: { chunk: { bytes: \(chunk) } }\n"
            try world.write(pipeline + "\n" + staging, "pipeline.yaml")
            return try await body(world)
        }
    }

    func write(_ text: String, _ path: String) throws {
        try text.write(toFile: "\(folder)/\(path)", atomically: true, encoding: .utf8)
    }

    func writeFiles(titles: [Int: String] = [:]) throws {
        let lines = Self.sizes.indices.map { Self.file($0, title: titles[$0] ?? "Offer") }
        try write(lines.joined(separator: "\n") + "\n", "source/files.ndjson")
    }

    func writeContent(_ bytes: [UInt8], _ number: Int) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: "\(folder)/source/docs/o'ffer \(number).pdf"))
    }

    /// What the destination holds as the content of a file.
    func content(_ number: Int) -> [UInt8]? {
        FileManager.default.contents(atPath: "\(folder)/out/files.files/ndjson-file-f\(number)").map { Array($0) }
    }

    func text(_ path: String) throws -> String { try String(contentsOfFile: "\(folder)/\(path)", encoding: .utf8) }

    func connect() async throws -> (PlanConnection, RunSetup) {
        let connection = try await PlanConnection.open("\(folder)/pipeline.yaml", in: workplace)
        let setup = try await RunSetup.discover(
            connection.plan, source: connection.source, destination: connection.destination)
        return (connection, setup)
    }

    /// Begins a run, or goes on from the one before, and loads it.
    func move(goesOn: Bool = false) async throws -> Run {
        let (connection, setup) = try await connect()
        let run = try await Run.begin(connection, goesOn: goesOn, in: workplace) { _ in }
        try await RunExecution(run, setup, progress: SilentProgress()).execute([.extract, .transform, .load])
        return run
    }
}
