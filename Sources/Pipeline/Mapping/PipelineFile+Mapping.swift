// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

/// The field rules of a pipeline file, out to a table and back.
extension PipelineFile {
    /// The rules of the file at `path`, which must be in order.
    package static func mappingTable(of path: String) throws(MigratezError) -> MappingTable {
        _ = try read(path: path, catalog: Connectors.catalog).get()
        return MappingTable(try MappingEditor(file: path, text: try text(of: path)).root())
    }

    /// What the file at `path` becomes with an edited table; writes nothing.
    ///
    /// - Parameter workplace: where both sides are asked whether the result fits to them; `nil` = they are not asked.
    /// - Throws: `badMapFile` for the table, `invalidPipeline` with all findings if the result would not be in order.
    package static func importing(
        _ tablePath: String, into path: String, checkingWith workplace: Workplace?
    ) async throws -> MappingImport {
        guard let bytes = try? contents(of: tablePath) else {
            throw MigratezError(
                .fileNotFound, "cannot read \(tablePath)", remedy: .fixConfiguration,
                hint: "write it with `migratez map export`")
        }
        let table = try MappingTable(csv: bytes, file: tablePath)
        _ = try read(path: path, catalog: Connectors.catalog).get()
        let imported = try MappingImport(table, from: tablePath, into: try text(of: path), of: path)
        guard !imported.changes.isEmpty else { return imported }
        let plan = try read(text: imported.text, file: path, folder: folder(of: path), catalog: Connectors.catalog)
            .get()
        guard let workplace else { return imported }
        let connection = try await PlanConnection.open(plan, path: path, in: workplace)
        let setup = try await RunSetup.discover(
            plan, source: connection.source, destination: connection.destination)
        guard !setup.diagnostics.hasErrors else {
            throw MigratezError(
                .invalidPipeline,
                "with the table the pipeline would not fit; nothing was changed\n"
                    + setup.diagnostics.map(\.description).joined(separator: "\n"), remedy: .fixConfiguration)
        }
        return imported
    }

    private static func text(of path: String) throws(MigratezError) -> String {
        guard let bytes = try? contents(of: path) else {
            throw MigratezError(.fileNotFound, "cannot read the pipeline file \(path)", remedy: .fixConfiguration)
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
