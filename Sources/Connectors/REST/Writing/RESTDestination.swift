// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezConnectorKit
import MigratezJSON
package import MigratezModel
package import MigratezTransport

/// A vendor as a destination, as a definition describes it: the objects that have a section `write`.
///
/// Each record carries our row key in a field of its own, by which it is looked up before it is written and after a
/// request was lost. Links are fields that refer to records.
package struct RESTDestination: Destination {
    package let name: String
    package let limiter: RateLimiter?
    /// Ids are asked for one by one by most services, values of fields by all.
    package let readBatchSize = 50

    private let definition: RESTDefinition
    private let source: RESTSource
    private let clock: any WallClock

    /// - Parameter http: the process's client; retries, authentication and the rate budget are put around it here.
    /// - Throws: `notSupported` if the definition says of no object how it is written; `invalidSetting`. Nothing is sent.
    package init(
        _ definition: RESTDefinition, settings: ConnectorSettings, http: any HTTPClient, clock: any WallClock
    ) throws(MigratezError) {
        guard definition.destinationCapabilities != nil else {
            throw MigratezError(
                .notSupported, "\(definition.label) is only read: its definition says of no object how it is written",
                remedy: .fixConfiguration, hint: "add 'write' to an object of a definition of your own")
        }
        self.definition = definition
        self.clock = clock
        source = try RESTSource(definition, settings: settings, http: http, clock: clock)
        name = definition.name
        limiter = source.limiter
    }

    private func plans(_ name: String) throws(MigratezError) -> (object: ObjectPlan, write: WritePlan) {
        if let object = StreamName(name).flatMap({ definition.object($0) }), let write = object.write {
            return (object, write)
        }
        let names = definition.objects.filter { $0.write != nil }.map(\.stream.text)
        throw MigratezError(
            .notSupported, "'\(name)' of \(definition.label) is not written", remedy: .fixConfiguration,
            hint: "there are: \(names.joined(separator: ", "))")
    }

    private func writer(_ name: String) throws(MigratezError) -> RowWriter {
        let (object, write) = try plans(name)
        return RowWriter(source: source, object: object, plan: write, clock: clock)
    }

    // MARK: Schema

    package func discover(_ objects: [String]) async throws -> [ObjectSchema] {
        var schemas: [ObjectSchema] = []
        for name in objects {
            let (object, write) = try plans(name)
            guard var schema = try await source.discover([object.stream]).first else { continue }
            schema.markWritable(write, of: object)
            if let key = schema.field(write.key), object.discovery?.isUnique != nil, !key.isUnique {
                throw MigratezError(
                    .invalidSetting, "the field \(write.key) of \(name) is there, and its values need not be unique",
                    remedy: .fixConfiguration, hint: "delete it in \(definition.label), or make it unique there")
            }
            schema.holdsKey = true
            schemas.append(schema)
        }
        return schemas
    }

    package func requirements(of object: ObjectSchema) -> [FieldCreation] {
        guard let write = try? plans(object.name).write, object.field(write.key) == nil else { return [] }
        let field = FieldSchema(name: write.key, label: "Migratez ID", kind: .text, isUnique: true)
        return [FieldCreation(object: object.name, field: field)]
    }

    /// Creating what is there already is refused and does nothing, so a lost call may be sent again.
    package func prepare(_ creations: [FieldCreation]) async throws {
        for creation in creations {
            let (object, write) = try plans(creation.object)
            func isThere() async throws -> Bool {
                try await source.discover([object.stream]).first?.field(creation.field.name) != nil
            }
            guard try await !isThere() else { continue }
            guard let request = write.keyCreation else {
                throw MigratezError(
                    .invalidSetting, "\(creation.object) has no field '\(write.key)' for our key",
                    remedy: .fixConfiguration,
                    hint: "create a text field of that name in \(definition.label) whose values are unique")
            }
            do {
                let values = try await source.values(object.lookups)
                _ = try await source.connection.client.write(request, values, isRepeatable: true)
            } catch let error as MigratezError where error.callRefused?.rejection != nil {
                guard try await isThere() else { throw error }
            }
        }
    }

    package func people() async throws -> [Person] { try await source.people() }

    // MARK: Writing

    package func route(for object: String, expectedRows: Int) -> WriteRoute {
        let write = StreamName(object).flatMap { definition.object($0)?.write }
        let rows = [write?.upsert, write?.create, write?.update].compactMap { $0?.batch?.rowsMax }.min()
        return WriteRoute(
            name: rows == nil ? RESTRoute.records : RESTRoute.batch,
            recordsMax: rows ?? RESTRoute.rowsMax, bytesMax: .MiB(8),
            concurrencyMax: source.connection.concurrencyMax ?? 4)
    }

    package func write(_ batch: Batch, by route: WriteRoute, intent: any WriteIntent) async throws -> [Receipt] {
        try await writer(batch.object).write(batch.rows)
    }

    package func resolve(_ batch: Batch, by route: WriteRoute, note: String?) async throws -> [Receipt] {
        let keys = batch.rows.filter { $0.targetID == nil }.map(\.key)
        return try await writer(batch.object).find(keys).map { Receipt(key: $0.key, result: .created(id: $0.value)) }
    }

    package func delete(object name: String, ids: [String]) async throws -> [Deletion] {
        let (object, write) = try plans(name)
        guard let request = write.delete else {
            throw MigratezError(
                .notSupported, "records of \(name) are not deleted: the definition does not say how",
                remedy: .fixConfiguration, hint: "add 'delete' to 'write' of the object")
        }
        let there = Set(try await read(object: name, ids: ids, fields: []).map(\.id))
        var values = try await source.values(object.lookups)
        var deletions: [Deletion] = []
        for id in ids {
            try Task.checkCancellation()
            guard there.contains(id) else {
                deletions.append(Deletion(id: id, result: .absent))
                continue
            }
            values["id"] = .string(id)
            do {
                _ = try await source.connection.client.write(request, values, isRepeatable: true)
                deletions.append(Deletion(id: id, result: .deleted))
            } catch let error as MigratezError {
                guard let refusal = error.callRefused, let code = refusal.rejection else { throw error }
                // It was there just now: a request whose answer was lost deleted it.
                let rejection = Rejection(
                    code, vendorCode: refusal.code ?? String(refusal.status), vendorText: refusal.text)
                deletions.append(Deletion(id: id, result: error.meansAbsent ? .deleted : .refused(rejection)))
            }
        }
        return deletions
    }

    package func finish() async throws {}

    // MARK: Reading

    package func read(object name: String, ids: [String], fields: [String]) async throws -> [ReadBack] {
        let (object, write) = try plans(name)
        let page = try await source.readRecords(of: object.stream, ids: ids, fields: fields + [write.key])
        return readBacks(page.records.map { page.bytes[$0] }, object, write, fields)
    }

    package func sample(object name: String, fields: [String], count: Int) async throws -> [ReadBack] {
        let (object, write) = try plans(name)
        var found: [ReadBack] = []
        var cursor: Cursor?
        repeat {
            let page = try await source.readPage(of: object.stream, fields: fields + [write.key], after: cursor)
            found += readBacks(page.records.map { page.bytes[$0] }, object, write, fields)
            cursor = page.next
        } while cursor != nil && found.count < count
        return Array(found.prefix(count))
    }

    /// One request for each tuple of values. What the service finds is held against them once more: services compare in
    /// ways of their own.
    package func match(
        object name: String, fields: [String], values: [[String]], returning: [String]
    ) async throws -> [ReadBack] {
        let (object, write) = try plans(name)
        let known = write.match?.fields ?? []
        guard let match = write.match, Set(fields).isSubset(of: known) else {
            throw MigratezError(
                .notSupported, "records of \(name) are not found by \(fields.joined(separator: ", "))",
                remedy: .fixConfiguration,
                hint: known.isEmpty
                    ? "take against_target out of the object"
                    : "name fields among \(known.sorted().joined(separator: ", ")) in against_target")
        }
        let base = try await source.values(object.lookups)
        let lift = FieldLift(object, fields: fields + returning + [write.key])
        var found: [String: ReadBack] = [:]
        for tuple in values where !tuple.contains("") {
            try Task.checkCancellation()
            var placeholders = base
            for (field, value) in zip(fields, tuple) { placeholders[field] = .string(value) }
            try await source.eachPage(match.list, placeholders, what: name) { page in
                for range in page.records {
                    var bytes: [UInt8] = []
                    page.answer.body.withUnsafeBufferPointer {
                        lift.append(UnsafeBufferPointer(rebasing: $0[range]), to: &bytes)
                    }
                    let record = bytes.withUnsafeBufferPointer { JSONValue(validated: $0) }
                    let isEqual = zip(fields, tuple).allSatisfy {
                        Self.folded(record[$0]?.text ?? "") == Self.folded($1)
                    }
                    guard isEqual, let back = readBack(record, object, write, returning), back.key == nil else {
                        continue
                    }
                    found[back.id] = back
                }
            }
        }
        return found.values.sorted { $0.id < $1.id }
    }

    private static func folded(_ text: String) -> String {
        let lower = text.lowercased()
        guard let first = lower.firstIndex(where: { $0 != " " }), let last = lower.lastIndex(where: { $0 != " " })
        else { return "" }
        return String(lower[first...last])
    }

    private func readBacks(
        _ records: [ArraySlice<UInt8>], _ object: ObjectPlan, _ write: WritePlan, _ fields: [String]
    ) -> [ReadBack] {
        records.compactMap { record in
            readBack(
                record.withUnsafeBufferPointer { JSONValue(validated: $0) }, object, write, fields)
        }
    }

    /// - Parameter record: with the values of its fields beside its members.
    private func readBack(
        _ record: JSONValue, _ object: ObjectPlan, _ write: WritePlan, _ fields: [String]
    ) -> ReadBack? {
        guard let id = record[object.idName]?.text else { return nil }
        let values = fields.map { JSONValue.Member($0, record[$0] ?? .null) }
        let key = record[write.key]?.text.flatMap { $0.isEmpty ? nil : $0 }
        return ReadBack(id: id, key: key, fields: JSONValue.object(values).serialized())
    }

    /// `nil`: services do not tell.
    package func count(object: String, keyPrefix: String) async throws -> Int? { nil }

    // MARK: The account and planning

    package func identity() async throws -> String { try await source.identity() }

    package func account(for objects: [String]) async throws -> AccountReport {
        try await source.account(for: objects.compactMap { StreamName($0) })
    }

    package func sideEffects(on objects: [String]) async throws -> [SideEffect] {
        [
            SideEffect(
                .unknown, "\(definition.label) is not asked which automations run for records that are written",
                advice: "turn off for the time of the load what must not run")
        ]
    }

    package func estimatedCalls(writing object: String, records: Int, matchRules: Int) -> [CallEstimate] {
        let route = route(for: object, expectedRows: records)
        guard let write = StreamName(object).flatMap({ definition.object($0)?.write }) else { return [] }
        func calls(_ size: Int) -> Int { (records + size - 1) / size }
        let rows = route.name == RESTRoute.batch ? route.recordsMax : 1
        var estimates = [
            CallEstimate("find \(object)", calls(write.find.keysMax), secondsEach: 0.1...0.5),
            CallEstimate("write \(object)", calls(rows), secondsEach: 0.1...0.6, atOnce: route.concurrencyMax),
        ]
        if matchRules > 0 { estimates.append(CallEstimate("match \(object)", records * matchRules)) }
        return estimates
    }
}

/// The names of the ways of writing, and what bounds the one that has no bound of its own.
enum RESTRoute {
    static let records = "records"
    static let batch = "batch"
    /// Rows of which each is a request.
    static let rowsMax = 50
}

extension RESTDefinition {
    /// Whether records of the object can be written.
    package func writes(_ stream: StreamName) -> Bool { object(stream)?.write != nil }

    /// The object as it is written, with the fields that every account has; `nil` = it is not.
    package func writtenSchema(of stream: StreamName) -> ObjectSchema? {
        guard let object = object(stream), let write = object.write, var schema = standardSchema(of: stream) else {
            return nil
        }
        schema.markWritable(write, of: object)
        return schema
    }

    /// What a destination with this definition can do; `nil` = no object can be written.
    package var destinationCapabilities: DestinationCapabilities? {
        let written = objects.filter { $0.write != nil }
        let plans = written.compactMap(\.write)
        guard let first = plans.first else { return nil }
        let rows = plans.flatMap { [$0.upsert, $0.create, $0.update] }.compactMap { $0?.batch?.rowsMax }.min()
        return DestinationCapabilities(
            routes: [rows == nil ? RESTRoute.records : RESTRoute.batch], upsertKey: first.key,
            links: "fields of records", createdDate: nil, undoes: plans.allSatisfy { $0.delete != nil },
            limits: ["only \(written.map(\.stream.text).joined(separator: ", "))"]
                + [rows.map { "\($0) rows a request" } ?? "a request for each record"]
                + (limits.budget.map { ["\($0), unless rate.requests says more"] } ?? []))
    }
}

extension ObjectSchema {
    /// Of its fields, those can be written that a record is made of or that go beside them.
    fileprivate mutating func markWritable(_ write: WritePlan, of object: ObjectPlan) {
        for place in fields.indices {
            let isWritable =
                write.namedFields.contains(fields[place].name) || write.takes(fields[place].name, of: object)
            fields[place].isCreateable = isWritable
            fields[place].isUpdateable = isWritable
        }
    }
}
