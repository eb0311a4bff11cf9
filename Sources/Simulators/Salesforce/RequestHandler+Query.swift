// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezSimulatorKit
import Synchronization

/// Queries that have more pages than were fetched; the records are those that matched when the query was made.
final class QueryCursors: Sendable {
    struct Cursor: Sendable {
        var plan: SOQLPlan
        var ordinals: [Int64]
        var pageRecords: Int
    }

    /// Older ones are forgotten.
    private static let cursorsMax = 50
    private let state = Mutex<(next: Int64, cursors: [Int64: Cursor])>((1, [:]))

    func add(_ cursor: Cursor) -> RecordID {
        state.withLock { state in
            let number = state.next
            state.next += 1
            state.cursors[number] = cursor
            state.cursors[number - Int64(QueryCursors.cursorsMax)] = nil
            return RecordID(prefix: "01g", ordinal: number)
        }
    }

    subscript(_ id: RecordID) -> Cursor? { state.withLock { $0.cursors[id.ordinal] } }
}

/// `query`, `queryAll` and their pages (crm-apis: Salesforce, section 4).
extension RequestHandler {
    func query(
        _ request: SimulatorRequest, includesDeleted: Bool, isTooling: Bool = false
    ) throws -> SimulatorResponse {
        guard let text = request.query("q"), !text.isEmpty else {
            throw APIFailure.malformedQuery("A query string has to be specified")
        }
        let parsed = try SOQLParser.parse(text)
        try checkSetup(parsed.object, isTooling: isTooling)
        let plan = try SOQLPlan(parsed, schema, includesDeleted: includesDeleted)
        if plan.isCount {
            var writer = JSONWriter()
            writer.beginObject()
            writer.member("totalSize", try plan.count(db))
            writer.member("done", true)
            writer.key("records")
            writer.beginArray()
            writer.endArray()
            writer.endObject()
            return .json(writer.bytes)
        }
        let cursor = QueryCursors.Cursor(
            plan: plan, ordinals: try plan.ordinals(db), pageRecords: pageRecords(request))
        return .json(try page(of: cursor, from: 0, id: nil))
    }

    /// Automations are for those who may see the setup, and some for the Tooling API only.
    private func checkSetup(_ name: String, isTooling: Bool) throws(APIFailure) {
        let isSetup = SetupObjects.all.contains { $0.name.lowercased() == name.lowercased() }
        if !isTooling, SetupObjects.toolingOnly.contains(name.lowercased()) {
            throw APIFailure(400, "INVALID_TYPE", "sObject type '\(name)' is not supported.")
        }
        if isSetup, !["organization", "entitydefinition"].contains(name.lowercased()), !org.options.showsSetup {
            throw RequestHandler.setupHidden
        }
    }

    /// `01gXX…-2000`: the query, and the first record of the page.
    func nextPage(_ locator: String) throws -> SimulatorResponse {
        let parts = locator.split(separator: "-")
        guard parts.count == 2, let start = Int(parts[1]), let id = RecordID(String(parts[0])),
            let cursor = org.cursors[id], (0..<cursor.ordinals.count).contains(start)
        else { throw APIFailure(400, "INVALID_QUERY_LOCATOR", "invalid query locator") }
        return .json(try page(of: cursor, from: start, id: id))
    }

    /// `Sforce-Query-Options: batchSize=200`, from 200 to 2,000.
    private func pageRecords(_ request: SimulatorRequest) -> Int {
        let most = org.options.queryPageRecordsMax
        guard let header = request.headers["Sforce-Query-Options"], let sign = header.firstIndex(of: "="),
            let size = Int(header[header.index(after: sign)...].filter { $0 != " " })
        else { return most }
        return min(max(size, 200), most)
    }

    private func page(of cursor: QueryCursors.Cursor, from start: Int, id: RecordID?) throws -> [UInt8] {
        let end = min(start + cursor.pageRecords, cursor.ordinals.count)
        var writer = JSONWriter(capacity: (end - start) * 256)
        writer.beginObject()
        writer.member("totalSize", cursor.ordinals.count)
        writer.member("done", end == cursor.ordinals.count)
        if end < cursor.ordinals.count {
            let id = id ?? org.cursors.add(cursor)
            writer.member("nextRecordsUrl", "/services/data/\(api)/query/\(id.text)-\(end)")
        }
        writer.key("records")
        writer.beginArray()
        try cursor.plan.rows(cursor.ordinals[start..<end], db) { row in
            RecordText.write(row, of: cursor.plan, api: api, to: &writer)
        }
        writer.endArray()
        writer.endObject()
        return writer.bytes
    }
}
