// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import FoundationEssentials
import MigratezJSON
package import MigratezModel
package import MigratezStaging

/// What outlives a run: how every record ended and why, what was found on reading back, how it went, and which source id
/// became which id.
///
/// Holds ids, counts, codes, names and sums, never values. It can be written at any time; after shredding it has the
/// certificate, and no ids any more.
package struct RunReport: Sendable {
    /// A form of the report.
    package enum Format: String, Sendable, CaseIterable {
        /// One page that needs nothing else.
        case html
        case csv, json
        case md
    }

    private let manifest: Manifest
    private let folder: RunFolder
    private let plan: PipelinePlan?
    private let now: Timestamp

    /// - Parameters:
    ///   - plan: the pipeline file as it is now, for the order of fields and for advice; nil = it cannot be read.
    ///   - now: when it is written.
    package init(_ manifest: Manifest, in folder: RunFolder, plan: PipelinePlan?, now: Timestamp) {
        self.manifest = manifest
        self.folder = folder
        self.plan = plan
        self.now = now
    }

    /// The folder of the report, beside that of the run, which is not shredded with it.
    package static func path(beside folder: RunFolder) -> String { "\(folder.staging)/\(folder.run)-report" }

    /// Removes the report of a run whose policy keeps none; there need not be one.
    static func remove(beside folder: RunFolder) throws {
        let path = path(beside: folder)
        if FileManager.default.fileExists(atPath: path) { try FileManager.default.removeItem(atPath: path) }
    }

    /// Writes `report.<format>` in each form, `id-map.csv`, and `tags.csv` if records carry tags.
    ///
    /// - Parameter withIDs: whether the lists of ids are among them; if not, those from before are removed.
    /// - Returns: the folder.
    package func write(_ formats: [Format] = Format.allCases, withIDs: Bool = true) async throws -> String {
        let path = Self.path(beside: folder)
        let files = LocalFileSystem()
        try files.createFolder(path)
        let certificate = try certificate()
        let content = try await ReportContent.gather(
            manifest, plan: plan, certificate: certificate, now: now)
        for format in formats {
            let file = try ReportFile("\(path)/report.\(format.rawValue)")
            try file.append(bytes(content, format))
            try file.finish()
        }
        try await writeLists(content, in: path, withIDs: withIDs)
        return path
    }

    private func writeLists(_ content: ReportContent, in path: String, withIDs: Bool) async throws {
        let (map, tags) = ("\(path)/id-map.csv", "\(path)/tags.csv")
        guard withIDs else {
            for path in [map, tags] { try LocalFileSystem().remove(path) }
            return
        }
        // The ids are gone after shredding; lists that were written before stay as they are.
        guard ![.unlinked, .residueChecked, .certified].contains(content.run.phase) else { return }
        let lists = RecordLists(manifest)
        let mapFile = try ReportFile(map)
        try await lists.writeIDMap(of: content.objects.map(\.stream.name), to: mapFile)
        try mapFile.finish()
        guard !content.tags.isEmpty else { return }
        let tagFile = try ReportFile(tags)
        try await lists.writeTags(content.tags, to: tagFile)
        try tagFile.finish()
    }

    private func bytes(_ content: ReportContent, _ format: Format) -> [UInt8] {
        switch format {
        case .html: Array(HTMLReport(content).page.utf8)
        case .json: JSONReport(content).document.serialized() + [UInt8(ascii: "\n")]
        case .csv: CSVReport(content).bytes
        case .md: Array(MarkdownReport(content).text.utf8)
        }
    }

    private func certificate() throws -> Certificate? {
        let files = CertificateFiles(folder)
        guard try LocalFileSystem().length(files.json) != nil else { return nil }
        return try files.verify()
    }
}
