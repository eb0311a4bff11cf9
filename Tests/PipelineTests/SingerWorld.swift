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

/// A folder with a tap or a target in it, and `pipeline.yaml`.
struct SingerWorld: Sendable {
    let folder: String
    let workplace: Workplace

    /// - Parameter files: programs and other files by their names; `FOLDER` in them stands for the folder.
    static func with<R: Sendable>(
        _ files: [String: String], _ body: (SingerWorld) async throws -> R
    ) async throws -> R {
        try await withTemporaryFolder { folder in
            let workplace = try Workplace(
                environment: ["KEY": "a-secret-of-the-tap"], clock: HurriedClock(),
                http: try CurlClient(TransportConfiguration()), stateFolder: "\(folder)/state")
            let world = SingerWorld(folder: folder, workplace: workplace)
            for (name, text) in files { try world.write(name, text) }
            return try await body(world)
        }
    }

    func write(_ name: String, _ text: String) throws {
        let path = "\(folder)/\(name)"
        try text.replacing("FOLDER", with: folder).write(toFile: path, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: path)
    }

    /// The folder with the programs of `Tests/Witnesses/singer/<name>`, which are installed first if need be.
    static func programs(_ name: String) async throws -> String {
        let environment = WitnessEnvironment("singer/\(name)")
        let (status, output) = await environment.run("true")
        try #require(status == 0, "\(output)")
        return environment.programs
    }

    func connect() async throws -> (PlanConnection, RunSetup) {
        let connection = try await PlanConnection.open("\(folder)/pipeline.yaml", in: workplace)
        let setup = try await RunSetup.discover(
            connection.plan, source: connection.source, destination: connection.destination)
        #expect(setup.diagnostics.map(\.description) == [])
        return (connection, setup)
    }

    /// Begins a run, and reopens it until it has come to its end; how it ended before that.
    ///
    /// - Parameter goesOn: whether it goes on from the run before.
    func move(goesOn: Bool = false) async throws -> (run: Run, failures: [MigratezError]) {
        var failures: [MigratezError] = []
        var (connection, setup) = try await connect()
        var run = try await Run.begin(connection, goesOn: goesOn, in: workplace) { _ in }
        while true {
            do {
                try await RunExecution(run, setup, progress: SilentProgress())
                    .execute([.extract, .transform, .load])
                return (run, failures)
            } catch let error as MigratezError {
                failures.append(error)
                guard failures.count < 5 else { throw error }
                try await run.close()
                (connection, setup) = try await connect()
                run = try await Run.reopen(try RunRegistry(workplace).find(nil), connection, in: workplace) { _ in }
            }
        }
    }

    /// What became of the records of an object, after it was checked that each became something.
    func balance(_ run: Run, of object: String = "person") async throws -> Reconciliation {
        let balances = try await run.staging.manifest.read { try $0.reconciliation() }
        for balance in balances { #expect(balance.isClosed, "\(balance.stream.name)") }
        return try #require(balances.first { $0.stream.name.text == object })
    }

    func lines(_ name: String) throws -> [String] {
        try String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8).split(separator: "\n").map(String.init)
    }

    /// The records of an NDJSON file by one of their members; of several with the same one the last.
    func records(_ name: String, by member: String) throws -> [String: JSONValue] {
        let records = try lines(name).map { try JSONValue(parsing: Array($0.utf8)) }
        return Dictionary(records.map { ($0[member]?.text ?? "", $0) }) { $1 }
    }
}
