// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezLoad
package import MigratezModel
import MigratezStaging
import MigratezTransform

/// Takes back what a sample created: exactly the records that its manifest says it created and that carry its key there.
///
/// Records that it only found or changed stay. Safe to repeat: what is gone already counts as gone.
package struct SampleRemoval: Sendable {
    /// What became of the records of one stream.
    package struct Result: Sendable {
        package var stream: StreamName
        package var object: String
        package var deleted = 0
        /// Gone before.
        package var absent = 0
        /// Ids of the destination that were left: they do not carry the key that the sample gave them.
        package var foreign: [String] = []
        /// Ids that the destination keeps, with its reason.
        package var refused: [(id: String, code: ErrorCode)] = []

        package var isComplete: Bool { foreign.isEmpty && refused.isEmpty }
    }

    private let run: Run

    package init(_ run: Run) { self.run = run }

    /// Fails unless the run is a sample, and none of its pipeline's later runs has loaded the same records: these would
    /// be deleted with it.
    package static func check(_ entry: RunRegistry.Entry, in workplace: Workplace) async throws {
        let inspection = try RunInspection(try entry.folder(in: workplace))
        guard try await inspection.manifest.read({ try $0.note(SampleSelection.noteKey) }) != nil else {
            throw MigratezError(
                .wrongRunState, "run \(entry.run) is no sample that could be removed", remedy: .fixConfiguration,
                hint: "list the runs: migratez status")
        }
        let later = try RunRegistry(workplace).entries().filter {
            $0.pipeline == entry.pipeline && $0.started > entry.started
        }
        for other in later {
            guard let inspection = try await RunRegistry.inspection(of: other, in: workplace) else { continue }
            let name = try await inspection.manifest.read { try $0.run().description.pipeline }
            guard !name.hasSuffix(SampleSelection.marker) else { continue }
            throw MigratezError(
                .wrongRunState, "run \(other.run) has loaded the same records since, and would lose them",
                remedy: .fixConfiguration,
                hint: "keep them; give up the sample's staged data only: migratez confirm \(entry.run) --abandon")
        }
    }

    /// Deletes links first, then records, children before their parents.
    package func remove() async throws -> [Result] {
        try await run.checkAccount(.target)
        let spec = run.plan.transform
        var results: [Result] = []
        for route in spec.routes.reversed() where !route.isLookup {
            results.append(try await remove(run.plan.loadTarget(route, source: run.source.name)))
        }
        for stream in spec.loadOrder.reversed() {
            guard let object = spec.object(stream) else { continue }
            results.append(try await remove(run.plan.loadTarget(object, source: run.source.name)))
        }
        return results
    }

    private func remove(_ target: LoadTarget) async throws -> Result {
        var result = Result(stream: target.stream, object: target.object)
        let holdsKey = try await run.destination.discover([target.object]).first?.holdsKey ?? false
        let created = try await run.staging.manifest.read { view in
            try view.outcomes(of: target.stream, from: 0, limit: .max).filter { $0.outcome == .created }
        }
        let size = run.destination.readBatchSize
        for start in stride(from: 0, to: created.count, by: size) {
            let batch = created[start..<min(start + size, created.count)]
            let found = try await run.destination.read(
                object: target.object, ids: batch.compactMap(\.targetID), fields: [])
            let keys = Dictionary(found.map { ($0.id, $0.key) }) { first, _ in first }
            var ours: [String] = []
            for record in batch {
                guard let id = record.targetID else { continue }
                guard let key = keys[id] else {
                    result.absent += 1
                    continue
                }
                if isOurs(key, record, target, holdsKey: holdsKey) {
                    ours.append(id)
                } else {
                    result.foreign.append(id)
                }
            }
            guard !ours.isEmpty else { continue }
            for deletion in try await run.destination.delete(object: target.object, ids: ours) {
                switch deletion.result {
                case .deleted: result.deleted += 1
                case .absent: result.absent += 1
                case .refused(let rejection): result.refused.append((deletion.id, rejection.code))
                }
            }
        }
        return result
    }

    /// A record carries the key that the sample gave it; where an object can hold none, the id alone has to do.
    private func isOurs(_ key: String?, _ record: RecordOutcome, _ target: LoadTarget, holdsKey: Bool) -> Bool {
        guard let key else { return !holdsKey }
        return target.isLink ? key.hasPrefix(target.keyPrefix) : key == target.keyPrefix + (record.sourceID ?? "")
    }
}
