// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezConnectorKit
package import MigratezModel
package import MigratezStaging

/// Writes the ready chunks of a stream to the destination, chunk by chunk, as they appear.
///
/// A chunk is claimed, its rows are written in batches, several at once, and it is spent when every row of it has an
/// outcome. After a crash it is claimed again: rows with an outcome are left alone, batches that were under way are
/// looked up, the others are sent.
package struct LoadStage: Sendable {
    let destination: any Destination
    let staging: StagingArea
    /// The most bytes of rows that one batch may have, whatever the route allows.
    let batchBytesMax: ByteCount
    let clock: any WallClock
    let progress: any ProgressSink
    let delta: LoadDelta?
    private let gauge: ConcurrencyGauge
    /// How long to wait before looking again for a chunk that the transform has not sealed yet.
    private static let pollInterval = Duration.milliseconds(100)

    package init(
        destination: any Destination, staging: StagingArea, batchBytesMax: ByteCount = .MiB(16),
        delta: LoadDelta? = nil, clock: any WallClock, progress: any ProgressSink,
        gauge: ConcurrencyGauge = ConcurrencyGauge()
    ) {
        self.destination = destination
        self.staging = staging
        self.batchBytesMax = batchBytesMax
        self.delta = delta
        self.clock = clock
        self.progress = progress
        self.gauge = gauge
    }

    /// Loads the stream until its transform is done and no ready chunk is left. The loads of the streams that its
    /// references lead to must be complete.
    package func load(_ target: LoadTarget, expectedRows: Int) async throws {
        let stream = target.stream
        let state = try await staging.manifest.read { try $0.stream(stream)?.state(of: .load) }
        guard state != .done else { return }
        let route = destination.route(for: target.object, expectedRows: expectedRows)
        let chunkLoad = try await chunkLoad(target, route)
        try await staging.manifest.commit { transaction in
            try transaction.set(.load, of: stream, to: .running)
            if !target.isLate { try transaction.setNote(Self.objectNote + stream.text, target.object) }
            if let content = target.content { try transaction.setNote(Self.contentNote + stream.text, content.field) }
        }
        while true {
            try Task.checkCancellation()
            let (isTransformed, waiting) = try await staging.manifest.read { view in
                (
                    try view.stream(stream)?.state(of: .transform) == .done,
                    try !view.chunks(of: stream, kind: .ready, state: .sealed).isEmpty
                )
            }
            if waiting, let lease = try await staging.claim(stream, .ready, for: .load) {
                do {
                    try await chunkLoad.load(lease)
                } catch {
                    await release(lease)
                    throw Self.naming(lease.chunk.address, error)
                }
            } else if isTransformed {
                try await checkNoneIsLeft(stream)
                if let content = target.content {
                    try await ContentShelf(staging, stream, content).release(finished: [])
                }
                break
            } else {
                try await clock.sleep(for: Self.pollInterval)
            }
        }
        try await staging.manifest.commit { transaction in
            try transaction.set(.load, of: stream, to: .done)
            try transaction.setNote(Self.endedNote, String(transaction.now.milliseconds))
        }
    }

    /// What the notes in the manifest begin with that say which object a stream was written to. Late links have none:
    /// their field belongs to the record that has it.
    package static let objectNote = "load.object."

    /// What the notes begin with that say which field of that object the contents of a stream went to.
    package static let contentNote = "load.content."

    /// The note in the manifest that says when the last write of the last stream that was loaded had ended.
    package static let endedNote = "load.ended"

    /// Finds out what became of writes that were cut off, and writes nothing: for a run that will not be loaded
    /// further.
    ///
    /// A record of which it stays unknown whether it was changed counts as updated, so that its old values are restored
    /// if they have to be.
    package func settleCutOff(_ target: LoadTarget) async throws {
        let stream = target.stream
        let batches = try await staging.manifest.read { try $0.batches(of: stream) }
        guard !batches.isEmpty else { return }
        let chunkLoad = try await chunkLoad(target, destination.route(for: target.object, expectedRows: 1))
        for (sequence, batches) in Dictionary(grouping: batches, by: \.chunkSequence).sorted(by: { $0.key < $1.key }) {
            let address = ChunkAddress(stream: stream, kind: .ready, sequence: sequence)
            guard let chunk = try await staging.manifest.read({ try $0.chunk(address) }) else {
                throw MigratezError(.chunkMismatch, "the manifest names chunk \(address), which does not exist")
            }
            _ = try await chunkLoad.resolve(batches, chunk)
            try await staging.manifest.commit { transaction in
                let images = try transaction.images(of: stream, readySequence: sequence)
                let known = Set(try transaction.outcomes(of: stream, ordinals: images.map(\.ordinal)).map(\.ordinal))
                let unclear = images.filter { !known.contains($0.ordinal) }.map {
                    RecordOutcome(ordinal: $0.ordinal, outcome: .updated, targetID: $0.targetID)
                }
                try transaction.recordOutcomes(unclear, of: stream, in: .load)
            }
        }
    }

    private func chunkLoad(_ target: LoadTarget, _ route: WriteRoute) async throws -> ChunkLoad {
        ChunkLoad(
            destination: destination, staging: staging, target: target, route: route,
            census: try await Census.take(of: target, at: destination, staging), delta: delta,
            batchBytesMax: min(route.bytesMax, batchBytesMax),
            writes: AdaptiveConcurrency(
                initial: min(2, route.concurrencyMax), limitMax: route.concurrencyMax, gauge: gauge),
            clock: clock, progress: progress)
    }

    /// Gives the chunk back: the rows that were written have their outcomes, and whoever claims it next sends the others.
    /// If that fails, too, the next opening of the run does it; the error that came first is the one to tell.
    private func release(_ lease: ChunkLease) async {
        do { try await staging.release(lease) } catch { return }
    }

    /// A chunk that cannot be claimed, because its file is gone, for instance, must not pass for one that was loaded.
    private func checkNoneIsLeft(_ stream: StreamName) async throws {
        let chunks = try await staging.manifest.read { try $0.chunks(of: stream, kind: .ready) }
        guard let chunk = chunks.first(where: { $0.state != .spent && $0.state != .shredded }) else { return }
        throw MigratezError(
            .invalidTransition, "chunk \(chunk.address) is needed but \(chunk.state.rawValue)",
            remedy: .fixConfiguration, hint: "migratez chunks ls \(staging.folder.run) --state \(chunk.state.rawValue)")
    }

    /// The error with the chunk's name in it, if it is about the chunk's bytes.
    private static func naming(_ address: ChunkAddress, _ error: any Error) -> any Error {
        guard let error = error as? MigratezError,
            [.chunkCorrupt, .chunkAuthentication, .chunkMismatch, .keyMissing].contains(error.code)
        else { return error }
        return MigratezError(
            error.code, "chunk \(address) cannot be read", remedy: error.remedy,
            hint: error.hint ?? "migratez chunks verify", cause: error)
    }
}
