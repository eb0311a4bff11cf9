// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// Writes rows as a definition says, and finds out what became of each.
///
/// A row without an id is looked up by our key first: what is there is updated by its id, so that writing it again makes
/// nothing twice, and receipts tell what is new. What is not there is upserted by our key or, where the service knows no
/// such thing, created; a request that was lost is sent again only after another look.
struct RowWriter: Sendable {
    /// How often a request that was lost is sent again.
    private static let repeatsMax = 5

    let source: RESTSource
    let object: ObjectPlan
    let plan: WritePlan
    let clock: any WallClock

    private var client: RESTClient { source.connection.client }
    private var form: RecordForm { RecordForm(object: object, plan: plan) }

    /// A row on its way.
    private struct Outgoing {
        var row: Batch.Row
        var record: JSONValue
        /// The record that it changes; `nil` = a new one.
        var id: String?
    }

    func write(_ rows: [Batch.Row]) async throws -> [Receipt] {
        let settings = try await source.values(object.lookups)
        let known = try await find(rows.filter { $0.targetID == nil }.map(\.key))
        var receipts: [Receipt] = []
        var (new, changed): ([Outgoing], [Outgoing]) = ([], [])
        for row in rows {
            do throws(Rejection) {
                let record = try form.record(row, settings: settings)
                let outgoing = Outgoing(row: row, record: record, id: row.targetID ?? known[row.key])
                if outgoing.id == nil { new.append(outgoing) } else { changed.append(outgoing) }
            } catch {
                receipts.append(Receipt(key: row.key, result: .rejected(error)))
            }
        }
        receipts += try await send(changed, plan.update, settings)
        guard let call = plan.upsert ?? plan.create else { return receipts }
        return try await receipts + send(new, call, settings)
    }

    /// The ids of the records that have these keys.
    func find(_ keys: [String]) async throws -> [String: String] {
        var found: [String: String] = [:]
        var values = try await source.values(object.lookups)
        var rest = keys[...]
        while !rest.isEmpty {
            try Task.checkCancellation()
            let group = rest.prefix(plan.find.keysMax)
            rest = rest.dropFirst(group.count)
            values["key"] = .string(group.first ?? "")
            values["keys"] = .array(group.map { .string($0) })
            values["page_size"] = .number(String(plan.find.keysMax))
            let answer = try await client.send(plan.find.request, values, class: "find")
            let list = ListPlan(
                request: plan.find.request, paging: .none, list: plan.find.list, record: plan.find.record)
            let page = try ListPage(answer, list, what: object.stream.text)
            for range in page.records {
                let (id, key) = answer.body.withUnsafeBufferPointer { bytes in
                    object.idAndKey(UnsafeBufferPointer(rebasing: bytes[range]), plan.key)
                }
                if let id, let key, group.contains(key) { found[key] = id }
            }
        }
        return found
    }

    // MARK: Calls

    private func send(
        _ rows: [Outgoing], _ call: WritePlan.Call, _ settings: PlaceholderValues
    ) async throws -> [Receipt] {
        var receipts: [Receipt] = []
        var rest = rows[...]
        while !rest.isEmpty {
            try Task.checkCancellation()
            let group = rest.prefix(call.batch?.rowsMax ?? 1)
            rest = rest.dropFirst(group.count)
            receipts += try await bisect(group, call, settings)
        }
        return receipts
    }

    /// One call, or if it is refused as a whole because of something in a row, one for each half.
    private func bisect(
        _ rows: ArraySlice<Outgoing>, _ call: WritePlan.Call, _ settings: PlaceholderValues
    ) async throws -> [Receipt] {
        guard let first = rows.first else { return [] }
        do {
            return try await carryOut(rows, call, settings)
        } catch let error as MigratezError {
            guard let refusal = error.callRefused, let code = refusal.rejection else { throw error }
            guard rows.count > 1 else {
                let fields = refusal.fields.flatMap { form.fields(of: $0) }
                let rejection = Rejection(
                    code, fields: fields, vendorCode: refusal.code ?? String(refusal.status),
                    vendorText: refusal.text)
                return [Receipt(key: first.row.key, result: .rejected(rejection))]
            }
            let middle = rows.startIndex + (rows.count + 1) / 2
            return try await bisect(rows[..<middle], call, settings) + bisect(rows[middle...], call, settings)
        }
    }

    /// A call that was lost is sent again: an update and an upsert meet the same records, and what a creation made is
    /// looked up before.
    private func carryOut(
        _ rows: ArraySlice<Outgoing>, _ call: WritePlan.Call, _ settings: PlaceholderValues
    ) async throws -> [Receipt] {
        let isRepeatable = rows.allSatisfy { $0.id != nil } || plan.upsert != nil
        var open = rows
        var receipts: [Receipt] = []
        var repeats = 0
        while true {
            do {
                let answer = try await client.write(
                    call.request, values(open, call, settings), isRepeatable: false)
                return try receipts + self.receipts(answer, open, call)
            } catch let error as MigratezError where error.leavesFateUnknown {
                guard repeats < Self.repeatsMax else { throw error }
                repeats += 1
                let milliseconds = 500 << min(repeats - 1, 6)
                try await clock.sleep(for: .milliseconds(Int.random(in: milliseconds / 2...milliseconds)))
                guard !isRepeatable else { continue }
                let made = try await find(open.map(\.row.key))
                receipts += made.map { Receipt(key: $0.key, result: .created(id: $0.value)) }
                open = ArraySlice(open.filter { made[$0.row.key] == nil })
                if open.isEmpty { return receipts }
            }
        }
    }

    private func values(
        _ rows: ArraySlice<Outgoing>, _ call: WritePlan.Call, _ settings: PlaceholderValues
    ) -> PlaceholderValues {
        func own(_ row: Outgoing) -> PlaceholderValues {
            var values = settings
            values["record"] = row.record
            values["key"] = .string(row.row.key)
            values["id"] = row.id.map { .string($0) }
            return values
        }
        guard let batch = call.batch else { return rows.first.map(own) ?? settings }
        var values = settings
        values["rows"] = .array(rows.compactMap { batch.row.filled(own($0)) })
        return values
    }

    // MARK: Answers

    private func receipts(
        _ answer: RESTClient.Answer, _ rows: ArraySlice<Outgoing>, _ call: WritePlan.Call
    ) throws -> [Receipt] {
        guard let batch = call.batch else {
            guard let row = rows.first else { return [] }
            if let id = row.id { return [Receipt(key: row.row.key, result: .updated(id: id))] }
            let id = answer.find { bytes, root in
                call.id?.first(in: bytes, from: root).map { JSONText.string($0, of: bytes) }
            }
            guard let id, !id.isEmpty else {
                throw MigratezError(
                    .brokenResponse, "the answer to a new \(object.stream) holds no id", remedy: .retry(after: nil))
            }
            return [Receipt(key: row.row.key, result: .created(id: id))]
        }
        let rows = Array(rows)
        let results = batch.results(answer, keys: rows.map(\.row.key), source.definition.errors) { form.fields(of: $0) }
        return try rows.enumerated().map { number, row in
            switch results[number] {
            case .written(let id):
                return Receipt(
                    key: row.row.key, result: row.id.map { .updated(id: $0) } ?? .created(id: id))
            case .refused(let rejection): return Receipt(key: row.row.key, result: .rejected(rejection))
            case nil:
                throw MigratezError(
                    .brokenResponse, "a row of \(object.stream) got no answer", remedy: .retry(after: nil))
            }
        }
    }
}

extension ObjectPlan {
    /// A record's id, and our key if it has one.
    func idAndKey(_ record: UnsafeBufferPointer<UInt8>, _ keyField: String) -> (id: String?, key: String?) {
        guard let root = root(of: record) else { return (nil, nil) }
        let id = id.first(in: record, from: root).map { JSONText.string($0, of: record) }
        let places = paths(of: keyField) ?? RecordPaths(paths: [RecordPath(steps: [.member(keyField)])])
        let key = places.text(in: record, from: root)
        return (id, key?.isEmpty == true ? nil : key)
    }
}

extension RowBatchPlan {
    enum Result {
        case written(id: String)
        case refused(Rejection)
    }

    /// What an answer says of each row, by the row's number.
    ///
    /// - Parameter fields: the fields that a part of a record is made of.
    func results(
        _ answer: RESTClient.Answer, keys: [String], _ errors: RESTErrorTable, fields: (String) -> [String]
    ) -> [Int: Result] {
        let numbers = Dictionary(keys.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
        var found: [Int: Result] = [:]
        answer.body.withUnsafeBufferPointer { bytes in
            guard let root = root(of: bytes) else { return }
            func text(_ path: RecordPath?, _ element: JSONSlice) -> String? {
                path?.first(in: bytes, from: element).map { JSONText.string($0, of: bytes) }
            }
            for path in [results, failures].compactMap(\.self) {
                let elements = path.values(in: bytes, from: root)
                    .flatMap { $0.kind == .array ? $0.elements(in: bytes) : [$0] }
                for element in elements {
                    let number: Int? =
                        switch mark {
                        case .key(let path): text(path, element).flatMap { numbers[$0] }
                        case .number(let path): text(path, element).flatMap { Int($0) }
                        }
                    guard let number, keys.indices.contains(number) else { continue }
                    if let id = text(id, element), !id.isEmpty {
                        found[number] = .written(id: id)
                        continue
                    }
                    let code = text(self.code, element)
                    let meaning = code.flatMap { errors.meaning(of: $0)?.rejection }
                    let names = field?.values(in: bytes, from: element).map { JSONText.string($0, of: bytes) } ?? []
                    found[number] = .refused(
                        Rejection(
                            meaning ?? .ruleViolated, fields: names.flatMap(fields), vendorCode: code,
                            vendorText: text(self.text, element)))
                }
            }
        }
        return found
    }
}
