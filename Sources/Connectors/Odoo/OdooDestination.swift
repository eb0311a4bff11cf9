// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezConnectorKit
import MigratezJSON
package import MigratezModel
package import MigratezTransport

/// Odoo as a destination.
///
/// Every record carries our row key as an external id (`migratez.hubspot-contact-512`), by which `load` creates or updates
/// it; so writing it again meets the same record, and no field has to be made for it. Objects are named as on the source
/// side.
package final class OdooDestination: Destination {
    package let name = "odoo"
    /// What a pipeline may set below `target:`.
    package static let settings: [SettingSpec] =
        OdooAccess.specs + [
            SettingSpec(
                "load.external_id", .text,
                "the module's name in the external ids that we give; default \(defaultModule)")
        ]
    package static let capabilities = DestinationCapabilities(
        routes: ["load"], upsertKey: "external_id",
        links: "relations, and the one document that a note, an activity or a file hangs on", movesFiles: true,
        createdDate: "notes and e-mails only (date)", undoes: true,
        limits: [
            "\(OdooLimits.loadRowsMax) rows a request", "a file a request, \(OdooLimits.contentBytesMax) at most",
            "none of the vendor's on requests",
        ])

    package let limiter: RateLimiter?
    package let readBatchSize = OdooLimits.lookupMax

    private static let defaultModule = "migratez"
    private let connection: OdooConnection
    private let keys: ExternalIDs
    private let account: OdooAccount

    /// - Parameter http: the process's client; retries, the key and the rate budget are put around it here.
    /// - Throws: `invalidSetting`; nothing is sent.
    package init(settings: ConnectorSettings, http: any HTTPClient, clock: any WallClock) throws(MigratezError) {
        let module = settings["load.external_id"] ?? Self.defaultModule
        let isName = module.utf8.allSatisfy {
            (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "_")
        }
        guard isName, !module.isEmpty else {
            throw MigratezError(
                .invalidSetting, "load.external_id is not the name of a module", remedy: .fixConfiguration,
                hint: "names of modules are of a-z, 0-9 and _")
        }
        connection = try OdooConnection(settings, http: http, clock: clock)
        limiter = connection.limiter
        keys = ExternalIDs(client: connection.client, catalog: connection.catalog, module: module)
        account = OdooAccount(connection)
    }

    // MARK: Schema

    package func discover(_ objects: [String]) async throws -> [ObjectSchema] {
        var schemas: [ObjectSchema] = []
        for name in objects {
            var schema = try await connection.catalog.schema(of: try Self.object(name), asksForDefaults: true)
            schema.holdsKey = true
            schemas.append(schema)
        }
        return schemas
    }

    /// Nothing: external ids are a table of their own.
    package func requirements(of object: ObjectSchema) -> [FieldCreation] { [] }

    package func prepare(_ creations: [FieldCreation]) async throws {
        guard let creation = creations.first else { return }
        throw MigratezError(
            .notSupported, "the field \(creation.field.name) of \(creation.object) cannot be created in Odoo",
            remedy: .fixConfiguration, hint: "add it in Studio, or under Settings, Technical, Fields")
    }

    package func people() async throws -> [Person] { try await connection.catalog.people() }

    // MARK: Writing

    package func route(for object: String, expectedRows: Int) -> WriteRoute {
        let isFile = OdooObject(object).contentField != nil
        return WriteRoute(
            name: "load", recordsMax: isFile ? 1 : OdooLimits.loadRowsMax, bytesMax: .MiB(8),
            concurrencyMax: connection.concurrencyMax ?? 2)
    }

    package func write(_ batch: Batch, by route: WriteRoute, intent: any WriteIntent) async throws -> [Receipt] {
        try await loader.write(batch.rows, object: try Self.object(batch.object))
    }

    package func resolve(_ batch: Batch, by route: WriteRoute, note: String?) async throws -> [Receipt] {
        try await loader.resolve(batch.rows, object: try Self.object(batch.object))
    }

    package func delete(object: String, ids: [String]) async throws -> [Deletion] {
        try await RecordDeletion(client: connection.client, catalog: connection.catalog)
            .delete(try Self.object(object), ids: ids)
    }

    package func finish() async throws {}

    private var loader: RowLoader {
        RowLoader(client: connection.client, catalog: connection.catalog, keys: keys)
    }

    // MARK: Reading

    package func read(object: String, ids: [String], fields: [String]) async throws -> [ReadBack] {
        try await reading.read(try Self.object(object), ids: ids, fields: fields)
    }

    package func match(
        object: String, fields: [String], values: [[String]], returning: [String]
    ) async throws -> [ReadBack] {
        try await RecordMatching(client: connection.client, catalog: connection.catalog, keys: keys)
            .find(try Self.object(object), fields: fields, values: values, returning: returning)
    }

    package func sample(object name: String, fields: [String], count: Int) async throws -> [ReadBack] {
        let object = try Self.object(name)
        return try await reading.read(object, ids: try await reading.someIDs(of: object, count: count), fields: fields)
    }

    package func readContent(object: String, id: String, piece: ([UInt8]) async throws -> Void) async throws {
        try await AttachmentReader(client: connection.client).read(try Self.object(object), id: id, piece: piece)
    }

    private var reading: RecordReading {
        RecordReading(client: connection.client, catalog: connection.catalog, keys: keys)
    }

    package func lastChanges(object name: String, ids: [String]) async throws -> [String: LastChange] {
        let us = try await connection.catalog.userID()
        let records = try await connection.catalog.records(
            of: try Self.object(name).model, ids: ids, fields: ["write_date", "write_uid"])
        var changes: [String: LastChange] = [:]
        for record in records {
            guard let id = record["id"]?.text, let time = record["write_date"]?.text.flatMap(InstantText.moment) else {
                continue
            }
            changes[id] = LastChange(at: time, isOurs: record["write_uid"]?[0]?.text == us)
        }
        return changes
    }

    /// Among the records of objects that have names of their own; what others refer to the server itself keeps.
    package func referrers(object name: String, ids: [String]) async throws -> [String: String] {
        let object = try Self.object(name)
        let wanted = ids.filter { Int64($0) != nil }
        var found: [String: String] = [:]
        for other in OdooObject.linked {
            for field in other.links where field.leads(to: object) {
                let rest = wanted.filter { found[$0] == nil }
                guard !rest.isEmpty else { return found }
                for id in try await referred(rest, by: field, of: other, to: object) { found[id] = other.name }
            }
        }
        return found
    }

    /// Those of the records that a field of another object refers to.
    private func referred(
        _ ids: [String], by field: LinkField, of other: OdooObject, to object: OdooObject
    ) async throws -> Set<String> {
        let name: String
        var domain = other.domain
        switch field {
        case .field(let field, _), .list(let field, _): name = field
        case .document(let model, _):
            name = LinkField.documentField
            domain.append([.string(model), "=", .string(object.model)])
        }
        var found: Set<String> = []
        var rest = ids[...]
        while !rest.isEmpty {
            let group = rest.prefix(OdooLimits.lookupMax)
            rest = rest.dropFirst(group.count)
            let records: [JSONValue]
            do {
                records = try await connection.catalog.records(
                    of: other.model, domain + [[.string(name), "in", .array(group.map { .number($0) })]],
                    fields: [name])
            } catch let error as MigratezError where error.code == .requestRefused || error.code == .permissionMissing {
                // Objects of applications that are not installed, or that the user may not see, hold no links of ours.
                return found
            }
            for record in records {
                switch record[name] {
                case .number(let id)?: found.insert(id)
                case .array(let parts)?:
                    if case .list = field {
                        found.formUnion(parts.compactMap(\.text).filter(group.contains))
                    } else if let id = parts.first?.text {
                        found.insert(id)
                    }
                default: continue
                }
            }
        }
        return found
    }

    package func count(object name: String, keyPrefix: String) async throws -> Int? {
        try await keys.count(keyPrefix: keyPrefix, model: try Self.object(name).model)
    }

    // MARK: The account and planning

    package func account(for objects: [String]) async throws -> AccountReport {
        try await account.report(needing: "create", on: try objects.map { try Self.object($0) })
    }

    package func identity() async throws -> String { try await account.identity() }

    package func recordAddress(of object: String, id: String) async throws -> String? {
        account.recordAddress(of: try Self.object(object), id: id)
    }

    /// Automation rules are there with an application of their own.
    package func sideEffects(on objects: [String]) async throws -> [SideEffect] {
        var effects: [SideEffect] = []
        for object in try objects.map({ try Self.object($0) }) {
            do {
                let rules = try await connection.catalog.records(
                    of: "base.automation", [["model_name", "=", .string(object.model)], ["active", "=", true]],
                    fields: ["name"])
                effects += rules.map { rule in
                    SideEffect(
                        .automation, object: object.name,
                        "the automation rule '\(rule["name"]?.text ?? "without a name")' runs",
                        advice: "archive it under Settings, Technical, Automation Rules for the time of the load")
                }
            } catch let error as MigratezError where error.code == .requestRefused {
                return []
            } catch let error as MigratezError where error.code == .permissionMissing {
                return [
                    SideEffect(
                        .unknown, "automation rules may run, and the user may not see them",
                        advice: "look at Settings, Technical, Automation Rules")
                ]
            }
        }
        return effects
    }

    package func estimatedCalls(writing object: String, records: Int, matchRules: Int) -> [CallEstimate] {
        let rows = OdooObject(object).contentField == nil ? OdooLimits.loadRowsMax : 1
        let calls = (records + rows - 1) / rows
        var estimates = [
            CallEstimate("load \(object)", calls, secondsEach: 1...4, atOnce: connection.concurrencyMax ?? 2),
            CallEstimate("look-up \(object)", calls * 2, secondsEach: 0.02...0.2),
        ]
        if matchRules > 0 {
            estimates.append(
                CallEstimate(
                    "match \(object)",
                    matchRules * ((records + RecordMatching.tuplesMax - 1) / RecordMatching.tuplesMax + 1)))
        }
        return estimates
    }

    /// Names come from the pipeline file, and stand in addresses.
    private static func object(_ name: String) throws(MigratezError) -> OdooObject {
        let object = OdooObject(name)
        let isModel = object.model.utf8.allSatisfy {
            (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "_")
                || $0 == UInt8(ascii: ".")
        }
        guard isModel, !object.model.isEmpty else {
            throw MigratezError(
                .invalidSetting, "'\(name)' is not the name of an object of Odoo's", remedy: .fixConfiguration)
        }
        return object
    }
}
