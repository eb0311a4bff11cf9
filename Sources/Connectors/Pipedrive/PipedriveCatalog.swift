// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import Synchronization

/// Objects, their fields, and people, as the company describes them. Fields are asked for once.
final class PipedriveCatalog: Sendable {
    private let client: PipedriveClient
    private let paths: PipedrivePaths
    private let known = Mutex<[PipedriveObject: FieldList]>([:])

    init(_ connection: PipedriveConnection) {
        client = connection.client
        paths = connection.paths
    }

    func fields(of object: PipedriveObject) async throws -> FieldList {
        if let list = known.withLock({ $0[object] }) { return list }
        let descriptions = object.isFormer ? [] : try await client.all(paths.fields(object), .list)
        let list = FieldList(object, descriptions, choices: try await choices(of: object))
        known.withLock { $0[object] = list }
        return list
    }

    /// Fields were made: they are asked for anew.
    func forget(_ object: PipedriveObject) { known.withLock { $0[object] = nil } }

    func schema(of object: PipedriveObject) async throws -> ObjectSchema {
        ObjectSchema(
            name: object.rawValue, label: object.label, fields: try await fields(of: object).fields.map(\.schema),
            content: object == .file
                ? ContentSchema(
                    field: FileTransfer.content, sizeField: FileTransfer.size, versionFields: [FileTransfer.size]) : nil
        )
    }

    /// Everybody whom the company knows, those who have left too; the list has no pages.
    func people() async throws -> [Person] {
        try await client.data(paths.users, [], .formerList).elements.compactMap { user in
            guard let id = user["id"]?.text else { return nil }
            return Person(id: id, email: user["email"]?.text, isActive: user["active_flag"]?.bool == true)
        }
    }

    /// Values of standard fields that the list of fields does not tell.
    private func choices(of object: PipedriveObject) async throws -> [String: [FieldSchema.Option]] {
        switch object {
        case .deal:
            let pipelines = try await client.all(paths.pipelines, .pipelines)
            let names = Dictionary(
                pipelines.compactMap { entry in entry["id"]?.text.map { ($0, entry["name"]?.text ?? $0) } },
                uniquingKeysWith: { first, _ in first })
            let stages = try await client.all(paths.stages, .pipelines).compactMap { stage -> FieldSchema.Option? in
                guard var option = Self.option(stage) else { return nil }
                // Where there are several pipelines, the label says which one.
                if names.count > 1, let name = stage["pipeline_id"]?.text.flatMap({ names[$0] }) {
                    option.label += " (\(name))"
                }
                return option
            }
            return [
                "pipeline_id": pipelines.compactMap(Self.option), "stage_id": stages,
                "status": ["open", "won", "lost"].map { FieldSchema.Option(value: $0, label: $0) },
            ]
        case .activity:
            let types = try await client.data(paths.activityTypes, [], .formerList).elements
            return [
                "type": types.compactMap { type in
                    guard let key = type["key_string"]?.text else { return nil }
                    return FieldSchema.Option(
                        value: key, label: type["name"]?.text ?? key, isActive: type["active_flag"]?.bool != false)
                }
            ]
        case .person, .organization, .note, .file, .product: return [:]
        }
    }

    private static func option(_ entry: JSONValue) -> FieldSchema.Option? {
        guard let id = entry["id"]?.text else { return nil }
        return FieldSchema.Option(
            value: id, label: entry["name"]?.text ?? id, isActive: entry["is_deleted"]?.bool != true)
    }
}
