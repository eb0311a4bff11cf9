// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

/// What is to become of the staged data of a run, and by when.
package enum StagedDataFate: Sendable, Hashable {
    /// It has been destroyed, or its keys have and the rest is under way.
    case destroyed
    /// It must be destroyed by then.
    case due(Timestamp, reason: Reason)
    /// The pipeline asked for it to be kept until somebody shreds it.
    case retained
    /// The run is under way or waits for its confirmation, and nobody set a limit.
    case needed

    package enum Reason: String, Sendable, Hashable {
        case confirmed = "the run is confirmed"
        case unconfirmed = "nobody confirmed the run in the time that its pipeline allows"
        case retentionEnds = "the retention that was asked for ends"
    }

    /// Whether the time is over.
    package func isOverdue(at now: Timestamp) -> Bool {
        if case .due(let time, _) = self { time < now } else { false }
    }
}

extension RunFolder {
    /// What lies on the disk of the data of the run: chunks, spill files, and baselines. The manifest, which holds ids and
    /// counts, is not among it.
    package func stagedBytes(_ fileSystem: any FileSystem = LocalFileSystem()) throws(MigratezError) -> ByteCount {
        var bytes = 0
        for path in [chunks, spill] { for file in try fileSystem.list(path) { bytes += file.bytes } }
        for path in [baseline, keptBaseline] { bytes += try fileSystem.length(path) ?? 0 }
        return ByteCount(bytes)
    }
}

extension RunStatus {
    /// How long after its confirmation a run may still have its data.
    package static let shredWithin = Duration.seconds(24 * 3600)

    /// What is to become of the data, by the policy of the run and by what people asked for since.
    package var fate: StagedDataFate {
        switch phase {
        case .keysDestroyed, .unlinked, .residueChecked, .certified: .destroyed
        case .confirmed: confirmedFate
        case .running, .loaded, .verified:
            if let retention {
                .due(retention.until, reason: .retentionEnds)
            } else if let limit = description.retention.unconfirmedMax {
                .due(changedAt.advanced(by: limit), reason: .unconfirmed)
            } else {
                .needed
            }
        }
    }

    private var confirmedFate: StagedDataFate {
        if let retention { return .due(retention.until, reason: .retentionEnds) }
        guard description.retention.shredsWhenConfirmed, let confirmation else { return .retained }
        return .due(confirmation.confirmedAt.advanced(by: RunStatus.shredWithin), reason: .confirmed)
    }
}
