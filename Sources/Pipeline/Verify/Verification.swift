// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezChunkLines
import MigratezConnectorKit
import MigratezJSON
import MigratezLoad
package import MigratezModel
package import MigratezStaging
import MigratezTransform

/// Reads back what a run loaded, by id, and compares it with what the ready chunks say: counts, links, fields, fill
/// rates and sums. Writes nothing on the other side; the manifest keeps the counts and sums.
///
/// Memory is bounded: one batch of records, a counter for each field, and `SumBook`'s groups.
package struct Verification: Sendable {
    /// How many of the records are read back.
    package enum Scope: Sendable, Equatable {
        /// What the pipeline's `verify` says.
        case asPlanned
        /// Every record.
        case all
        /// This share of the records, 0…1, whatever the pipeline says of links.
        case share(Double)
    }

    private let run: Run
    private let scope: Scope
    private let progress: any ProgressSink

    package init(_ run: Run, scope: Scope = .asPlanned, progress: any ProgressSink) {
        self.run = run
        self.scope = scope
        self.progress = progress
    }

    /// Verifies all streams.
    ///
    /// The run counts as verified from then on if everything agrees and no less was compared than the pipeline asks for;
    /// if something differs it is verified no longer.
    package func verify() async throws -> [StreamVerification] {
        try await run.requireNotUndone()
        let phase = try await run.staging.manifest.read { try $0.run().phase }
        guard phase == .loaded || phase == .verified else {
            throw MigratezError(
                .wrongRunState, "run \(run.id) is \(phase.rawValue), so there is nothing to verify",
                remedy: .fixConfiguration, hint: "migratez resume \(run.id)")
        }
        try await run.checkAccount(.target)
        let spec = run.plan.transform
        let schemas = Dictionary(
            try await run.destination.discover(Array(Set(spec.objects.map(\.target))).sorted()).map { ($0.name, $0) }
        ) { first, _ in first }
        var results: [StreamVerification] = []
        var isEnough = true
        for stream in spec.loadOrder {
            guard let object = spec.object(stream) else { continue }
            let lookups = spec.routes.filter { $0.from == stream && $0.isLookup }
            let fields = object.fields.map(\.target) + Set(lookups.compactMap(\.field)).sorted()
            let comparison = RecordComparison(
                StreamVerification(stream: stream, object: object.target), fields: wanted(fields),
                sums: SumBook(object, values: spec.values, schema: schemas[object.target]))
            let readsAllContents = object.content != nil && run.plan.verify.contents == .all
            let isComplete = !lookups.isEmpty && run.plan.verify.linksAreExact || readsAllContents
            results.append(
                try await verify(
                    run.plan.loadTarget(object, source: run.source.name), comparison, isComplete, &isEnough))
        }
        for route in spec.routes where !route.isLookup {
            let comparison = RecordComparison(
                StreamVerification(stream: route.stream, object: route.object), fields: [], sums: nil)
            results.append(
                try await verify(
                    run.plan.loadTarget(route, source: run.source.name), comparison, run.plan.verify.linksAreExact,
                    &isEnough))
        }
        try await keep(results, isEnough: isEnough)
        return results
    }

    private func keep(_ results: [StreamVerification], isEnough: Bool) async throws {
        let isGood = results.allSatisfy(\.isGood)
        try await run.staging.manifest.commit { transaction in
            for result in results { try transaction.record(result) }
            let phase = try transaction.run().phase
            if isGood, isEnough, phase == .loaded { try transaction.advance(to: .verified) }
            if !isGood, phase == .verified { try transaction.advance(to: .loaded) }
        }
    }

    /// - Parameters:
    ///   - isComplete: whether the pipeline wants every record to be compared.
    ///   - isEnough: becomes false if less is compared than the pipeline wants.
    private func verify(
        _ target: LoadTarget, _ comparison: RecordComparison, _ isComplete: Bool, _ isEnough: inout Bool
    ) async throws -> StreamVerification {
        let balance = try await run.staging.manifest.read { view in
            try view.reconciliation().first { $0.stream.name == target.stream }
        }
        let loaded = (balance?[.created] ?? 0) + (balance?[.updated] ?? 0)
        let wanted = max(Double(loaded) * run.plan.verify.sampleShare, Double(run.plan.verify.sampleMin))
        let planned = isComplete ? 1 : min(1, wanted / Double(max(loaded, 1)))
        let share: Double =
            switch scope {
            case .asPlanned: planned
            case .all: 1
            case .share(let share): share
            }
        if share < planned, loaded > 0 { isEnough = false }
        progress.expect(.verify, target.stream, total: Int(share * Double(loaded)))
        var comparison = comparison
        try await compare(target, share: share, &comparison)
        var result = comparison.finish()
        result.share = share
        result.loaded = loaded
        if run.plan.verify.countsAreExact, !target.isLink {
            result.kept = try await kept(target.stream)
            result.counted = try await run.destination.count(object: target.object, keyPrefix: target.keyPrefix)
        }
        return result
    }

    /// How many records of earlier runs must be there besides those that this one wrote.
    private func kept(_ stream: StreamName) async throws -> Int {
        guard let baseline = run.baseline else { return 0 }
        let (alone, removals) = try await run.staging.manifest.read { view in
            (try view.countLeftAlone(of: stream), try view.countKeptRemovals(of: stream))
        }
        return try alone + removals + baseline.count(of: stream, marked: .left)
    }

    /// The fields that the pipeline wants to be compared.
    private func wanted(_ fields: [String]) -> [String] {
        guard let only = run.plan.verify.fields else { return fields }
        return fields.filter { only.contains($0) }
    }

    /// Compares the records of all ready chunks, or a share of them that depends on nothing but their ordinals.
    private func compare(_ target: LoadTarget, share: Double, _ comparison: inout RecordComparison) async throws {
        try await run.staging.forEachReadyBatch(
            of: target.stream, upTo: run.destination.readBatchSize,
            facts: { try await run.staging.changedFields(of: target.stream, readySequence: $0.address.sequence) },
            where: { Self.isInSample($0.ordinal, share) },
            do: { try await compare($0, $1, target, &comparison) })
    }

    /// A mixed ordinal is as good as chance, and the same every time (SplitMix64's finalizer).
    private static func isInSample(_ ordinal: Int, _ share: Double) -> Bool {
        guard share < 1 else { return true }
        var z = UInt64(ordinal) &+ 0x9E37_79B9_7F4A_7C15
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return Double((z ^ (z >> 31)) >> 11) / Double(1 << 53) < share
    }

    private func compare(
        _ records: [ReadyLine], _ changed: [Int: (origin: ImageOrigin, names: Set<String>)], _ target: LoadTarget,
        _ comparison: inout RecordComparison
    ) async throws {
        let outcomes = try await run.staging.outcomes(of: target.stream, records.map(\.ordinal))
        let loaded = records.filter { [.created, .updated].contains(outcomes[$0.ordinal]?.outcome) }
        guard !loaded.isEmpty else { return }
        let parents = try await run.staging.parents(of: loaded)
        let sent = try loaded.map { record in
            let id = outcomes[record.ordinal]?.targetID ?? ""
            guard var fields = WrittenLine(record, id: id, parents)?.fields else {
                throw MigratezError(
                    .internalError, "link \(record.ordinal) of '\(target.stream)' was loaded without one of its ends")
            }
            // A record that was there before keeps values of its own where the run wrote none.
            if let names = changed[record.ordinal]?.names {
                fields.removeAll { !names.contains($0.key) }
                // What it wrote there without a value in the ready line, it emptied.
                for name in names.subtracting(fields.map(\.key)).sorted() { fields.append(.init(name, .null)) }
            }
            return fields
        }
        comparison.know(wanted(Set(sent.flatMap { $0.map(\.key) }).sorted()))
        let ids = loaded.compactMap { outcomes[$0.ordinal]?.targetID }
        let found = try await run.destination.read(object: target.object, ids: ids, fields: comparison.fields.sorted())
        let byID = Dictionary(found.map { ($0.id, $0) }) { first, _ in first }
        for (record, fields) in zip(loaded, sent) {
            let held = byID[outcomes[record.ordinal]?.targetID ?? ""].map { readBack in
                readBack.fields.withUnsafeBufferPointer { JSONValue(validated: $0) }
            }
            comparison.add(
                sent: .object(fields), held: held, isWhole: changed[record.ordinal] == nil,
                example: record.sourceID.isEmpty ? "link \(record.ordinal)" : record.sourceID)
        }
        if target.content != nil, run.plan.verify.contents != .off {
            let compared = loaded.filter { changed[$0.ordinal]?.origin != .completed }
                .map { (ordinal: $0.ordinal, id: outcomes[$0.ordinal]?.targetID ?? "", example: $0.sourceID) }
            try await ContentComparison(run, target).compare(compared, &comparison)
        }
        progress.advance(.verify, target.stream, by: loaded.count)
    }
}
