// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

/// Where the things of one run lie on disk.
///
/// ```
/// <staging>/<run>/manifest.sqlite      the manifest, with SQLite's -wal and -shm beside it
/// <staging>/<run>/lock                 held by the process that owns the run; its pid
/// <staging>/<run>/request              what somebody asks of the owner: to pause, to cancel
/// <staging>/<run>/baseline.sqlite      what earlier runs left in the destination, if the run goes on from them
/// <staging>/<run>/ring/keys            the key ring: one slot a chunk
/// <staging>/<run>/chunks/*.age         sealed chunks; *.writing while they are written
/// <staging>/<run>/spill/*.age          sorted runs of a stage, deleted when it ends
/// <staging>/<run>-baseline.sqlite      what the run left in the destination, if the pipeline asked for that to be kept
/// <keys>/<run>.slot                    the run's key, wrapped by the root key: never beside the chunks
/// <keys>/signing-key                   signs certificates and the audit log
/// ```
package struct RunFolder: Sendable, Hashable {
    package let run: RunID
    /// The staging folder of all runs, without a slash at the end.
    package let staging: String
    /// The folder of the wrapped run keys, without a slash at the end.
    package let keys: String

    package init(run: RunID, staging: String, keys: String) {
        self.run = run
        self.staging = staging.withoutTrailingSlash
        self.keys = keys.withoutTrailingSlash
    }

    package var path: String { "\(staging)/\(run)" }
    package var manifest: String { "\(path)/manifest.sqlite" }
    package var lock: String { "\(path)/lock" }
    var request: String { "\(path)/request" }
    package var baseline: String { "\(path)/baseline.sqlite" }
    var keptBaseline: String { "\(staging)/\(run)-baseline.sqlite" }
    package var ring: String { "\(path)/ring" }
    package var ringKeys: String { "\(ring)/keys" }
    package var chunks: String { "\(path)/chunks" }
    package var spill: String { "\(path)/spill" }
    package var keySlot: String { "\(keys)/\(run).slot" }
    /// The slot under another root key, until it takes the place of the one before.
    var nextKeySlot: String { "\(keySlot).next" }
    package var signingKey: String { "\(keys)/signing-key" }

    /// The file of a sealed chunk.
    package func file(of chunk: Chunk) -> String { "\(chunks)/\(chunk.fileName)" }
    /// Its file while it is written: another name for each attempt, so that none is in the way of the next.
    func temporaryFile(of chunk: Chunk) -> String { "\(chunks)/\(chunk.fileName).\(chunk.attempt).writing" }

    /// The runs that have a folder under `staging`, in the order of their names.
    package static func runs(
        in staging: String, fileSystem: any FileSystem = LocalFileSystem()
    ) throws(MigratezError) -> [RunID] {
        try fileSystem.list(staging.withoutTrailingSlash).filter(\.isFolder).compactMap { RunID($0.name) }
            .sorted { $0.text < $1.text }
    }

    /// Where wrapped run keys are kept unless told otherwise: `$XDG_STATE_HOME/migratez/keys`, else
    /// `~/.local/state/migratez/keys` (XDG Base Directory Specification; a relative value is to be ignored). Nil if the
    /// environment names no home.
    package static func defaultKeys(environment: [String: String]) -> String? {
        if let state = environment["XDG_STATE_HOME"], state.hasPrefix("/") {
            return "\(state.withoutTrailingSlash)/migratez/keys"
        }
        guard let home = environment["HOME"], home.hasPrefix("/") else { return nil }
        return "\(home.withoutTrailingSlash)/.local/state/migratez/keys"
    }
}

extension String {
    /// `/a/b/` without its last slash; `/` stays.
    fileprivate var withoutTrailingSlash: String { count > 1 && hasSuffix("/") ? String(dropLast()) : self }
}
