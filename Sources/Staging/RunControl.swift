// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

/// Work on a run that needs its manifest but none of its keys: confirming, retaining, shredding.
package enum RunControl {
    /// Runs `body` as the owner of the run; throws `runBusy` if another process is. Recovers nothing: that is for
    /// whoever opens the data.
    package static func withManifest<R>(
        of folder: RunFolder, fileSystem: any FileSystem = LocalFileSystem(),
        clock: any WallClock = SystemWallClock(), _ body: (Manifest) async throws -> R
    ) async throws -> R {
        guard try fileSystem.length(folder.manifest) != nil else { throw RunInspection.notFound(folder) }
        let lock = try RunLock(folder.lock)
        defer { lock.release() }
        try fileSystem.remove(folder.request)
        let manifest = try Manifest(path: folder.manifest, clock: clock)
        let result: R
        do {
            result = try await body(manifest)
        } catch {
            try manifest.close()
            throw error
        }
        try manifest.close()
        return result
    }
}
