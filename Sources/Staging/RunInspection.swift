// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezCrypto
package import MigratezModel

/// A look at a run that may belong to another process: changes nothing, owns nothing.
package final class RunInspection: Sendable {
    package let folder: RunFolder
    package let manifest: Manifest
    /// The process that works on the run now, if one does.
    package let owner: Int32?
    private let ring: KeyRing?
    let keys: RunKeys?
    let fileSystem: any FileSystem

    /// Opens the manifest for reading.
    ///
    /// - Parameter root: needed to read chunks; nil = only what the manifest knows.
    package init(
        _ folder: RunFolder, root: RootKey? = nil, fileSystem: any FileSystem = LocalFileSystem()
    ) throws(MigratezError) {
        guard try fileSystem.length(folder.manifest) != nil else { throw RunInspection.notFound(folder) }
        if let root {
            let keys = try RunKeys.open(in: folder, under: root, fileSystem)
            self.keys = keys
            ring = try KeyRing.open(in: folder, keys: keys, mode: .reading, fileSystem)
        } else {
            ring = nil
            keys = nil
        }
        manifest = try Manifest(path: folder.manifest, isReadOnly: true)
        owner = RunLock.owner(folder.lock)
        self.folder = folder
        self.fileSystem = fileSystem
    }

    /// The run's key for keyed hashes of values; nil without a root key.
    package var pseudonyms: PseudonymKey? { keys?.pseudonyms }

    /// The public name of the run key; nil without a root key.
    package var runKeyID: String? { keys?.id }

    /// Opens a sealed chunk for reading; the chunk may be shredded by its owner at any time.
    package func openChunkReader(_ chunk: Chunk, verifyDigest: Bool = false) throws(MigratezError) -> ChunkReader {
        guard let ring else {
            throw MigratezError(.keyMissing, "no root key was given, so chunks cannot be read")
        }
        return try ChunkReader(chunk, in: folder, ring: ring, verifyDigest: verifyDigest, fileSystem)
    }

    static func notFound(_ folder: RunFolder) -> MigratezError {
        MigratezError(
            .runNotFound, "there is no run \(folder.run) in \(folder.staging)", remedy: .fixConfiguration,
            hint: "list the runs: migratez status")
    }
}
