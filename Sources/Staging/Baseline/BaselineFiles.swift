// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCrypto
package import MigratezModel

/// Where baselines are kept, and under which key.
///
/// In the run's folder lies the one that the run goes on from, under the run's key: it ends with the run. Beside the
/// folder lies the one that the pipeline asked to be kept of a run, under the root key.
extension StagingArea {
    /// The baseline that this run goes on from; `nil` if there is none, or its making was cut off.
    package func openBaseline() throws -> Baseline? {
        try Baseline.open(
            folder.baseline, of: folder.run, under: .key(keys.baseline), isReadOnly: false, fileSystem)
    }

    /// Makes an empty baseline for this run in the place of whatever is there.
    package func createBaseline(continuing earlier: Baseline?) throws -> Baseline {
        try Baseline.create(
            folder.baseline, for: folder.run, under: .key(keys.baseline), key: earlier?.key, fileSystem)
    }
}

extension RunInspection {
    /// The baseline that the run went on from; `nil` if it did not go on from any.
    package func openBaseline() throws -> Baseline? {
        guard let keys else {
            throw MigratezError(.keyMissing, "no root key was given, so the baseline cannot be read")
        }
        return try Baseline.open(
            folder.baseline, of: folder.run, under: .key(keys.baseline), isReadOnly: true, fileSystem)
    }
}

/// The baseline that outlives its run, because the pipeline asks for that.
package enum KeptBaseline {
    /// Whether there is one.
    package static func exists(
        _ folder: RunFolder, fileSystem: any FileSystem = LocalFileSystem()
    ) throws(MigratezError) -> Bool {
        try fileSystem.length(folder.keptBaseline) != nil
    }

    /// Opens it; `nil` if there is none.
    package static func open(
        _ folder: RunFolder, root: RootKey, fileSystem: any FileSystem = LocalFileSystem()
    ) throws -> Baseline? {
        try Baseline.open(folder.keptBaseline, of: folder.run, under: root, isReadOnly: true, fileSystem)
    }

    /// Makes an empty one in the place of whatever is there.
    package static func create(
        _ folder: RunFolder, root: RootKey, continuing earlier: Baseline?,
        fileSystem: any FileSystem = LocalFileSystem()
    ) throws -> Baseline {
        try Baseline.create(folder.keptBaseline, for: folder.run, under: root, key: earlier?.key, fileSystem)
    }

    /// Overwrites the file and removes it. Does nothing if it is not there.
    package static func remove(
        _ folder: RunFolder, fileSystem: any FileSystem = LocalFileSystem()
    ) throws(MigratezError) {
        guard let length = try fileSystem.length(folder.keptBaseline) else { return }
        let file = try fileSystem.open(folder.keptBaseline, .updating)
        // The wrapped key is on one of the first pages; without it the rest says nothing of any value.
        let zeros = [UInt8](repeating: 0, count: 1 << 16)
        var offset = 0
        while offset < length {
            try file.write(Array(zeros.prefix(length - offset)), at: offset)
            offset += zeros.count
        }
        try file.sync()
        for path in [folder.keptBaseline, folder.keptBaseline + "-journal"] { try fileSystem.remove(path) }
        try fileSystem.syncFolder(folder.staging)
    }
}
