// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
import MigratezSyntheticCRM

extension HubSpotSimulator {
    static let pageRecordsMax = 100
    static let pageRecordsDefault = 10

    /// `GET /crm/v3/objects/{type}`: pages by id; `limit` 1…100, default 10; no `paging` on the last page.
    func list(_ object: ObjectType, _ request: SimulatorRequest) async throws(HubSpotFailure) -> SimulatorResponse {
        let limit = try HubSpotSimulator.limit(request, most: HubSpotSimulator.pageRecordsMax)
        let isArchived = request.flag("archived")
        let after = try HubSpotSimulator.cursor(request)
        let names = selection(object, request.queryList("properties"))
        var writer = JSONWriter(capacity: limit * 1024)
        writer.beginObject()
        writer.key("results")
        writer.beginArray()
        let last: Int?
        if overlay.hasRecords(of: object) {
            let crm = crm
            let records = try await overlay.read {
                try $0.page(object, after: after, limit: limit + 1, archived: isArchived, crm)
            }
            for record in records.prefix(limit) { record.write(names, to: &writer) }
            last = records.count > limit ? records[limit - 1].id : nil
        } else {
            last = writeSyntheticPage(
                object, after: after, limit: limit, archived: isArchived, names: names, to: &writer)
        }
        writer.endArray()
        if let last {
            let cursor = HubSpotSimulator.cursor(for: last)
            writer.key("paging")
            HubSpotSimulator.writeNext(cursor, of: request, to: &writer)
        }
        writer.endObject()
        return .json(writer.bytes)
    }

    /// - Returns: the id of the last record, if more follow.
    private func writeSyntheticPage(
        _ object: ObjectType, after: Int, limit: Int, archived: Bool, names: [String], to writer: inout JSONWriter
    ) -> Int? {
        guard let object = object.synthetic else { return nil }
        func page<Record: SyntheticRecord>(_ type: Record.Type) -> Int? {
            let fields = names.map { ($0, Record.Field(rawValue: $0)) }
            var index = crm.firstIndex(of: object, after: after)
            var count = 0
            var last = 0
            while index < crm.counts[object] {
                if crm.isArchived(object, at: index) == archived {
                    guard count < limit else { return last }
                    let record = Record(crm, index)
                    RecordView.write(record, fields, to: &writer)
                    last = record.id
                    count += 1
                }
                index += 1
            }
            return nil
        }
        return switch object {
        case .contact: page(Contact.self)
        case .company: page(Company.self)
        case .deal: page(Deal.self)
        case .note: page(Note.self)
        case .task: page(CRMTask.self)
        case .call: page(Call.self)
        case .meeting: page(Meeting.self)
        case .file: page(CRMFile.self)
        case .email: page(Email.self)
        case .product: page(Product.self)
        case .lineItem: page(LineItem.self)
        case .lead: page(Lead.self)
        }
    }

    /// `GET /crm/v3/objects/{type}/{id}?idProperty=`.
    func read(
        _ object: ObjectType, _ id: String, _ request: SimulatorRequest
    ) async throws(HubSpotFailure) -> SimulatorResponse {
        let names = selection(object, request.queryList("properties"))
        let wantsArchived = request.flag("archived")
        let key = try recordKey(object, request.query("idProperty"))
        let record = try await find(object, key, id)
        guard let record, record.isArchived == wantsArchived else { throw .notFound(object, [id]) }
        var writer = JSONWriter()
        record.write(names, to: &writer)
        return .json(writer.bytes)
    }

    /// `POST …/batch/read`: up to 100 ids, or values of a unique property; 207 if some are missing.
    func batchRead(_ object: ObjectType, _ request: SimulatorRequest) async throws(HubSpotFailure) -> SimulatorResponse
    {
        let body = try HubSpotSimulator.body(request)
        let ids = (body["inputs"]?.elements ?? []).compactMap { $0["id"]?.text }
        guard ids.count <= 100 else { throw .tooManyInputs(ids.count, most: 100) }
        let names = selection(object, body["properties"]?.elements.compactMap(\.text) ?? [])
        let key = try recordKey(object, body["idProperty"]?.text)
        let started = options.clock.now
        let wantsArchived = request.flag("archived")
        var seen: Set<String> = []
        let unique = ids.filter { seen.insert($0).inserted }
        let found = try await overlay.read { session in
            try unique.map { id in
                try session.find(object, key, id).flatMap { $0.isArchived == wantsArchived ? $0 : nil }
            }
        }
        let missing = zip(unique, found).filter { $0.1 == nil }.map(\.0)
        var answer = BatchAnswer(started: started)
        for record in found { if let record { answer.add { record.write(names, to: &$0) } } }
        if !missing.isEmpty {
            let upper = object.upper
            answer.fail(
                HubSpotFailure(
                    404, "OBJECT_NOT_FOUND",
                    "Could not get some \(upper) objects, they may be deleted or not exist. Check that ids are valid.",
                    context: [("ids", missing)]))
        }
        return answer.response(completed: options.clock.now)
    }

    /// Asks the database only if something of the object was written.
    private func find(_ object: ObjectType, _ key: String?, _ id: String) async throws(HubSpotFailure) -> RecordView? {
        if key == nil, !overlay.hasRecords(of: object) {
            return Int(id).flatMap { RecordView(crm, object, id: $0) }
        }
        return try await overlay.read { try $0.find(object, key, id) }
    }

    /// How a record is named: by its id, or by a property whose values are unique.
    func recordKey(_ object: ObjectType, _ property: String?) throws(HubSpotFailure) -> String? {
        guard let property, !property.isEmpty else { return nil }
        guard property != "hs_object_id", uniqueProperties(of: object).contains(property) else {
            throw .invalid("\(property) is a non-unique property of \(object.upper)")
        }
        return property
    }

    static func limit(_ request: SimulatorRequest, most: Int) throws(HubSpotFailure) -> Int {
        guard let text = request.query("limit") else { return pageRecordsDefault }
        guard let limit = Int(text), (1...most).contains(limit) else {
            throw .invalid("limit must be between 1 and \(most)")
        }
        return limit
    }

    static func body(_ request: SimulatorRequest) throws(HubSpotFailure) -> JSONValue {
        do {
            let tree = try JSONValue(parsing: request.body, limits: .page)
            guard case .object = tree else { throw HubSpotFailure.invalid("Invalid input JSON: an object is expected") }
            return tree
        } catch {
            throw .invalid("Invalid input JSON")
        }
    }

    // MARK: Cursors

    /// Nothing that a client could read anything into; it has to be percent-encoded in a query.
    static func cursor(for id: Int) -> String { Base64.encoded(Array("p\(id)".utf8)) }

    static func cursor(_ request: SimulatorRequest) throws(HubSpotFailure) -> Int {
        guard let text = request.query("after"), !text.isEmpty else { return 0 }
        return try cursorID(text)
    }

    static func cursorID(_ text: String) throws(HubSpotFailure) -> Int {
        guard let bytes = Base64.decoded(text), bytes.first == UInt8(ascii: "p"),
            let id = Int(String(decoding: bytes.dropFirst(), as: UTF8.self))
        else { throw .invalid("The after parameter is not a valid cursor") }
        return id
    }

    static func writeNext(_ cursor: String, of request: SimulatorRequest, to writer: inout JSONWriter) {
        let host = request.headers["Host"] ?? "127.0.0.1"
        let others = request.query.filter { $0.name != "after" }
            .map { "\(PercentEncoding.encoded($0.name))=\(PercentEncoding.encoded($0.value))&" }.joined()
        writer.beginObject()
        writer.key("next")
        writer.beginObject()
        writer.key("after")
        writer.string(cursor)
        writer.key("link")
        writer.string("http://\(host)\(request.pathText)?\(others)after=\(PercentEncoding.encoded(cursor))")
        writer.endObject()
        writer.endObject()
    }
}

extension HubSpotFailure {
    static func tooManyInputs(_ count: Int, most: Int) -> HubSpotFailure {
        .invalid(
            "The maximum number of inputs supported in a batch request for this API is \(most), but \(count) were sent")
    }
}

extension OverlaySession {
    /// A record by its id, or by the value of a unique property.
    func find(_ object: ObjectType, _ property: String?, _ key: String) throws -> RecordView? {
        guard let property else { return try Int(key).flatMap { try record(object, id: $0) } }
        return try id(object, unique: property, value: key).flatMap { try record(object, id: $0) }
    }

    /// The next records by id, at most `limit`, synthetic and written ones merged.
    func page(
        _ object: ObjectType, after: Int, limit: Int, archived: Bool, _ crm: SyntheticCRM
    ) throws -> [RecordView] {
        var records: [RecordView] = []
        var position = after
        var index = crm.firstIndex(of: object, after: after)
        let count = crm.count(of: object)
        while records.count < limit {
            // A stretch of synthetic records, then everything written that lies within or replaces them.
            let end = min(count, index + limit * 2)
            let isLastStretch = end == count
            let through = isLastStretch ? Int.max : object.synthetic.map { crm.id(of: $0, at: end - 1) } ?? .max
            let written = try stored(object, after: position, through: through, limit: limit * 2)
            let isCut = written.count == limit * 2
            let reach = isCut ? written[written.count - 1].id : through
            let replaced = Set(written.map(\.id))
            var stretch = written.filter { ($0.archivedAt != nil) == archived }.map { RecordView(object, $0) }
            while index < end, let synthetic = object.synthetic {
                let id = crm.id(of: synthetic, at: index)
                guard id <= reach else { break }
                if crm.isArchived(synthetic, at: index) == archived, !replaced.contains(id) {
                    stretch.append(RecordView(crm, synthetic, index: index))
                }
                index += 1
            }
            records += stretch.sorted { $0.id < $1.id }
            position = reach
            if isLastStretch, !isCut { break }
        }
        return Array(records.prefix(limit))
    }
}
