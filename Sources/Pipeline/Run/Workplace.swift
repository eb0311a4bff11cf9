// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import Logging
package import MigratezModel
package import MigratezStaging
package import MigratezTransport

/// What a command finds around it: the environment, the clock, the network, and the user's state folder.
package struct Workplace: Sendable {
    package var environment: [String: String]
    package var clock: any WallClock
    package var http: any HTTPClient
    /// Where keys and the list of runs are kept: `$XDG_STATE_HOME/migratez` or `~/.local/state/migratez`.
    package var stateFolder: String
    /// Ids, counts and codes of what goes on; by default nobody reads it.
    package var log = Logger(label: "migratez") { _ in SwiftLogNoOpLogHandler() }
    /// The file system that runs are staged in, and what else of staging is not for the pipeline file to say.
    package var staging = StagingSettings()

    /// - Throws: `invalidSetting` if there is no place for the user's state.
    package init(
        environment: [String: String], clock: any WallClock, http: any HTTPClient, stateFolder: String? = nil
    ) throws(MigratezError) {
        self.environment = environment
        self.clock = clock
        self.http = http
        if let stateFolder {
            self.stateFolder = stateFolder
        } else if let keys = RunFolder.defaultKeys(environment: environment) {
            self.stateFolder = String(keys.dropLast("/keys".count))
        } else {
            throw MigratezError(
                .invalidSetting, "neither XDG_STATE_HOME nor HOME says where keys can be kept",
                remedy: .fixConfiguration, hint: "set XDG_STATE_HOME to a folder that only you can read")
        }
    }

    /// The machine's own clock and network.
    package static func system(
        environment: [String: String], stateFolder: String? = nil
    ) throws(MigratezError) -> Workplace {
        var configuration = TransportConfiguration()
        // The variable that OpenSSL's own tools use for certificate authorities besides the system's.
        configuration.extraCertificates = environment["SSL_CERT_FILE"]
        return try Workplace(
            environment: environment, clock: SystemWallClock(), http: try CurlClient(configuration),
            stateFolder: stateFolder)
    }
}

/// The runs of this user: which there are, where they are staged, and which pipeline file they follow.
package struct RunRegistry: Sendable {
    package struct Entry: Sendable, Codable, Hashable {
        /// The run's id.
        package var run: String
        /// The folder that the run's folder is in.
        package var staging: String
        /// The absolute path of the pipeline file.
        package var pipeline: String
        package var started: Timestamp
    }

    private let folder: String

    package init(_ workplace: Workplace) { folder = "\(workplace.stateFolder)/runs" }

    /// Notes a run, durably: what is begun after that is found again, whatever becomes of this process.
    func add(_ entry: Entry) throws(MigratezError) {
        let fileSystem = LocalFileSystem()
        try fileSystem.createFolder(folder)
        let lines = [entry.run, entry.staging, entry.pipeline, String(entry.started.milliseconds)]
        let file = try fileSystem.open("\(folder)/\(entry.run)", .new)
        try file.write(Array(lines.joined(separator: "\n").utf8), at: 0)
        try file.sync()
        try fileSystem.syncFolder(folder)
    }

    /// Forgets a run of which nothing is left.
    func remove(_ entry: Entry) throws(MigratezError) { try LocalFileSystem().remove("\(folder)/\(entry.run)") }

    /// All runs, the newest first.
    ///
    /// - Throws: `diskFailed` if the list cannot be read, which is not the same as that there are none.
    package func entries() throws(MigratezError) -> [Entry] {
        var entries: [Entry] = []
        for file in try LocalFileSystem().list(folder) where !file.isFolder && RunID(file.name) != nil {
            if let entry = try read(file) { entries.append(entry) }
        }
        return entries.sorted { $0.started > $1.started }
    }

    /// The run whose id begins with `prefix`; `nil` = the newest.
    package func find(_ prefix: String?) throws(MigratezError) -> Entry {
        let entries = try entries()
        guard let prefix else {
            guard let newest = entries.first else {
                throw MigratezError(
                    .runNotFound, "there are no runs yet", remedy: .fixConfiguration,
                    hint: "begin one: migratez run PIPELINE.yaml")
            }
            return newest
        }
        let found = entries.filter { $0.run.hasPrefix(prefix) }
        switch found.count {
        case 1: return found[0]
        case 0:
            throw MigratezError(
                .runNotFound, "there is no run '\(prefix)'", remedy: .fixConfiguration,
                hint: "list them: migratez status")
        default:
            throw MigratezError(
                .runNotFound, "'\(prefix)' may be any of \(found.map(\.run).joined(separator: ", "))",
                remedy: .fixConfiguration, hint: "give more of its digits")
        }
    }

    /// `nil` if the note was cut off: then the run was not begun.
    private func read(_ file: FolderEntry) throws(MigratezError) -> Entry? {
        let bytes = try LocalFileSystem().open("\(folder)/\(file.name)", .reading).read(file.bytes, at: 0)
        let text = String(decoding: bytes, as: UTF8.self)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        guard lines.count == 4, let started = Int64(lines[3]) else { return nil }
        return Entry(
            run: lines[0], staging: lines[1], pipeline: lines[2], started: Timestamp(milliseconds: started))
    }
}

extension RunRegistry.Entry {
    /// The run's folder and where its keys are.
    package func folder(in workplace: Workplace) throws(MigratezError) -> RunFolder {
        guard let id = RunID(run) else { throw MigratezError(.runNotFound, "'\(run)' is not the id of a run") }
        return RunFolder(run: id, staging: staging, keys: workplace.keysFolder)
    }

    /// The pipeline as its file is now, for explanations; nil if it cannot be read any more, or is not valid.
    package var plan: PipelinePlan? {
        guard let reading = try? PipelineFile.read(path: pipeline, catalog: Connectors.catalog) else { return nil }
        return reading.plan
    }
}

extension Workplace {
    /// A look at a run with the key that opens its chunks; `nil` = the newest run.
    package func inspectWithKey(_ reference: String?) async throws -> RunInspection {
        let entry = try RunRegistry(self).find(reference)
        return try RunInspection(try entry.folder(in: self), root: try await rootKey(of: entry))
    }
}
