// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezModel
import MigratezPipeline
import MigratezStaging
import MigratezTestKit
import MigratezTransport
import Synchronization
import Testing

/// What becomes of staged data, by the policy that a pipeline states.
@Suite struct RunEndingTests {
    /// A run of two people from CSV to NDJSON that was begun, and may be taken further.
    private struct World {
        let folder: String
        let clock: CalendarClock
        let workplace: Workplace
        let run: Run

        var entry: RunRegistry.Entry { get throws { try RunRegistry(workplace).find(nil) } }
        var reports: [String] {
            let path = "\(folder)/staging/\(run.id)-report"
            return ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
        }
        func status() async throws -> RunStatus {
            try await RunInspection(try entry.folder(in: workplace)).manifest.read { try $0.run() }
        }
        func confirm() async throws {
            try await RunControl.withManifest(of: try entry.folder(in: workplace), clock: clock) { manifest in
                try await manifest.commit { try $0.confirm(by: "ada", basis: "verified") }
            }
        }
    }

    private func withRun(
        retention: String, staging: String = "", verified: Bool = true, _ body: (World) async throws -> Void
    ) async throws {
        try await withTemporaryFolder { folder in
            let yaml = """
                migratez: 1
                name: people
                source: { connector: csv, objects: { person: { file: people.csv, id: id } } }
                target: { connector: ndjson, dir: out }
                staging: { dir: ./staging \(staging) }
                retention: { \(retention) }
                objects: { person: { to: people, fields: { name: name } } }
                """
            try yaml.write(toFile: "\(folder)/pipeline.yaml", atomically: true, encoding: .utf8)
            try "id,name\n1,Ada\n2,Grace\n".write(toFile: "\(folder)/people.csv", atomically: true, encoding: .utf8)
            let clock = CalendarClock()
            let workplace = try Workplace(
                environment: [:], clock: clock, http: try CurlClient(TransportConfiguration()),
                stateFolder: "\(folder)/state")
            let connection = try await PlanConnection.open("\(folder)/pipeline.yaml", in: workplace)
            let setup = try await RunSetup.discover(
                connection.plan, source: connection.source, destination: connection.destination)
            let run = try await Run.begin(connection, in: workplace) { _ in }
            if verified {
                try await RunExecution(run, setup, progress: SilentProgress()).execute([.extract, .transform, .load])
                _ = try await Verification(run, progress: SilentProgress()).verify()
            }
            try await run.close()
            try await body(World(folder: folder, clock: clock, workplace: workplace, run: run))
        }
    }

    @Test func `confirmed data is due within a day, and the report outlives it as far as the policy says`() async throws
    {
        for (keep, files) in [
            ("[report, id_map]", ["id-map.csv", "report.csv", "report.html", "report.json", "report.md"]),
            ("[report]", ["report.csv", "report.html", "report.json", "report.md"]),
            ("[]", []),
        ] {
            try await withRun(retention: "keep: \(keep)") { world in
                let folder = try world.entry.folder(in: world.workplace)
                _ = try await RunReport(
                    try RunInspection(folder).manifest, in: folder, plan: nil, now: world.workplace.clock.now
                ).write()
                #expect(try await world.status().fate == .needed)
                try await world.confirm()
                let status = try await world.status()
                let due = try #require(status.confirmation).confirmedAt.advanced(by: RunStatus.shredWithin)
                #expect(status.fate == .due(due, reason: .confirmed))
                _ = try await RunEnding(world.workplace).shred(try world.entry)
                #expect(try await world.status().fate == .destroyed)
                #expect(world.reports == files)
                // Shredding once more must not make a report of what is left.
                _ = try await RunEnding(world.workplace).shred(try world.entry)
                #expect(world.reports == files)
            }
        }
    }

    @Test func `what is overdue is purged, and only that`() async throws {
        try await withRun(retention: "after_confirm: shred") { world in
            let ending = RunEnding(world.workplace)
            try await world.confirm()
            #expect(try await ending.overdue().runs.isEmpty)
            await #expect(throws: MigratezError.self) { try await ending.purge(try world.entry) }
            world.clock.advance(by: .seconds(24 * 3600 + 1))
            #expect(try await ending.overdue().runs == [try world.entry])
            let certificate = try await ending.purge(try world.entry).certificate.verify()
            #expect(certificate.confirmedBy == "ada")
            #expect(try await ending.overdue().runs.isEmpty)
        }
    }

    @Test func `retained data is kept until its day, shown with who and why, and purged after it`() async throws {
        try await withRun(retention: "after_confirm: shred") { world in
            let ending = RunEnding(world.workplace)
            for wrong in ["2020-01-01", "2026-02-31", "soon", "0d", ""] {
                let error = await #expect(throws: MigratezError.self) {
                    try await ending.retain(try world.entry, until: wrong, by: "ben", reason: "audit")
                }
                #expect(error?.code == .invalidSetting, "\(wrong)")
            }
            try await ending.retain(try world.entry, until: "30d", by: "ben", reason: "audit")
            let retention = try #require(try await world.status().retention)
            #expect(retention.person == "ben" && retention.reason == "audit")
            try await ending.confirm(try world.entry, by: "ada", basis: "verified")
            await #expect(throws: MigratezError.self) { try await ending.shred(try world.entry) }
            world.clock.advance(by: .seconds(29 * 86_400))
            #expect(try await ending.overdue().runs.isEmpty)
            world.clock.advance(by: .seconds(2 * 86_400))
            #expect(try await ending.overdue().runs == [try world.entry])
            _ = try await ending.purge(try world.entry).certificate.verify()
            let actions = try world.workplace.auditLog.entries().map(\.action)
            #expect(actions.filter { [.retain, .confirm, .shred].contains($0) } == [.retain, .confirm, .shred])
        }
    }

    @Test func `a retention that is ended lets the data go again`() async throws {
        try await withRun(retention: "after_confirm: shred") { world in
            let ending = RunEnding(world.workplace)
            try await ending.confirm(try world.entry, by: "ada", basis: "verified")
            try await ending.retain(try world.entry, until: "2999-12-31", by: "ben", reason: "audit")
            await #expect(throws: MigratezError.self) { try await ending.shred(try world.entry) }
            try await ending.endRetention(try world.entry, by: "ben", reason: "audit is over")
            _ = try await ending.shred(try world.entry).verify()
        }
    }

    @Test func `a run that cannot be looked at is told of, one without a folder is nothing to tell`() async throws {
        try await withRun(retention: "after_confirm: shred") { world in
            let folder = try world.entry.folder(in: world.workplace)
            try "not a database".write(toFile: folder.manifest, atomically: true, encoding: .utf8)
            let found = try await RunEnding(world.workplace).overdue()
            #expect(found.runs.isEmpty)
            #expect(found.unknown.map(\.error.code) == [.manifestDamaged])
            try FileManager.default.removeItem(atPath: folder.path)
            #expect(try await RunEnding(world.workplace).overdue().unknown.isEmpty)
        }
    }

    @Test(arguments: [true, false])
    func `a run that nobody confirms is given up by its policy, finished or not`(verified: Bool) async throws {
        try await withRun(retention: "unconfirmed: 30d", verified: verified) { world in
            let ending = RunEnding(world.workplace)
            world.clock.advance(by: .seconds(29 * 86_400))
            #expect(try await ending.overdue().runs.isEmpty)
            world.clock.advance(by: .seconds(2 * 86_400))
            let certificate = try await ending.purge(try world.entry).certificate.verify()
            #expect(certificate.confirmedBy == "policy")
            #expect(certificate.confirmedOn == StagedDataFate.Reason.unconfirmed.rawValue)
        }
    }

    /// A key pair of age's own making; the private one opens nothing but what this test writes.
    private static let recipient = "age1s295k6v4cdxw5p8arkhmmzqys3z4g29efn4z2kssndmfudd94c6q2arecm"
    private static let identity = "AGE-SECRET-KEY-13YWV7PHPQLFZZ29DUPVY3NXKH5A7X4VPJEEN0S75TEX89TZ2TVMSFEAVL4"

    @Test func `data that the pipeline keeps is never overdue, and the certificate names further keys`() async throws {
        try await withRun(retention: "after_confirm: keep", staging: ", recipients: [\(Self.recipient)]") { world in
            try await world.confirm()
            world.clock.advance(by: .seconds(10 * 365 * 86_400))
            #expect(try await world.status().fate == .retained)
            #expect(try await RunEnding(world.workplace).overdue().runs.isEmpty)
            let certificate = try await RunEnding(world.workplace).shred(try world.entry).verify()
            #expect(certificate.notCovered.contains { $0.contains("1 further key ") })
        }
    }

    @Test(.enabled(if: isInstalled("age") && isInstalled("zstd"), "age or zstd is not installed"))
    func `recipients open the chunks of their run with plain age`() async throws {
        let retention = "after_confirm: keep, spent_chunks: keep"
        try await withRun(retention: retention, staging: ", recipients: [\(Self.recipient)]") { world in
            try Self.identity.write(toFile: "\(world.folder)/identity", atomically: true, encoding: .utf8)
            let chunks = "\(world.folder)/staging/\(world.run.id)/chunks"
            let raw = shell("age -d -i \(world.folder)/identity \(chunks)/person-raw-*.age | zstd -dc")
            #expect(raw.status == 0)
            #expect(String(decoding: raw.output, as: UTF8.self).contains("Grace"))
        }
    }

    @Test func `recipients of data that will be destroyed are a contradiction`() async throws {
        let error = await #expect(throws: MigratezError.self) {
            try await withRun(retention: "after_confirm: shred", staging: ", recipients: [\(Self.recipient)]") { _ in }
        }
        #expect(error?.message.contains("staging.recipients") == true)
    }
}

/// The machine's clock on a calendar whose leaves can be torn off; waits take a fiftieth of their time.
private final class CalendarClock: WallClock {
    private let ahead = Mutex(Duration.zero)

    var now: Timestamp { SystemWallClock().now.advanced(by: ahead.withLock { $0 }) }
    func advance(by duration: Duration) { ahead.withLock { $0 += duration } }
    func sleep(for duration: Duration) async throws { try await Task.sleep(for: duration / 50) }
}
