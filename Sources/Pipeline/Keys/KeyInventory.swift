// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel
import MigratezStaging

/// Which keys there are and what is under them: names of keys and states, never a byte of one.
package struct KeyInventory: Sendable {
    /// The keys of one run.
    package struct RunRow: Sendable {
        package var run: String
        package var pipeline: String
        /// Where the pipeline file says that the root key is; nil if the file cannot be read.
        package var place: RootKeyPlace?
        /// The public name of the root key; nil for a passphrase, or if it cannot be had.
        package var rootID: String?
        /// The public name of the run key.
        package var runKeyID: String?
        /// How many chunks have a key, and so can be read.
        package var chunkKeys: Int
        /// Why the run key cannot be had; nil = it opens, or is destroyed.
        package var failure: MigratezError?
        /// Whether the run's keys are destroyed.
        package var isDestroyed: Bool
    }

    private let workplace: Workplace

    package init(_ workplace: Workplace) { self.workplace = workplace }

    /// Every run of the list, the newest first. That its key was used is noted for each in the audit log.
    package func runs() async throws -> [RunRow] {
        var rows: [RunRow] = []
        for entry in try RunRegistry(workplace).entries() { rows.append(try await row(entry)) }
        return rows
    }

    private func row(_ entry: RunRegistry.Entry) async throws -> RunRow {
        let folder = try entry.folder(in: workplace)
        let key = entry.plan.map(\.staging.key)
        var row = RunRow(
            run: entry.run, pipeline: entry.pipeline, place: key.map { $0.map { .reference($0) } ?? .keyFile },
            chunkKeys: 0, isDestroyed: try LocalFileSystem().length(folder.keySlot) == nil)
        if row.isDestroyed { return row }
        do {
            row.chunkKeys = try await RunInspection(folder).manifest.read { view in
                try view.chunks().count { $0.state != .shredded }
            }
            let root = try await workplace.rootKey(of: entry)
            row.rootID = root.id
            row.runKeyID = try RunInspection(folder, root: root).runKeyID
        } catch let error as MigratezError where error.code != .auditFailed && error.code != .auditInvalid {
            row.failure = error
        }
        return row
    }
}
