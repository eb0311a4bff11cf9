// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezConnectorKit
import MigratezJSON
package import MigratezModel
package import MigratezTransport
import Synchronization

/// A vendor as a source, as a definition describes it.
///
/// The definition is compiled into plans once. A page is the service's own answer, cut at the records' borders; only where
/// a field lies deeper than the record's own members, its bytes are copied beside them.
package struct RESTSource: Source {
    package let name: String
    let definition: RESTDefinition
    let connection: RESTConnection
    let lookups: Lookups
    package let limiter: RateLimiter?
    private let pageSize: Int?
    private let loops = CursorLoopGuard()

    /// - Parameter http: the process's client; retries, authentication and the rate budget are put around it here.
    /// - Throws: `invalidSetting`; nothing is sent.
    package init(
        _ definition: RESTDefinition, settings: ConnectorSettings, http: any HTTPClient, clock: any WallClock
    ) throws(MigratezError) {
        self.definition = definition
        name = definition.name
        connection = try RESTConnection(definition, settings, http: http, clock: clock)
        limiter = connection.limiter
        lookups = Lookups(connection.client)
        guard let text = settings["page_size"] else {
            pageSize = nil
            return
        }
        guard let size = Int(text), size > 0 else {
            throw MigratezError(.invalidSetting, "page_size is not a number of records", remedy: .fixConfiguration)
        }
        pageSize = size
    }

    package func layout(of object: StreamName) -> RecordLayout {
        let plan = definition.object(object)
        return RecordLayout(id: plan?.idName ?? "id", modified: plan?.modified)
    }

    func plan(_ object: StreamName) throws(MigratezError) -> ObjectPlan {
        if let plan = definition.object(object) { return plan }
        throw MigratezError(
            .notSupported, "the definition of \(definition.label) has no object '\(object)'", remedy: .fixConfiguration,
            hint: "there are: \(definition.objects.map(\.stream.text).joined(separator: ", "))")
    }

    /// Records of a page, no more than the vendor takes.
    func pageRecords(_ paging: Paging) -> Int { min(pageSize ?? paging.pageRecordsMax, paging.pageRecordsMax) }

    /// What placeholders stand for in every request of an object.
    func values(_ lookups: [LookupPlan]) async throws -> PlaceholderValues {
        var values = connection.values.mapValues { JSONValue.string($0) }
        for lookup in lookups { values[lookup.name] = try await self.lookups.value(lookup, values) }
        return values
    }

    // MARK: Pages

    package func readPage(of object: StreamName, fields: [String], after cursor: Cursor?) async throws -> Page {
        let plan = try plan(object)
        let place = try PageCursor(cursor)
        guard plan.lists.indices.contains(place.list) else {
            throw MigratezError(.internalError, "this is not a place in a list of \(object)")
        }
        let list = plan.lists[place.list]
        let answer = try await page(
            list, position: place.position, after: place.after, try await values(plan.lookups), what: object.text)
        var page = Page(bytes: [], records: [], next: nil, malformed: answer.malformed)
        page.next = try fill(&page, answer, plan, list, at: place, FieldLift(plan, fields: fields))
        if let next = page.next, loops.isLoop(object, from: cursor, to: next) {
            throw MigratezError(
                .cursorLoop, "\(definition.label)'s list of \(object) leads back to a page that was read already",
                remedy: .retry(after: nil))
        }
        return page
    }

    /// One page of a list.
    func page(
        _ list: ListPlan, position: String?, after: String?, _ known: PlaceholderValues, what: String
    ) async throws -> ListPage {
        var values = known
        values["page_size"] = .number(String(pageRecords(list.paging)))
        switch list.paging.kind {
        case .page(let first): values["page"] = .number(position ?? String(first))
        case .offset: values["offset"] = .number(position ?? "0")
        case .cursor: if let position { values["cursor"] = .string(position) }
        case .nextLink, .linkHeader:
            if let position {
                let request = try connection.client.request(following: position, class: "list")
                return try ListPage(try await connection.client.send(request), list, what: what)
            }
        case .none, .keyset: break
        }
        if let window = list.paging.window {
            values["after"] = try after.map { try JSONValue(parsing: Array($0.utf8)) } ?? window.start
        }
        return try ListPage(
            try await connection.client.send(list.request, values, class: "list"), list, what: what)
    }

    /// Puts the records of an answer into a page; what comes out is where the next page begins.
    private func fill(
        _ page: inout Page, _ answer: ListPage, _ plan: ObjectPlan, _ list: ListPlan, at place: PageCursor,
        _ lift: FieldLift
    ) throws(MigratezError) -> Cursor? {
        var walk = list.paging.window.map { WindowWalk($0, plan, at: place) }
        let body = answer.answer.body
        if walk == nil, lift.isEmpty {
            page.bytes = body
            page.records = answer.records
        } else {
            page.bytes.reserveCapacity(body.count)
            for range in answer.records {
                let kept = try body.withUnsafeBufferPointer { bytes throws(MigratezError) in
                    try walk?.take(UnsafeBufferPointer(rebasing: bytes[range])) ?? true
                }
                if kept { body.withUnsafeBufferPointer { page.append($0[range], lift) } }
            }
        }
        let following = try answer.next(after: place.position, pageRecords: pageRecords(list.paging))
        guard let position = following.map(connection.client.withoutSecret) else {
            guard place.list + 1 < plan.lists.count else { return nil }
            var next = PageCursor()
            next.list = place.list + 1
            return next.cursor
        }
        guard let walk else {
            var next = place
            next.position = position
            return next.cursor
        }
        let isKeyset = if case .keyset = list.paging.kind { true } else { false }
        return try walk.next(elements: answer.elementCount, position: position, isKeyset: isKeyset).cursor
    }

    // MARK: Records by id

    package func readRecords(of object: StreamName, ids: [String], fields: [String]) async throws -> Page {
        let plan = try plan(object)
        let known = try await values(plan.lookups)
        let lift = FieldLift(plan, fields: fields)
        var whole = Page(bytes: [], records: [], next: nil)
        var rest = ids[...]
        while !rest.isEmpty {
            try Task.checkCancellation()
            let group = rest.prefix(plan.byID.batchMax)
            rest = rest.dropFirst(group.count)
            for record in try await records(Array(group), plan.byID, known) {
                record.withUnsafeBufferPointer { whole.append($0[...], lift) }
            }
        }
        return whole
    }

    private func records(
        _ ids: [String], _ plan: ByIDPlan, _ known: PlaceholderValues
    ) async throws -> [[UInt8]] {
        var values = known
        values["id"] = .string(ids.first ?? "")
        values["ids"] = .array(ids.map { Int($0).map { .number(String($0)) } ?? .string($0) })
        values["page_size"] = .number(String(plan.batchMax))
        do {
            let answer = try await connection.client.send(plan.request, values, class: "record")
            guard plan.batchMax == 1, plan.list.isEmpty else {
                let list = ListPlan(request: plan.request, paging: .none, list: plan.list, record: plan.record)
                let page = try ListPage(answer, list, what: "records")
                return page.records.map { Array(answer.body[$0]) }
            }
            return answer.find { bytes, _ in member(at: plan.record, in: bytes).map { [Array(bytes[$0.range])] } } ?? []
        } catch let error as MigratezError where plan.batchMax == 1 && error.meansAbsent {
            return []
        }
    }
}

extension Page {
    /// Adds a record with its lifted values.
    fileprivate mutating func append(_ record: Slice<UnsafeBufferPointer<UInt8>>, _ lift: FieldLift) {
        let start = bytes.count
        lift.append(UnsafeBufferPointer(rebasing: record), to: &bytes)
        records.append(start..<bytes.count)
    }
}
