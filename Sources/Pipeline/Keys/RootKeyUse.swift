// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel
import MigratezStaging

/// What is under a key file, and the end of one.
package struct RootKeyUse: Sendable {
    /// What nobody can read any more once a key is destroyed.
    package struct Losses: Sendable {
        /// The public name of the key.
        package var rootID: String?
        package var runs: [String] = []
        /// Runs of which a baseline was kept, from which no run can go on then.
        package var baselines: [String] = []
    }

    private let workplace: Workplace

    package init(_ workplace: Workplace) { self.workplace = workplace }

    /// What is under the key in the file at `path`.
    package func losses(keyFile path: String) throws -> Losses {
        guard KeyFile.succession(path) == .none else {
            throw MigratezError(
                .wrongRunState, "a rotation of \(path) was cut off", remedy: .fixConfiguration,
                hint: "finish it first: migratez keys rotate")
        }
        let root = RootKey.key(try KeyFile.load(path))
        var losses = Losses(rootID: root.id)
        for folder in try folders() {
            if try root.opensRun(folder) == true { losses.runs.append(folder.run.text) }
            if try root.opensKeptBaseline(folder) == true { losses.baselines.append(folder.run.text) }
        }
        return losses
    }

    /// Destroys the key in the file at `path`: what was under it is unreadable for everybody from then on.
    package func destroy(keyFile path: String) throws {
        let root = RootKey.key(try KeyFile.load(path))
        try workplace.audit(.keyDestroyed, object: root.id)
        try KeyFile.destroy(path)
    }

    /// Makes a key file; a path of `nil` is that of the state folder.
    ///
    /// - Returns: its path and the public name of the key.
    package func make(_ path: String?) throws(MigratezError) -> (path: String, rootID: String?) {
        let path = path ?? workplace.rootKeyPath
        let root = RootKey.key(try KeyFile.create(path))
        do throws(MigratezError) {
            try workplace.audit(.keyMade, object: root.id)
        } catch {
            // A key that nobody keeps account of is not to be used.
            try KeyFile.destroy(path)
            throw error
        }
        return (path, root.id)
    }

    /// The folders of all runs that may have a key: those of the list, and those of which only the slot is left.
    func folders() throws(MigratezError) -> [RunFolder] {
        var folders: [RunFolder] = []
        for entry in try RunRegistry(workplace).entries() { folders.append(try entry.folder(in: workplace)) }
        let known = Set(folders.map(\.run))
        for file in try LocalFileSystem().list(workplace.keysFolder) where file.name.hasSuffix(".slot") {
            guard let run = RunID(String(file.name.dropLast(".slot".count))), !known.contains(run) else { continue }
            // Where it was staged is not known any more; nothing lies under that name in the folder of keys.
            folders.append(RunFolder(run: run, staging: workplace.keysFolder, keys: workplace.keysFolder))
        }
        return folders
    }
}
