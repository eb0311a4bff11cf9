// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import MigratezStaging

/// Puts every run that is under one root key under another one.
///
/// Run keys are wrapped anew, chunks are not touched. Wherever it is cut off, calling it again finishes it, and until
/// then each run opens with one of the two keys. Replacing the key file in the state folder ends with the destruction of
/// the old key; a key that lies elsewhere is its owner's to destroy.
package struct RootKeyRotation: Sendable {
    package struct Summary: Sendable {
        /// Runs whose key was put under the new root key, now or by an earlier attempt.
        package var runs: [String] = []
        /// Runs of which a baseline was.
        package var baselines: [String] = []
        /// Runs that are under another root key than the two.
        package var foreign: [String] = []
        /// The public name of the new root key; nil for a passphrase.
        package var rootID: String?
    }

    private let old: RootKeyPlace
    private let new: RootKeyPlace
    private let workplace: Workplace

    package init(from old: RootKeyPlace = .keyFile, to new: RootKeyPlace = .keyFile, in workplace: Workplace) {
        self.old = old
        self.new = new
        self.workplace = workplace
    }

    /// Whether the key file itself is replaced by a new one.
    private var replacesKeyFile: Bool { old == .keyFile && new == .keyFile }

    /// - Throws: `runBusy` and nothing is changed if somebody works on a run; `invalidSetting` if both are the same key.
    package func run() async throws -> Summary {
        let path = workplace.rootKeyPath
        if replacesKeyFile, KeyFile.succession(path) == .oldKeyLeft {
            try KeyFile.succeed(path)
            return Summary(rootID: RootKey.key(try KeyFile.load(path)).id)
        }
        let folders = try self.folders()
        for folder in folders {
            guard let owner = RunControl.owner(of: folder) else { continue }
            throw MigratezError(
                .runBusy, "process \(owner) works on run \(folder.run), whose key would change",
                remedy: .retry(after: nil), hint: "wait for it to end, or pause it: migratez pause \(folder.run)")
        }
        let oldKey = try await old.rootKey(in: workplace)
        let newKey = try await successor()
        if let id = oldKey.id, id == newKey.id {
            throw MigratezError(.invalidSetting, "both are the key \(id)", remedy: .fixConfiguration)
        }
        try workplace.audit(.keyRotated, object: newKey.id)
        var summary = try rewrap(folders, KeyRewrapping(from: oldKey, to: newKey))
        summary.rootID = newKey.id
        if replacesKeyFile { try KeyFile.succeed(path) }
        return summary
    }

    private func successor() async throws -> RootKey {
        if replacesKeyFile { return .key(try KeyFile.successor(workplace.rootKeyPath)) }
        guard new == .keyFile else { return try await new.rootKey(in: workplace) }
        return .key(try KeyFile.loadOrCreate(workplace.rootKeyPath).key)
    }

    private func rewrap(_ folders: [RunFolder], _ rewrapping: KeyRewrapping) throws -> Summary {
        var summary = Summary()
        for folder in folders {
            try workplace.audit(.keyUse, run: folder.run)
            let run = try rewrapping.rewrapRunKey(folder)
            let baseline = try rewrapping.rewrapKeptBaseline(folder)
            if [.rewrapped, .unchanged].contains(run) { summary.runs.append(folder.run.text) }
            if [.rewrapped, .unchanged].contains(baseline) { summary.baselines.append(folder.run.text) }
            if run == .foreign || baseline == .foreign { summary.foreign.append(folder.run.text) }
        }
        return summary
    }

    private func folders() throws -> [RunFolder] { try RootKeyUse(workplace).folders() }
}
