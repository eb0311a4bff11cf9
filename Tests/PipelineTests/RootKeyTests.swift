// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezModel
import MigratezPipeline
import MigratezStaging
import MigratezTestKit
import MigratezTransport
import Testing

/// Where root keys come from, what is said when they cannot be had, and how they are replaced and destroyed.
@Suite struct RootKeyTests {
    fileprivate struct World: Sendable {
        let folder: String
        var workplace: Workplace

        /// - Parameter key: what the pipeline says in `staging.key`; nil = nothing.
        func writePipeline(key: String?) throws {
            let yaml = """
                migratez: 1
                name: people
                source: { connector: csv, objects: { person: { file: people.csv, id: id } } }
                target: { connector: ndjson, dir: out }
                staging: { dir: ./staging\(key.map { ", key: '\($0)'" } ?? "") }
                retention: { keep: [report, baseline] }
                objects: { person: { to: people, fields: { name: name } } }
                """
            try yaml.write(toFile: "\(folder)/pipeline.yaml", atomically: true, encoding: .utf8)
        }

        func connect() async throws -> PlanConnection {
            try await PlanConnection.open("\(folder)/pipeline.yaml", in: workplace)
        }

        /// A whole run.
        @discardableResult
        func run() async throws -> RunID {
            let connection = try await connect()
            let setup = try await RunSetup.discover(
                connection.plan, source: connection.source, destination: connection.destination)
            let run = try await Run.begin(connection, in: workplace) { _ in }
            try await RunExecution(run, setup, progress: SilentProgress()).execute([.extract, .transform, .load])
            try await run.close()
            return run.id
        }

        /// Opens the newest run with the key that its pipeline names.
        func open() async throws { _ = try await workplace.inspectWithKey(nil) }

        func write(_ text: String, to name: String, mode: Int = 0o600) throws {
            try text.write(toFile: "\(folder)/\(name)", atomically: true, encoding: .utf8)
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: "\(folder)/\(name)")
        }
    }

    private func with(_ body: (World) async throws -> Void) async throws {
        try await withTemporaryFolder { folder in
            try "id,name\n1,Ada\n2,Grace\n".write(toFile: "\(folder)/people.csv", atomically: true, encoding: .utf8)
            let world = World(
                folder: folder,
                workplace: try Workplace(
                    environment: [
                        "KEY": String(repeating: "ab", count: 32), "CREDENTIALS_DIRECTORY": "\(folder)/creds",
                    ],
                    clock: HurriedClock(), http: try CurlClient(TransportConfiguration()),
                    stateFolder: "\(folder)/state"))
            try FileManager.default.createDirectory(atPath: "\(folder)/creds", withIntermediateDirectories: true)
            try await body(world)
        }
    }

    private func code(_ body: () async throws -> Void) async -> ErrorCode? {
        do {
            try await body()
            return nil
        } catch { return (error as? MigratezError)?.code }
    }

    @Test(arguments: ["${file:key}", "${cmd:cat key}", "${env:KEY}", "${cred:key}", "${file:phrase}"])
    func `a run is staged under whatever source of a root key, and opens with it only`(_ reference: String) async throws
    {
        try await with { world in
            try world.write(String(repeating: "0c", count: 32) + "\n", to: "key")
            try world.write(String(repeating: "0d", count: 32), to: "creds/key", mode: 0o440)
            try world.write("correct horse battery\n", to: "phrase")
            // Commands run in the folder of the program.
            let reference = reference.replacing("cat key", with: "cat \(world.folder)/key")
            try world.writePipeline(key: reference)
            try await world.run()
            try await world.open()
            try world.write(String(repeating: "0e", count: 32), to: "key")
            try world.write(String(repeating: "0e", count: 32), to: "creds/key")
            try world.write("correct horse batterz", to: "phrase")
            var other = world
            other.workplace.environment["KEY"] = String(repeating: "ac", count: 32)
            let changed = other
            #expect(await code { try await changed.open() } == .keyWrong)
            let actions = try world.workplace.auditLog.entries().map(\.action)
            #expect(actions == [.start, .keyUse, .keyUse, .keyUse])
        }
    }

    @Test func `a root key that cannot be had is named before anything is read, and nothing is begun`() async throws {
        let cases: [(key: String?, prepare: (World) throws -> Void, code: ErrorCode)] = [
            ("${file:none}", { _ in }, .missingSecret),
            ("${env:NONE}", { _ in }, .missingSecret),
            ("${cmd:exit 1}", { _ in }, .missingSecret),
            ("${cred:none}", { _ in }, .missingSecret),
            ("${file:key}", { try $0.write("secret words", to: "key", mode: 0o640) }, .keyExposed),
            ("${file:key}", { try $0.write(String(repeating: "0", count: 63), to: "key") }, .keyDamaged),
            (nil, { try $0.writeStateKey("00", mode: 0o600) }, .keyDamaged),
            (nil, { try $0.writeStateKey(String(repeating: "0", count: 64), mode: 0o644) }, .keyExposed),
        ]
        for (key, prepare, code) in cases {
            try await with { world in
                try world.writePipeline(key: key)
                try prepare(world)
                let failure = await self.code {
                    let connection = try await world.connect()
                    try world.workplace.requireRootKey(connection)
                }
                #expect(failure == code, "\(key ?? "the key file")")
                #expect(try RunRegistry(world.workplace).entries().isEmpty)
            }
        }
    }

    @Test func `a run whose key file is gone is not opened with a new one`() async throws {
        try await with { world in
            try world.writePipeline(key: nil)
            try await world.run()
            let path = world.workplace.rootKeyPath
            try FileManager.default.moveItem(atPath: path, toPath: "\(world.folder)/moved")
            let entry = try RunRegistry(world.workplace).find(nil)
            #expect(await code { try await world.open() } == .keyMissing)
            let connection = try await world.connect()
            let error = await #expect(throws: MigratezError.self) {
                try await Run.reopen(entry, connection, in: world.workplace) { _ in }
            }
            #expect(error?.code == .keyMissing)
            #expect(!FileManager.default.fileExists(atPath: path))
        }
    }

    @Test func `the key file is rotated, and every run and baseline opens with the new key`() async throws {
        try await with { world in
            try world.writePipeline(key: nil)
            let first = try await world.run()
            let entry = try RunRegistry(world.workplace).find(first.text)
            try await RunControl.withManifest(of: try entry.folder(in: world.workplace)) { manifest in
                try await manifest.commit { try $0.confirm(by: "ada", basis: "abandoned", isAbandoned: true) }
            }
            _ = try await RunEnding(world.workplace).shred(entry)
            let second = try await world.run()
            let before = try await KeyInventory(world.workplace).runs()
            let old = try String(contentsOfFile: world.workplace.rootKeyPath, encoding: .utf8)

            let summary = try await RootKeyRotation(in: world.workplace).run()
            #expect(summary.runs == [second.text] && summary.baselines == [first.text] && summary.foreign.isEmpty)
            #expect(try String(contentsOfFile: world.workplace.rootKeyPath, encoding: .utf8) != old)
            try await world.open()
            let after = try await KeyInventory(world.workplace).runs()
            #expect(after.map(\.runKeyID) == before.map(\.runKeyID))
            #expect(after[0].rootID == summary.rootID && after[0].rootID != before[0].rootID)
            #expect(after.map(\.isDestroyed) == [false, true] && after[0].chunkKeys > 0)
            #expect(
                try Set(FileManager.default.contentsOfDirectory(atPath: world.workplace.keysFolder))
                    == ["\(second).slot", "audit-head", "root-key", "signing-key"])
            #expect(try world.workplace.auditLog.entries().contains { $0.action == .keyRotated })
        }
    }

    @Test func `a rotation that was cut off keeps others out until it is finished`() async throws {
        try await with { world in
            try world.writePipeline(key: nil)
            let id = try await world.run()
            // As a crash leaves it that comes before the last slot: the next key is there, one run is under it.
            let next = try KeyFile.successor(world.workplace.rootKeyPath)
            let folder = try RunRegistry(world.workplace).find(nil).folder(in: world.workplace)
            let old = try KeyFile.load(world.workplace.rootKeyPath)
            _ = try KeyRewrapping(from: .key(old), to: .key(next)).rewrapRunKey(folder)
            #expect(await code { try await world.open() } == .keyMissing)
            #expect(await code { try await world.run() } == .keyMissing)
            let summary = try await RootKeyRotation(in: world.workplace).run()
            #expect(summary.runs == [id.text])
            try await world.open()
            let now = RootKey.key(try KeyFile.load(world.workplace.rootKeyPath))
            #expect(now.id == RootKey.key(next).id)
        }
    }

    @Test func `runs go from the key file to a reference and back, and the pipeline file follows`() async throws {
        try await with { world in
            try world.write("correct horse battery", to: "phrase")
            try world.writePipeline(key: nil)
            let id = try await world.run()
            let place = try RootKeyPlace(parsing: "${file:\(world.folder)/phrase}")
            #expect(try await RootKeyRotation(to: place, in: world.workplace).run().runs == [id.text])
            #expect(await code { try await world.open() } == .keyWrong)
            try world.writePipeline(key: "${file:phrase}")
            try await world.open()
            // The digest of the plan is not that of another pipeline for it.
            let entry = try RunRegistry(world.workplace).find(nil)
            let connection = try await world.connect()
            let run = try await Run.reopen(entry, connection, in: world.workplace) { _ in }
            try await run.close()
            let again = await code { _ = try await RootKeyRotation(to: .keyFile, in: world.workplace).run() }
            #expect(again == nil, "the key file in place of itself: a new one, and the run is under another")
            #expect(await code { _ = try RootKeyPlace(parsing: "deadbeef") } == .invalidSetting)
        }
    }

    @Test func `a key that is destroyed takes what was under it, and nothing else`() async throws {
        try await with { world in
            try world.writePipeline(key: nil)
            let lost = try await world.run()
            let use = RootKeyUse(world.workplace)
            let made = try use.make("\(world.folder)/other")
            try world.writePipeline(key: "${file:other}")
            try await world.run()
            #expect(try use.losses(keyFile: made.path).runs.count == 1)
            let losses = try use.losses(keyFile: world.workplace.rootKeyPath)
            #expect(losses.runs == [lost.text])
            try use.destroy(keyFile: world.workplace.rootKeyPath)
            try await world.open()
            #expect(await code { _ = try use.losses(keyFile: world.workplace.rootKeyPath) } == .keyMissing)
            let destroyed = try world.workplace.auditLog.entries().filter { $0.action == .keyDestroyed }
            #expect(destroyed.map(\.object) == [losses.rootID])
        }
    }
}

extension RootKeyTests.World {
    fileprivate func writeStateKey(_ text: String, mode: Int) throws {
        try FileManager.default.createDirectory(atPath: workplace.keysFolder, withIntermediateDirectories: true)
        let path = workplace.rootKeyPath
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
    }
}
