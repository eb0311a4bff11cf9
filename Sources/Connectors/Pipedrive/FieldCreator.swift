// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezTransport

/// Creates custom fields (`POST /api/v2/personFields`).
struct FieldCreator: Sendable {
    let connection: PipedriveConnection
    let catalog: PipedriveCatalog

    /// Creates the fields that the company does not have yet.
    ///
    /// - Throws: `permissionMissing` if the user may not; `invalidSetting` if a field for our key cannot hold it.
    func create(_ creations: [FieldCreation]) async throws {
        for (name, creations) in Dictionary(grouping: creations, by: \.object).sorted(by: { $0.key < $1.key }) {
            let object = try PipedriveObject(named: name)
            guard object.isKeyed else {
                throw MigratezError(
                    .notSupported, "Pipedrive's \(object.path) take no fields of one's own", remedy: .fixConfiguration,
                    hint: "map to a field that is there")
            }
            for creation in creations { try await create(creation.field, object) }
        }
    }

    private func create(_ field: FieldSchema, _ object: PipedriveObject) async throws {
        guard try await !isThere(field, object) else { return }
        let body = try Self.definition(field)
        do {
            // Names need not be unique, so a request that was lost is not sent again before a look at what is there.
            _ = try await connection.client.write(
                .post, connection.paths.fields(object), body, .write, isRepeatable: false)
            catalog.forget(object)
        } catch let error as MigratezError {
            catalog.forget(object)
            if error.leavesFateUnknown, try await isThere(field, object) { return }
            guard error.code == .permissionMissing else { throw error }
            throw MigratezError(
                .permissionMissing, "the user may not create fields of \(object.path)", remedy: .fixConfiguration,
                hint: "make it an administrator, or create a text field '\(field.name)' in Pipedrive", cause: error)
        }
    }

    /// - Throws: `invalidSetting` if a field of the name is there that cannot hold our key, or several are.
    private func isThere(_ field: FieldSchema, _ object: PipedriveObject) async throws -> Bool {
        catalog.forget(object)
        let list = try await catalog.fields(of: object)
        let namesakes = Set(list.fields.filter { $0.isCustom && $0.label == field.name }.map(\.code))
        guard namesakes.count <= 1 else {
            throw MigratezError(
                .invalidSetting, "\(object.path) have \(namesakes.count) fields that are called '\(field.name)'",
                remedy: .fixConfiguration, hint: "rename all but one of them in Pipedrive")
        }
        guard let known = list[field.name] else { return false }
        guard !field.isUnique || known.kind == .text else {
            throw MigratezError(
                .invalidSetting, "the field '\(field.name)' of \(object.path) is no text field",
                remedy: .fixConfiguration,
                hint: "name another one in target.load.external_id")
        }
        return true
    }

    /// The body that creates a field, by what the plan says of it.
    static func definition(_ field: FieldSchema) throws(MigratezError) -> JSONValue {
        let type: String? =
            switch field.kind {
            case .text, .email, .url: "varchar"
            case .longText: "text"
            case .phone: "phone"
            case .integer, .decimal: "double"
            case .date: "date"
            case .time: "time"
            case .choice: "enum"
            case .choices: "set"
            // There is no type for these: a time with its day is kept as a text.
            case .dateTime: "varchar"
            case .bool, .reference, .id, .binary, .other: nil
            }
        guard let type else {
            throw MigratezError(
                .notSupported, "the field \(field.name) cannot be created: its type is \(field.kind.rawValue)",
                remedy: .fixConfiguration)
        }
        var members: [JSONValue.Member] = [
            .init("field_name", .string(field.name)), .init("field_type", .string(type)),
        ]
        if type == "enum" || type == "set" {
            members.append(.init("options", .array(field.options.map { ["label": .string($0.label)] })))
        }
        return .object(members)
    }

    /// The field that holds our key, as a plan lists it. Pipedrive enforces no uniqueness; we write each key once.
    static func key(named name: String) -> FieldSchema {
        FieldSchema(
            name: name, label: "Migratez ID", kind: .text, isUnique: true,
            lengthMax: PipedriveLimits.textCharactersMax)
    }
}
