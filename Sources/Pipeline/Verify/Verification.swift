// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezChunkLines
import MigratezConnectorKit
import MigratezJSON
import MigratezLoad
package import MigratezModel
import MigratezStaging
import MigratezTransform

/// What reading back found out about one stream.
package struct StreamVerification: Sendable {
    package var stream: StreamName
    package var object: String
    /// The records that the manifest says are in the destination.
    package var loaded = 0
    /// The records with our key that the destination counts; `nil` if it cannot tell.
    package var counted: Int?
    /// How many were read back and compared.
    package var compared = 0
    /// How many of these the destination does not have.
    package var missing = 0
    /// How many fields differ, by field.
    package var differences: [String: Int] = [:]
    /// The source ids of the first records that are missing or differ.
    package var examples: [String] = []

    /// Whether everything is as it should be.
    package var isGood: Bool { missing == 0 && differences.isEmpty && (counted == nil || counted == loaded) }
}

/// Reads back what a run loaded, by id, and compares it with what the ready chunks say. Writes nothing.
package struct Verification: Sendable {
    private let run: Run
    private let progress: any ProgressSink

    package init(_ run: Run, progress: any ProgressSink) {
        self.run = run
        self.progress = progress
    }

    /// Verifies all streams; marks the run as verified if everything agrees.
    package func verify() async throws -> [StreamVerification] {
        try await run.requireNotUndone()
        let phase = try await run.staging.manifest.read { try $0.run().phase }
        guard phase == .loaded || phase == .verified else {
            throw MigratezError(
                .wrongRunState, "run \(run.id) is \(phase.rawValue), so there is nothing to verify",
                remedy: .fixConfiguration, hint: "migratez resume \(run.id)")
        }
        var reports: [StreamVerification] = []
        let spec = run.plan.transform
        for stream in spec.loadOrder {
            guard let object = spec.object(stream) else { continue }
            let hasLookups = spec.routes.contains { $0.from == stream && $0.isLookup }
            let isComplete = hasLookups && run.plan.verify.linksAreExact
            reports.append(
                try await verify(run.plan.loadTarget(object, source: run.source.name), isComplete: isComplete))
        }
        for route in spec.routes where !route.isLookup {
            reports.append(
                try await verify(
                    run.plan.loadTarget(route, source: run.source.name), isComplete: run.plan.verify.linksAreExact))
        }
        if reports.allSatisfy(\.isGood), phase == .loaded {
            try await run.staging.manifest.commit { try $0.advance(to: .verified) }
        }
        return reports
    }

    private func verify(_ target: LoadTarget, isComplete: Bool) async throws -> StreamVerification {
        var report = StreamVerification(stream: target.stream, object: target.object)
        let balance = try await run.staging.manifest.read { view in
            try view.reconciliation().first { $0.stream.name == target.stream }
        }
        report.loaded = (balance?[.created] ?? 0) + (balance?[.updated] ?? 0)
        if run.plan.verify.countsAreExact, !target.isLink {
            report.counted = try await run.destination.count(object: target.object, keyPrefix: target.keyPrefix)
        }
        let wanted = max(Double(report.loaded) * run.plan.verify.sampleShare, Double(run.plan.verify.sampleMin))
        let share = isComplete ? 1 : min(1, wanted / Double(max(report.loaded, 1)))
        progress.expect(.verify, target.stream, total: Int(share * Double(report.loaded)))
        try await compare(target, share: share, &report)
        return report
    }

    /// Compares the records of all ready chunks, or a share of them that depends on nothing but their ordinals.
    private func compare(_ target: LoadTarget, share: Double, _ report: inout StreamVerification) async throws {
        var index = RecordIndex(fields: nil)
        var batch: [ReadyLine] = []
        for chunk in try await run.staging.chunks(of: target.stream, kind: .ready) {
            var reader = try run.staging.openChunkReader(chunk)
            var block: [UInt8] = []
            while try reader.next(into: &block) {
                try Task.checkCancellation()
                for line in block.split(separator: UInt8(ascii: "\n")) {
                    let record = try line.withUnsafeBufferPointer { try ReadyLine($0, with: &index) }
                    guard Self.isInSample(record.ordinal, share) else { continue }
                    batch.append(record)
                    if batch.count == run.destination.readBatchSize {
                        try await compare(batch, target, &report)
                        batch.removeAll(keepingCapacity: true)
                    }
                }
            }
        }
        try await compare(batch, target, &report)
    }

    /// A mixed ordinal is as good as chance, and the same every time (SplitMix64's finalizer).
    private static func isInSample(_ ordinal: Int, _ share: Double) -> Bool {
        guard share < 1 else { return true }
        var z = UInt64(ordinal) &+ 0x9E37_79B9_7F4A_7C15
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return Double((z ^ (z >> 31)) >> 11) / Double(1 << 53) < share
    }

    private func compare(_ records: [ReadyLine], _ target: LoadTarget, _ report: inout StreamVerification) async throws
    {
        let outcomes = try await outcomes(of: target.stream, records.map(\.ordinal))
        let loaded = records.filter { record in
            switch outcomes[record.ordinal]?.outcome {
            case .created: true
            // An existing record that was only completed keeps values of its own.
            case .updated: target.matches.isEmpty
            default: false
            }
        }
        guard !loaded.isEmpty else { return }
        var parents: [StreamName: [Int: RecordOutcome]] = [:]
        for stream in Set(loaded.flatMap { $0.references.map(\.stream) }) {
            let ordinals = loaded.flatMap { $0.references.filter { $0.stream == stream }.map(\.ordinal) }
            parents[stream] = try await self.outcomes(of: stream, Array(Set(ordinals)))
        }
        var names: Set<String> = []
        let expected = loaded.map { record in
            var fields = record.fields.withUnsafeBufferPointer { JSONValue(validated: $0) }.members
            for reference in record.references where !reference.field.isEmpty {
                guard let id = parents[reference.stream]?[reference.ordinal]?.targetID else { continue }
                fields.append(.init(reference.field, .string(id)))
            }
            if let only = run.plan.verify.fields { fields.removeAll { !only.contains($0.key) } }
            names.formUnion(fields.map(\.key))
            return fields
        }
        let ids = loaded.compactMap { outcomes[$0.ordinal]?.targetID }
        let found = try await run.destination.read(object: target.object, ids: ids, fields: names.sorted())
        let byID = Dictionary(found.map { ($0.id, $0) }) { first, _ in first }
        for (record, fields) in zip(loaded, expected) {
            report.compared += 1
            let id = outcomes[record.ordinal]?.targetID ?? ""
            let example = record.sourceID.isEmpty ? "link \(record.ordinal)" : record.sourceID
            guard let held = byID[id] else {
                report.missing += 1
                if report.examples.count < 20 { report.examples.append(example) }
                continue
            }
            let values = held.fields.withUnsafeBufferPointer { JSONValue(validated: $0) }
            for field in fields where !FieldComparison.agree(field.value, values[field.key]) {
                report.differences[field.key, default: 0] += 1
                if report.examples.count < 20 { report.examples.append(example) }
            }
        }
        progress.advance(.verify, target.stream, by: loaded.count)
    }

    private func outcomes(of stream: StreamName, _ ordinals: [Int]) async throws -> [Int: RecordOutcome] {
        let sorted = ordinals.sorted()
        let rows = try await run.staging.manifest.read { try $0.outcomes(of: stream, ordinals: sorted) }
        return Dictionary(rows.map { ($0.ordinal, $0) }) { first, _ in first }
    }
}
