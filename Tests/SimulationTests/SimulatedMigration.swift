// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezCrypto
import MigratezJSON
import MigratezModel
import MigratezPipeline
import MigratezStaging
import MigratezTestKit
import Synchronization

/// One whole migration of a made-up account, with the troubles that its seed decides, through to its end.
struct SimulatedMigration: Sendable {
    /// What is made worse on purpose, to see that it is found.
    struct Sabotage: Sendable {
        var ignoresSync = false
        var betrayal = FatefulDestination.Betrayal.none
        /// A file in the clear beside the chunks.
        var leaksText = false
    }

    /// What came of it.
    struct Report: Sendable {
        /// What is wrong; empty if nothing.
        var findings: [String]
        var sessions: Int
        var steps: Int
        var deaths: Int
        var failures: Int
        /// The same for the same course of things.
        var course: UInt64
    }

    private static let pipeline = """
        migratez: 1
        name: simulation
        source:
          connector: ndjson
          dir: .
          objects:
            company: { file: company.ndjson, id: id }
            contact: { file: contact.ndjson, id: id, links: { company: { member: company } } }
            note: { file: note.ndjson, id: id, links: { contact: { member: contact } } }
            file: { file: file.ndjson, id: id, content: path }
        target: { connector: ndjson, dir: ./out }
        limits: { memory: 64MiB }
        values: { stage: { map: { a: Alpha, b: Beta }, otherwise: quarantine } }
        objects:
          company: { to: Account, fields: { Name: name } }
          contact:
            to: Contact
            where: '!archived'
            fields: { Email: email, Name: name, Score: score, Stage: { from: stage, values: stage } }
            dedupe: { within: [ { keys: [email], keep: first } ] }
          note: { to: Note, fields: { Body: body } }
          file: { to: File, where: '!hidden', content: content, fields: { Title: title } }
        links:
          - { from: contact, to: company, as: Contact.AccountId }
          - { from: note, to: contact, as: NoteLink }
        """

    private let seed: UInt64
    private let account: SimulatedAccount
    private let fate: Fate
    private let clock = ManualClock()
    private let disk: SimulatedDisk
    private let workplace: Workplace
    private let connection: PlanConnection
    private let destination: MemoryDestination
    private let sabotage: Sabotage

    /// Runs the migration of a seed to its end.
    static func run(seed: UInt64, _ sabotage: Sabotage = Sabotage()) async throws -> Report {
        try await withTemporaryFolder(isInMemory: true) { folder in
            let migration = try await SimulatedMigration(seed: seed, folder, sabotage)
            let clock = migration.clock
            let executor = SeededExecutor(seed: seed, name: "seed \(seed)") { clock.advanceToNextSleeper() }
            let random = Mutex(SeededGenerator(seed: seed ^ 0x5EC2))
            let bytes: @Sendable (Int) -> [UInt8] = { count in
                random.withLock { random in (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) } }
            }
            return try await executor.run {
                try await Manifest.$worksInPlace.withValue(true) {
                    try await RandomSource.$simulated.withValue(bytes) { try await migration.carryOut() }
                }
            }
        }
    }

    private init(seed: UInt64, _ folder: String, _ sabotage: Sabotage) async throws {
        self.seed = seed
        self.sabotage = sabotage
        let (account, fate) = (SimulatedAccount(seed: seed), Fate(seed: seed, clock: clock))
        var generator = SeededGenerator(seed: seed ^ 0xD15C)
        disk = SimulatedDisk(seed: seed, ignoresSync: sabotage.ignoresSync) { operation, _ throws(MigratezError) in
            try fate.pass(.disk(operation))
        }
        var workplace = try Workplace(
            environment: [:], clock: clock, http: StubHTTPClient { _, _ in throw Self.noNetwork },
            stateFolder: "\(folder)/state")
        workplace.staging.fileSystem = disk
        workplace.staging.onCommit = { moment in
            switch moment {
            case .before: try fate.pass(.commit)
            case .after: try fate.pass(.committed)
            }
        }
        destination = MemoryDestination(recordsMax: Int.random(in: 1...6, using: &generator)) { row in
            SimulatedAccount.isRefused(row.key) ? Rejection(.ruleViolated) : nil
        }
        var connection = try await Self.opened(in: workplace, folder)
        connection.plan.staging.folder = "\(folder)/staging"
        connection.plan.staging.chunkRecordsMax = Int.random(in: 2...8, using: &generator)
        connection.source = FatefulSource(
            inner: MemorySource(
                records: account.records, links: account.links,
                pageRecordsMax: Int.random(in: 1...6, using: &generator),
                linkBatchMax: Int.random(in: 1...5, using: &generator),
                slicesMax: Int.random(in: 1...4, using: &generator),
                contents: [SimulatedAccount.file: account.contents]), fate: fate, clock: clock)
        connection.destination = FatefulDestination(
            inner: destination, fate: fate, clock: clock, betrayal: sabotage.betrayal)
        (self.account, self.fate, self.workplace, self.connection) = (account, fate, workplace, connection)
    }

    private static let noNetwork = MigratezError(.internalError, "a simulation has no network")

    /// The pipeline, with connectors that the simulation replaces.
    private static func opened(in workplace: Workplace, _ folder: String) async throws -> PlanConnection {
        let path = "\(folder)/pipeline.yaml"
        let files = LocalFileSystem()
        try files.createFolder(folder)
        try files.open(path, .new).write(Array(pipeline.utf8), at: 0)
        return try await PlanConnection.open(path, in: workplace)
    }

    // MARK: Sessions

    private func carryOut() async throws -> Report {
        var findings: [String] = []
        var session = 0
        while true {
            let end = fate.beginSession(session)
            do {
                let run = try await open()
                do {
                    let setup = try await RunSetup.discover(
                        connection.plan, source: connection.source, destination: connection.destination)
                    try await RunExecution(run, setup, progress: SilentProgress())
                        .execute([.extract, .transform, .load])
                } catch {
                    await close(run)
                    throw error
                }
                if !fate.isDead {
                    if sabotage.leaksText { try leak(run) }
                    findings = try await SimulationVerdict(account, run, destination, disk).findings()
                    await close(run)
                    break
                }
                await close(run)
            } catch {
                // An error that nobody asked for is a finding, and so is one after the troubles are over.
                guard (error as? MigratezError)?.isToldTo == true, session < Fate.troubledSessions else {
                    findings = ["session \(session) ended with \(error)"]
                    break
                }
            }
            if end == .powerCut, fate.isDead { disk.cutPower() }
            session += 1
            clock.advance(by: .seconds(1))
        }
        let summary = fate.summary
        return Report(
            findings: findings, sessions: session + 1, steps: summary.steps, deaths: summary.deaths,
            failures: summary.failures, course: summary.course)
    }

    /// The run, gone on with; a new one if none has begun. By a clock that is set back, the newest is not the last one.
    private func open() async throws -> Run {
        for entry in try RunRegistry(workplace).entries() {
            do {
                return try await Run.reopen(entry, connection, in: workplace) { _ in }
            } catch let error as MigratezError {
                guard error.code == .runNotFound else { throw error }
            }
        }
        return try await Run.begin(connection, in: workplace) { _ in }
    }

    /// What the end of a process does; a log that cannot be emptied is no trouble of the next one.
    private func close(_ run: Run) async { do { try await run.close() } catch { return } }

    private func leak(_ run: Run) throws {
        try disk.open("\(run.staging.folder.spill)/leak", .new).write(Array(account.canary.utf8), at: 0)
    }
}

extension MigratezError {
    /// Whether a fate has asked for this error, or for one that led to it.
    fileprivate var isToldTo: Bool {
        message.hasSuffix("as told") || (cause as? MigratezError)?.isToldTo == true
    }
}
