// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

/// Where and how chunks are kept between the stages.
package struct StagingSpec: Sendable, Equatable {
    /// An absolute path.
    package var folder: String
    package var chunkRecordsMax = 50_000
    package var chunkSizeMax = ByteCount.MiB(16)
    /// The zstd level of raw and ready chunks.
    package var compressionLevel = 1
    /// `nil` = as much as the volume has.
    package var diskMax: ByteCount?
    /// Where the root key comes from; `nil` = the key file in the user's state folder.
    package var key: Reference?
    /// age recipients (`age1…`) that can open retained chunks as well.
    package var recipients: [String] = []

    package init(folder: String) { self.folder = folder }
}

/// What the whole process may use.
package struct LimitSpec: Sendable, Equatable {
    /// Resident memory.
    package var memoryMax = ByteCount.MiB(256)
    /// Worker tasks; `nil` = as many as there are cores.
    package var jobsMax: Int?
    /// Into so many slices an object is cut at most, to be read side by side, where the source offers it; 1 = not at all.
    package var slicesMax = 4
    /// So many records of each object are read at most; `nil` = all. Never in a file: a limited run is somebody's wish
    /// of the moment.
    package var recordsMax: Int?

    package init() {}
}

/// What stays after a run, and for how long.
package struct RetentionSpec: Sendable, Equatable {
    package enum Disposal: String, Sendable, Equatable, CaseIterable {
        /// Keys are destroyed, files removed.
        case shred
        /// Nothing is removed without a further command.
        case keep
    }

    package var afterConfirm = Disposal.shred
    /// Chunks that every later stage is done with, while the run is still under way.
    package var spentChunks = Disposal.shred
    /// How long a finished run may wait for its confirmation; `nil` = for ever.
    package var unconfirmedMax: Duration?
    /// What outlives the shredding: `report`, `id_map`, `baseline`.
    package var kept: [String] = ["report"]

    package init() {}
}

/// What must hold for a run to go on.
package struct GateSpec: Sendable, Equatable {
    /// How many records of a stream must be found in the source, at least or at most.
    package var expectations: [Expectation] = []
    /// The largest share of records that may be rejected, 0…1.
    package var rejectedShareMax: Double?
    /// So many failed calls in a row stop the run.
    package var consecutiveErrorsMax: Int?
    package var onBreach = Breach.pause

    package init() {}

    package struct Expectation: Sendable, Equatable {
        package var stream: StreamName
        package var comparison: Comparison
        package var count: Int

        /// Whether the number of records found is as expected.
        package func holds(for found: Int) -> Bool {
            switch comparison {
            case .atLeast: found >= count
            case .atMost: found <= count
            case .exactly: found == count
            }
        }
    }

    package enum Comparison: String, Sendable, Equatable, CaseIterable {
        case atLeast = ">="
        case atMost = "<="
        case exactly = "=="
    }

    package enum Breach: String, Sendable, Equatable, CaseIterable {
        /// The state is saved, `resume` goes on.
        case pause
        /// The run has failed.
        case stop
    }
}

/// How a run goes on from the one before.
package struct DeltaSpec: Sendable, Equatable {
    /// For objects and fields without a rule of their own.
    package var onConflict = ConflictRule.source
    /// For objects without a rule of their own, and for links.
    package var onDelete = DeletionRule.keep
    /// The largest share of what earlier runs left of an object that may be deleted, 0…1.
    package var deletedShareMax = 0.05

    package init() {}
}

/// How thoroughly the destination is read back.
package struct VerifySpec: Sendable, Equatable {
    package var countsAreExact = true
    package var linksAreExact = true
    /// The share of the records that are compared field by field, 0…1.
    package var sampleShare = 0.01
    /// But at least so many of each object (all of them if there are fewer).
    package var sampleMin = 2000
    /// Only these fields; `nil` = all mapped ones.
    package var fields: [String]?
    /// Whose files are read back.
    package var contents = Contents.sample

    package enum Contents: String, Sendable, Equatable, CaseIterable {
        /// Those of the records that are compared.
        case sample
        /// All, and with them all records that have files.
        case all
        case off
    }

    package init() {}
}
