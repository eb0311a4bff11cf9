// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezTransport

/// Creates columns, and the alternate key of the one that holds our key.
///
/// Source: Microsoft Learn, "Create and update column definitions using the Web API" and "Work with alternate keys". The
/// index of a key is built by a job of the environment's, which is waited for.
struct ColumnCreator: Sendable {
    let api: DynamicsAPI
    let catalog: MetadataCatalog
    let keyColumn: String
    let clock: any WallClock

    /// How often the state of an index is asked for, and how long apart: ten minutes in all.
    private static let polls = 120
    private static let pollInterval: Duration = .seconds(5)

    /// Creates the columns that the environment does not show yet.
    ///
    /// - Throws: `permissionMissing` if a column may not be created; `timedOut` if the index of a key is not ready.
    func create(_ creations: [FieldCreation]) async throws {
        for object in Set(creations.map(\.object)).sorted() {
            var table = try await catalog.describe(object)
            let missing = creations.filter { $0.object == object && table.column($0.field.name) == nil }
            for creation in missing { try await create(creation) }
            if !missing.isEmpty { table = try await catalog.describe(object) }
            let wantsKey = creations.contains { $0.object == object && $0.field.name == keyColumn }
            if wantsKey, !table.hasActiveKey { try await createKey(of: object) }
        }
    }

    private func create(_ creation: FieldCreation) async throws {
        try await define(
            "EntityDefinitions(LogicalName='\(creation.object)')/Attributes", try Self.definition(creation.field),
            "\(creation.object).\(creation.field.name)")
    }

    private func createKey(of object: String) async throws {
        let path = "EntityDefinitions(LogicalName='\(object)')/Keys"
        // Names of keys are the environment's, not the table's.
        let name = "\(keyColumn)_\(object)"
        let keys = try await self.keys(path)
        if !keys.contains(where: { $0.isOurs }) {
            try await define(
                path,
                [
                    "SchemaName": .string(name), "DisplayName": Self.label("Migratez Id"),
                    "KeyAttributes": [.string(keyColumn)],
                ], "the alternate key of \(object).\(keyColumn)")
        }
        for _ in 0..<Self.polls {
            let key = try await self.keys(path).first { $0.isOurs }
            switch key?.status {
            case "Active":
                _ = try await catalog.describe(object)
                return
            case "Failed":
                throw MigratezError(
                    .duplicate, "the index of the alternate key of \(object).\(keyColumn) could not be built",
                    remedy: .fixConfiguration,
                    hint: "two records may have the same value in it: look under Keys of the table, then resume")
            default: try await clock.sleep(for: Self.pollInterval)
            }
        }
        throw MigratezError(
            .timedOut, "the index of the alternate key of \(object).\(keyColumn) is not ready",
            remedy: .retry(after: nil), hint: "resume when the environment has built it")
    }

    private func keys(_ path: String) async throws -> [(isOurs: Bool, status: String?)] {
        let answer = try await api.json(
            path, query: [("$select", "KeyAttributes,EntityKeyIndexStatus")], endpointClass: "metadata")
        return (answer["value"]?.elements ?? []).map { key in
            (key["KeyAttributes"]?.elements.compactMap(\.text) == [keyColumn], key["EntityKeyIndexStatus"]?.text)
        }
    }

    /// Defining the same thing twice gives an error that says so: a second try after a lost answer is safe.
    private func define(_ path: String, _ definition: JSONValue, _ what: String) async throws {
        do {
            _ = try await api.post(path, definition, endpointClass: "metadata", isIdempotent: true)
        } catch let error as MigratezError {
            guard let refused = error.refused else { throw error }
            if refused.vendorCode == "0x80047013" || refused.text.contains("already exists") { return }
            guard refused.status == 403 || error.code == .permissionMissing else { throw error }
            throw MigratezError(
                .permissionMissing, "the application user may not create \(what)", remedy: .fixConfiguration,
                hint: "give it the role System Customizer, or create it by hand as the connector's documentation shows",
                cause: error)
        }
    }

    /// The column that holds our key, as a plan lists it.
    static func key(named name: String) -> FieldSchema {
        FieldSchema(name: name, label: "Migratez Id", kind: .text, isUnique: true, lengthMax: 255)
    }

    /// The definition of a column, by what the plan says of it.
    static func definition(_ field: FieldSchema) throws(MigratezError) -> JSONValue {
        var members: [JSONValue.Member] = []
        func add(_ key: String, _ value: JSONValue) { members.append(.init(key, value)) }
        func type(_ name: String) { add("@odata.type", .string("Microsoft.Dynamics.CRM.\(name)AttributeMetadata")) }
        func text(_ format: String, _ max: Int) {
            type("String")
            add("FormatName", ["Value": .string(format)])
            add("MaxLength", .number(String(min(field.lengthMax ?? max, 4_000))))
        }
        switch field.kind {
        case .text: text("Text", 255)
        case .email: text("Email", 255)
        case .phone: text("Phone", 100)
        case .url: text("Url", 1_000)
        case .longText:
            type("Memo")
            add("MaxLength", .number(String(min(field.lengthMax ?? 100_000, 1_048_576))))
        case .bool:
            type("Boolean")
            add(
                "OptionSet",
                ["TrueOption": option(1, "Yes"), "FalseOption": option(0, "No")])
        case .integer: type("Integer")
        case .decimal:
            type("Decimal")
            add("Precision", 4)
        case .date, .dateTime:
            type("DateTime")
            add("Format", field.kind == .date ? "DateOnly" : "DateAndTime")
        case .choice, .choices:
            type(field.kind == .choice ? "Picklist" : "MultiSelectPicklist")
            add(
                "OptionSet",
                [
                    "IsGlobal": false, "OptionSetType": "Picklist",
                    "Options": .array(
                        try field.options.map { value throws(MigratezError) in
                            guard let number = Int(value.value) else { throw unfit(field, "a choice is a number") }
                            return option(number, value.label)
                        }),
                ])
        case .time, .reference, .id, .binary, .other: throw unfit(field, "its type is \(field.kind.rawValue)")
        }
        add("SchemaName", .string(field.name))
        add("DisplayName", label(field.label.isEmpty ? field.name : field.label))
        add("RequiredLevel", ["Value": "None"])
        return .object(members)
    }

    private static func option(_ value: Int, _ text: String) -> JSONValue {
        ["Value": .number(String(value)), "Label": label(text)]
    }

    /// A text in English, the base language of most environments.
    private static func label(_ text: String) -> JSONValue {
        ["LocalizedLabels": [["Label": .string(text), "LanguageCode": 1033]]]
    }

    private static func unfit(_ field: FieldSchema, _ reason: String) -> MigratezError {
        MigratezError(
            .notSupported, "the column \(field.name) cannot be created: \(reason)", remedy: .fixConfiguration,
            hint: "create it by hand")
    }
}
