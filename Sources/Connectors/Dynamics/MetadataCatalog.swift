// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezTransport
import Synchronization

/// Definitions of tables, asked for once per run and table.
///
/// `$metadata` would tell all of it at once, in several megabytes of XML; the definitions of the tables at hand are a few
/// requests each.
final class MetadataCatalog: Sendable {
    private let api: DynamicsAPI
    private let keyColumn: String
    private let known = Mutex<[String: TableMetadata]>([:])
    private let setNames = Mutex<[String: String]>([:])
    private let uploadLimit = Mutex<ByteCount?>(nil)
    private let bulkMessages = Mutex<[String: Set<String>]>([:])

    init(api: DynamicsAPI, keyColumn: String) {
        self.api = api
        self.keyColumn = keyColumn
    }

    /// The definition of a table, from memory if it was asked for before.
    func table(_ name: String) async throws -> TableMetadata {
        if let table = known.withLock({ $0[name] }) { return table }
        return try await describe(name)
    }

    /// What is known of a table without asking.
    func known(_ name: String) -> TableMetadata? { known.withLock { $0[name] } }

    /// The name of a table in addresses, for a table whose columns do not matter.
    func setName(of name: String) async throws -> String {
        if let known = setNames.withLock({ $0[name] }) { return known }
        guard ODataText.isName(name) else { throw Self.unknown("of that name") }
        let answer = try await api.json(
            "EntityDefinitions(LogicalName='\(name)')", query: [("$select", "EntitySetName")],
            endpointClass: "metadata")
        guard let found = answer["EntitySetName"]?.text else { throw Self.unknown(name) }
        setNames.withLock { $0[name] = found }
        return found
    }

    /// The longest document that the environment takes; `nil` if it does not say (Microsoft Learn, "Organization table",
    /// `MaxUploadFileSize`, in bytes).
    func uploadBytesMax() async throws -> ByteCount? {
        if let known = uploadLimit.withLock({ $0 }) { return known }
        let answer = try await api.json(
            "organizations", query: [("$select", "maxuploadfilesize")], endpointClass: "metadata")
        let limit = answer["value"]?[0]?["maxuploadfilesize"]?.int.map { ByteCount($0) }
        uploadLimit.withLock { $0 = limit }
        return limit
    }

    /// Which of the messages that write many rows at once a table takes: `CreateMultiple`, `UpdateMultiple`. Not every table
    /// does, and the environment tells which (Microsoft Learn, "Use bulk operation messages", "Availability with standard
    /// tables": the filters of a message name its tables).
    func bulkMessages(of name: String) async throws -> Set<String> {
        if let known = bulkMessages.withLock({ $0[name] }) { return known }
        let answer = try await api.json(
            "sdkmessagefilters",
            query: [
                ("$select", "primaryobjecttypecode"), ("$expand", "sdkmessageid($select=name)"),
                (
                    "$filter",
                    "primaryobjecttypecode eq \(ODataText.literal(name)) and "
                        + "(sdkmessageid/name eq 'CreateMultiple' or sdkmessageid/name eq 'UpdateMultiple')"
                ),
            ], endpointClass: "metadata")
        guard case .array(let filters)? = answer["value"] else {
            throw MigratezError(
                .brokenResponse, "the messages of \(name) were answered without their list", remedy: .retry(after: nil))
        }
        let found = Set(filters.compactMap { $0["sdkmessageid"]?["name"]?.text })
        bulkMessages.withLock { $0[name] = found }
        return found
    }

    /// Asks for the definition of a table anew.
    ///
    /// - Throws: `requestRefused` if the environment shows no such table.
    func describe(_ name: String) async throws -> TableMetadata {
        guard ODataText.isName(name) else { throw Self.unknown("of that name") }
        let path = "EntityDefinitions(LogicalName='\(name)')"
        let definition: JSONValue
        do {
            definition = try await api.json(
                path,
                query: [
                    ("$select", Self.members.joined(separator: ",")), ("$expand", Self.parts.joined(separator: ",")),
                ], endpointClass: "metadata")
        } catch let error as MigratezError where error.refused?.status == 404 {
            throw Self.unknown(name)
        }
        let attributes = try await api.json("\(path)/Attributes", endpointClass: "metadata")["value"]?.elements ?? []
        guard !attributes.isEmpty, definition["EntitySetName"]?.text != nil else {
            throw MigratezError(
                .brokenResponse, "the definition of \(name) has no columns", remedy: .retry(after: nil))
        }
        var options: [String: [FieldSchema.Option]] = [:]
        for type in Self.typesWithOptions {
            options.merge(try await self.options(path, type)) { first, _ in first }
        }
        let table = TableMetadata(
            definition: definition, attributes: attributes, options: options, keyColumn: keyColumn)
        known.withLock { $0[name] = table }
        return table
    }

    private func options(_ path: String, _ type: String) async throws -> [String: [FieldSchema.Option]] {
        var query = [("$select", "LogicalName"), ("$expand", "OptionSet($select=Options)")]
        let isGlobal = type == "PicklistAttributeMetadata" || type == "MultiSelectPicklistAttributeMetadata"
        if isGlobal { query[1].1 += ",GlobalOptionSet($select=Options)" }
        let answer = try await api.json(
            "\(path)/Attributes/Microsoft.Dynamics.CRM.\(type)", query: query, endpointClass: "metadata")
        var options: [String: [FieldSchema.Option]] = [:]
        for attribute in answer["value"]?.elements ?? [] {
            guard let name = attribute["LogicalName"]?.text else { continue }
            let local = attribute["OptionSet"]?["Options"]?.elements ?? []
            let all = local.isEmpty ? attribute["GlobalOptionSet"]?["Options"]?.elements ?? [] : local
            options[name] = all.compactMap { option in
                guard let value = option["Value"]?.text else { return nil }
                return FieldSchema.Option(value: value, label: TableMetadata.text(option["Label"]) ?? value)
            }
        }
        return options
    }

    private static let members = [
        "LogicalName", "EntitySetName", "PrimaryIdAttribute", "DisplayName", "IsActivity", "IsConnectionsEnabled",
        "CanCreateAttributes", "Privileges",
    ]
    private static let parts = [
        "Keys($select=KeyAttributes,EntityKeyIndexStatus)",
        "ManyToOneRelationships($select=ReferencingAttribute,ReferencedEntity,ReferencingEntityNavigationPropertyName)",
    ]
    private static let typesWithOptions = [
        "PicklistAttributeMetadata", "MultiSelectPicklistAttributeMetadata", "StateAttributeMetadata",
        "StatusAttributeMetadata",
    ]

    private static func unknown(_ name: String) -> MigratezError {
        MigratezError(
            .requestRefused, "the environment shows no table \(name)", remedy: .fixConfiguration,
            hint: "tables go by their logical names, such as account; check that the application user may see it")
    }
}
