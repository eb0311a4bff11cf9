// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
package import MigratezModel
import MigratezYAML

/// Reads pipeline files, version 1.
///
/// Reading never asks anybody for a secret, so that a file can be checked where its secrets are not at hand.
package enum PipelineFile {
    /// What reading gave: a plan, unless there were errors; and every finding, in the order of the file.
    package struct Reading: Sendable {
        package var plan: PipelinePlan?
        package var diagnostics: [Diagnostic]

        /// The plan, or one error that carries all findings as its message.
        package func get() throws(MigratezError) -> PipelinePlan {
            if let plan { return plan }
            let lines = diagnostics.map(\.description).joined(separator: "\n")
            throw MigratezError(.invalidPipeline, lines, remedy: .fixConfiguration)
        }
    }

    /// Reads the file at `path`.
    ///
    /// - Throws: `fileNotFound` if it cannot be read at all.
    package static func read(path: String, catalog: ConnectorCatalog) throws(MigratezError) -> Reading {
        let text: String
        do {
            text = String(decoding: try contents(of: path), as: UTF8.self)
        } catch {
            throw MigratezError(
                .fileNotFound, "cannot read the pipeline file \(path)", remedy: .fixConfiguration,
                hint: "give the path of a pipeline file, as in: migratez lint pipeline.yaml")
        }
        return read(text: text, file: path, folder: folder(of: path), catalog: catalog)
    }

    /// Reads the text of a pipeline file.
    ///
    /// - Parameters:
    ///   - file: its name in messages.
    ///   - folder: the absolute folder that relative paths in it start from.
    package static func read(text: String, file: String, folder: String, catalog: ConnectorCatalog) -> Reading {
        var yaml = YAMLReader(file: file, text: text)
        let root = yaml.read()
        guard let root else { return Reading(plan: nil, diagnostics: yaml.diagnostics.inFileOrder) }
        var reader = PlanReader(file: file, folder: folder, text: text, catalog: catalog)
        reader.diagnostics = yaml.diagnostics
        let plan = reader.readPlan(root)
        let diagnostics = reader.diagnostics.inFileOrder
        return Reading(plan: diagnostics.hasErrors ? nil : plan, diagnostics: diagnostics)
    }

    /// The absolute folder that a file lies in.
    static func folder(of path: String) -> String {
        URL(filePath: path).standardizedFileURL.deletingLastPathComponent().path(percentEncoded: false)
    }

    /// At most 64 MiB of a file.
    static func contents(of path: String) throws -> [UInt8] {
        let handle = try FileHandle(forReadingFrom: URL(filePath: path))
        defer { try? handle.close() }
        return Array(try handle.read(upToCount: 64 << 20) ?? Data())
    }
}
