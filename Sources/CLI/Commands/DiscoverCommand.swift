// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import ArgumentParser
import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezPipeline

/// `migratez discover FILE source|target [OBJECT]`
struct DiscoverCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "discover", abstract: "Lists the fields that one side has; reads records only with --sample.",
        discussion: """
            EXAMPLE
              migratez discover pipelines/hubspot-to-salesforce.yaml source contact --sample 500
            """)

    @OptionGroup var common: CommonOptions
    @Argument(help: "The pipeline file.", completion: .pipelineFile) var file: String
    @Argument(help: "source or target.") var side: PipelineSide
    @Argument(help: "The object; without it, all that the pipeline speaks of.") var object: String?
    @Option(help: "Look at so many records: how many have a value in each field, how many different ones.")
    var sample: Int?
    @Flag(help: "With --sample: also the most frequent values. This shows personal data.") var values = false

    func validate() throws {
        if let sample, sample < 1 { throw ValidationError("--sample must be at least 1") }
        if values, sample == nil { throw ValidationError("--values needs --sample") }
    }

    func run() async throws {
        let workplace = try common.workplace()
        let console = Console()
        let connection = try await PlanConnection.open(file, in: workplace)
        let schemas = try await connection.schemas(of: side, object: object)
        let names = connection.names(of: side, object: object, schemas)
        var document = Document("discovery")
        for (name, schema) in zip(names, schemas) {
            var schema = schema
            var found: ObjectSample?
            if let sample {
                let look = try await connection.sample(name, of: side, schema, count: sample, keepsValues: values)
                schema.fields += look.otherFields.map { FieldSchema(name: $0, label: $0, kind: .other) }
                found = look
            }
            let records = found.map { ", \($0.records.grouped) records looked at" } ?? ""
            document.remark("\(name)  \(schema.label), \(schema.fields.count.grouped) fields\(records)")
            document.add(Self.table(name, schema, found, showsValues: values))
            if schema.isOpen { document.remark("takes any other field, too") }
        }
        if object == nil { try await Self.remark(on: connection, side, names, in: &document) }
        console.show(document)
    }

    /// What the account has besides, of its own making.
    private static func remark(
        on connection: PlanConnection, _ side: PipelineSide, _ names: [String], in document: inout Document
    ) async throws {
        do {
            let others = try await connection.ownObjects(of: side).filter { own in
                !names.contains { own.isCalled($0) }
            }
            guard !others.isEmpty else { return }
            var table = Table("other_objects", [.left("OBJECT"), .left("LABEL")])
            for other in others { table.add([.text(other.name), .text(other.label)]) }
            document.remark("not in the pipeline, and of the account's own making:")
            document.add(table)
        } catch let error as MigratezError where error.code == .permissionMissing {
            document.remark("whether the account has objects of its own making cannot be seen: \(error.message)")
        }
    }

    private static func table(
        _ name: String, _ schema: ObjectSchema, _ sample: ObjectSample?, showsValues: Bool
    ) -> Table {
        var columns: [Table.Column] = [.left("FIELD"), .left("LABEL"), .left("TYPE"), .left("NOTES")]
        if sample != nil { columns += [.right("FILLED"), .right("DISTINCT")] }
        if showsValues { columns.append(.left("MOST FREQUENT")) }
        var table = Table(name, columns)
        for field in schema.fields {
            var row: [Cell] = [
                .text(field.name), .text(field.label), .text(field.kind.rawValue), .text(notes(field)),
            ]
            if let sample {
                let profile = sample.fields[field.name] ?? ObjectSample.Field()
                let percent = sample.records > 0 ? profile.filled * 100 / sample.records : 0
                row += [Cell(.number(String(profile.filled)), text: "\(percent) %"), .number(profile.distinct)]
                if showsValues { row.append(.list(profile.values.map { "\($0.text) (\($0.count))" })) }
            }
            table.add(row)
        }
        return table
    }

    private static func notes(_ field: FieldSchema) -> String {
        var notes: [String] = []
        if field.isRequired { notes.append("required") }
        if field.isUnique { notes.append("unique") }
        if !field.isCreateable { notes.append("read-only") }
        if let length = field.lengthMax { notes.append("max \(length.grouped)") }
        if !field.refersTo.isEmpty { notes.append("→ \(field.refersTo.joined(separator: ", "))") }
        let options = field.options.filter(\.isActive)
        if !options.isEmpty {
            let shown = options.prefix(4).map { $0.label == $0.value ? $0.value : "\($0.value) (\($0.label))" }
            let more = options.count > 4 ? ", … \(options.count) in all" : ""
            notes.append("\(field.isRestricted ? "one of" : "for example") \(shown.joined(separator: ", "))\(more)")
        }
        return notes.joined(separator: "; ")
    }
}
