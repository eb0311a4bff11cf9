// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
package import Logging
import MigratezChunkFormat
package import MigratezConnectorKit
import MigratezCrypto
package import MigratezModel
package import MigratezStaging
import MigratezTransform
import MigratezTransport

/// One run that this process owns: the plan, both sides, and the staged data between them.
package struct Run: Sendable {
    package let id: RunID
    package let plan: PipelinePlan
    package let staging: StagingArea
    package let source: any Source
    package let destination: any Destination
    package let clock: any WallClock
    /// What both sides were asked so far.
    package let traffic: Traffic
    package let log: Logger
    /// What the run goes on from: the state in which an earlier one left the destination; `nil` = from nothing.
    package let baseline: Baseline?

    /// Begins a new run of a pipeline file.
    ///
    /// - Parameters:
    ///   - goesOn: whether it goes on from the last run of the same pipeline file (`EarlierRun`).
    ///   - announce: told of what a person should know, such as a key file that was made.
    package static func begin(
        _ connection: PlanConnection, goesOn: Bool = false, in workplace: Workplace, announce: (String) -> Void
    ) async throws -> Run {
        try Machine.requireAddresses()
        let plan = connection.plan
        let earlier = goesOn ? try await EarlierRun.find(connection.path, in: workplace) : nil
        let id = RunID(try randomBytes(4).reduce(0) { $0 << 8 | UInt32($1) })
        try workplace.audit(.start, run: id)
        let (root, created) = try workplace.rootKey(connection, for: id, isNewRun: true)
        if let created { announce("made a root key in \(created); without it staged data cannot be read") }
        let folder = RunFolder(run: id, staging: plan.staging.folder, keys: workplace.keysFolder)
        try RunRegistry(workplace).add(
            .init(run: id.text, staging: plan.staging.folder, pipeline: connection.path, started: workplace.clock.now))
        let staging = try await StagingArea.create(
            folder,
            RunDescription(
                pipeline: plan.name + (connection.sample == nil ? "" : SampleSelection.marker)
                    + (plan.limits.recordsMax.map(RecordLimit.marker) ?? ""), digest: plan.digest,
                source: plan.source.connector,
                destination: plan.target.connector, retention: plan.retentionPolicy),
            root: root, settings: try plan.stagingSettings(in: workplace),
            declaring: Self.declaration(of: connection, since: earlier))
        let baseline: Baseline?
        do {
            if let earlier { announce("going on from run \(earlier.entry.run)") }
            baseline = try await earlier?.makeBaseline(in: staging, root: root, workplace)
        } catch {
            try await staging.close()
            throw error
        }
        return Run(
            id: id, plan: plan, staging: staging, source: connection.source, destination: connection.destination,
            clock: workplace.clock, traffic: connection.traffic, log: workplace.log, baseline: baseline)
    }

    /// Becomes the owner of a run that was begun before, and puts right what a crash left.
    ///
    /// - Parameter allowsChangedPlan: whether the pipeline file may differ from the one that the run began with.
    package static func reopen(
        _ entry: RunRegistry.Entry, _ connection: PlanConnection, in workplace: Workplace,
        allowsChangedPlan: Bool = false, announce: (String) -> Void
    ) async throws -> Run {
        guard let id = RunID(entry.run) else {
            throw MigratezError(.runNotFound, "'\(entry.run)' is not the id of a run")
        }
        try Machine.requireAddresses()
        var connection = connection
        let folder = RunFolder(run: id, staging: entry.staging, keys: workplace.keysFolder)
        try await requireStagedData(of: folder, plan: connection.plan, workplace.staging.fileSystem)
        try workplace.audit(.resume, run: id)
        let (root, _) = try workplace.rootKey(connection, for: id, isNewRun: false)
        let (staging, recovery) = try await StagingArea.open(
            folder, root: root, settings: try connection.plan.stagingSettings(in: workplace))
        let baseline: Baseline?
        do {
            let (sample, recordsMax, declared) = try await staging.manifest.read {
                (try SampleSelection(notedIn: $0), try RecordLimit.noted(in: $0), Set(try $0.streams().map(\.name)))
            }
            // A sample goes on as the sample that it was, a limited run within its limit.
            if let sample { connection = connection.sampled(sample) }
            if let recordsMax { connection = connection.limited(to: recordsMax) }
            // The run stays with the objects that it was begun with.
            connection.plan.transform = try connection.plan.transform.restricted(to: declared)
            if let kept = try staging.openBaseline() {
                baseline = kept
            } else {
                // Its making was cut off.
                baseline = try await EarlierRun.noted(in: staging.manifest, of: workplace)?
                    .makeBaseline(in: staging, root: root, workplace)
            }
        } catch {
            try await staging.close()
            throw error
        }
        let plan = connection.plan
        let run = Run(
            id: id, plan: plan, staging: staging, source: connection.source, destination: connection.destination,
            clock: workplace.clock, traffic: connection.traffic, log: workplace.log, baseline: baseline)
        let begun = try await staging.manifest.read { try $0.run() }
        guard allowsChangedPlan || begun.description.digest == plan.digest else {
            try await staging.close()
            throw MigratezError(
                .pipelineChanged, "\(plan.file) has changed since run \(id) began", remedy: .fixConfiguration,
                hint: "undo the change, or begin a new run; `migratez issues retry` takes a changed file")
        }
        if let owner = recovery.crashedOwner {
            announce("process \(owner) left the run; going on from its last commit")
        }
        for chunk in recovery.chunksFailed {
            announce("chunk \(chunk) is damaged: migratez chunks ls \(id) --state failed")
        }
        return run
    }

    /// Throws `wrongRunState` for a run whose keys are destroyed: whatever is asked of it needs what it had staged.
    private static func requireStagedData(
        of folder: RunFolder, plan: PipelinePlan, _ fileSystem: any FileSystem
    ) async throws {
        let phase = try await RunInspection(folder, fileSystem: fileSystem).manifest.read { try $0.run().phase }
        guard [.keysDestroyed, .unlinked, .residueChecked, .certified].contains(phase) else { return }
        throw MigratezError(
            .wrongRunState, "run \(folder.run) was shredded, so that nothing of what it had staged can be read",
            remedy: .fixConfiguration,
            hint: "its report and certificate are left: migratez status \(folder.run); begin a new run: "
                + "migratez run \(plan.file)")
    }

    /// All streams: the objects in the order of their load, then the links.
    package var streams: [StreamName] { plan.transform.loadOrder + plan.transform.routes.map(\.stream) }

    /// Gives the run up in good order.
    package func close() async throws {
        try baseline?.close()
        try await staging.close()
    }

    /// Tells the manifest about every stream of the plan, and what kind of run it is: no crash can make a whole run of a
    /// part.
    private static func declaration(
        of connection: PlanConnection, since earlier: EarlierRun?
    ) -> @Sendable (ManifestTransaction) throws -> Void {
        let (plan, sample) = (connection.plan, connection.sample)
        let objects = plan.transform.objects.map(\.stream)
        let links = plan.transform.routes.map(\.stream)
        let recordsMax = plan.limits.recordsMax
        return { transaction in
            for stream in objects { try transaction.declare(stream, .object) }
            for stream in links { try transaction.declare(stream, .link) }
            try sample?.note(in: transaction)
            if let recordsMax { try RecordLimit.note(recordsMax, in: transaction) }
            try transaction.setNote(EarlierRun.noteKey, earlier?.entry.run)
        }
    }

    /// Notes how the work ended, for `status`.
    package func note(_ activity: RunActivity, _ error: MigratezError? = nil) async throws {
        var resumesAt: Timestamp?
        if case .waitForQuota(let until)? = error?.remedy { resumesAt = until }
        let (code, message, until) = (error?.code, error?.message, resumesAt)
        try await staging.manifest.commit {
            try $0.setActivity(activity, code: code, message: message, resumesAt: until)
        }
    }
}

extension RequestLogEntry {
    /// What may be logged of a request: neither headers nor bodies, and no query.
    fileprivate func metadata(_ side: String) -> Logger.Metadata {
        var metadata: Logger.Metadata = [
            "side": "\(side)", "method": "\(method.rawValue)", "host": "\(host)", "path": "\(path)",
            "bytes": "\(bytes)",
            "ms": "\(Int((duration.seconds * 1000).rounded()))",
        ]
        metadata["status"] = status.map { "\($0)" }
        metadata["failure"] = failure.map { "\($0)" }
        return metadata
    }
}

/// The requests to both sides, measured.
package struct Traffic: Sendable {
    package let source: TrafficMeter
    package let target: TrafficMeter

    init(clock: any WallClock) {
        source = TrafficMeter(clock: clock)
        target = TrafficMeter(clock: clock)
    }
}

/// A plan with both of its sides at hand.
package struct PlanConnection: Sendable {
    package var plan: PipelinePlan
    /// The absolute path of the pipeline file.
    package var path: String
    package var source: any Source
    package var destination: any Destination
    /// The secret that the pipeline names as root key.
    package var stagingKey: Secret?
    package var traffic: Traffic
    /// The only records that a run moves; `nil` = all.
    package var sample: SampleSelection?

    /// Reads the file, fetches its secrets and makes both connectors; asks nobody anything yet.
    ///
    /// - Throws: `invalidPipeline` with all findings, one a line.
    package static func open(
        _ path: String, in workplace: Workplace, overrides: PlanOverrides = PlanOverrides()
    ) async throws -> PlanConnection {
        var plan = try PipelineFile.read(path: path, catalog: Connectors.catalog).get()
        try overrides.apply(to: &plan, catalog: Connectors.catalog)
        let connection = try await open(plan, path: path, in: workplace)
        return overrides.recordsMax.map { connection.limited(to: $0) } ?? connection
    }

    /// The same for a plan that was read from elsewhere; `path` is where it belongs.
    static func open(_ plan: PipelinePlan, path: String, in workplace: Workplace) async throws -> PlanConnection {
        let resolver = ReferenceResolver(environment: workplace.environment, folder: plan.folder)
        let (settings, diagnostics) = await plan.resolve(with: resolver)
        guard let settings else {
            throw MigratezError(
                .missingSecret,
                "values that the pipeline refers to are missing\n"
                    + diagnostics.map(\.description).joined(separator: "\n"),
                remedy: .fixConfiguration,
                hint: "set them in the environment, or in a file of NAME=value lines that --env-file names")
        }
        let traffic = Traffic(clock: workplace.clock)
        // Each side has its own gate: one that answers must not hide the failures of the other.
        func client(_ side: String, _ meter: TrafficMeter) -> any HTTPClient {
            let logged = LoggedClient(workplace.http, clock: workplace.clock, underWay: meter.underWay) { entry in
                meter.record(entry)
                workplace.log.debug("request", metadata: entry.metadata(side))
            }
            return plan.gates.consecutiveErrorsMax.map { FailureGate(logged, failuresMax: $0) } ?? logged
        }
        return PlanConnection(
            plan: plan, path: URL(filePath: path).standardizedFileURL.path(percentEncoded: false),
            source: try Connectors.source(
                plan.source.connector, settings.source, http: client("source", traffic.source),
                clock: workplace.clock, log: workplace.log
            ).named(by: plan.transform.objects.map { ($0.stream, $0.origin) }),
            destination: try Connectors.destination(
                plan.target.connector, settings.target, http: client("target", traffic.target),
                clock: workplace.clock, log: workplace.log),
            stagingKey: settings.stagingKey, traffic: traffic)
    }
}

extension PipelinePlan {
    func stagingSettings(in workplace: Workplace) throws(MigratezError) -> StagingSettings {
        var settings = workplace.staging
        settings.diskLimit = staging.diskMax ?? .GiB(1 << 20)
        settings.chunkBytes = staging.chunkSizeMax
        settings.chunkRecordsMax = staging.chunkRecordsMax
        settings.compression = CompressionLevel(clamping: staging.compressionLevel)
        for text in staging.recipients { settings.recipients.append(try .parse(text)) }
        settings.clock = workplace.clock
        return settings
    }

    fileprivate var retentionPolicy: RetentionPolicy {
        RetentionPolicy(
            shredsWhenConfirmed: retention.afterConfirm == .shred, unconfirmedMax: retention.unconfirmedMax,
            keepsReport: retention.kept.contains("report"), keepsIDMap: retention.kept.contains("id_map"),
            keepsBaseline: retention.kept.contains("baseline"),
            recipients: staging.recipients.count)
    }
}
