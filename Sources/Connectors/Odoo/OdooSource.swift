// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezConnectorKit
import MigratezJSON
package import MigratezModel
package import MigratezTransport

/// Odoo as a source.
///
/// Records are read by `search_read` in the order of their ids, each page behind the last id of the one before, archived
/// ones too: lost opportunities are archived. Streams are named in the singular (`contact`, `deal`), models that have no
/// such name by their technical one with `-` for `.` (`res-partner-category`).
package struct OdooSource: Source {
    package let name = "odoo"
    /// What a pipeline may set below `source:`.
    package static let settings: [SettingSpec] =
        OdooAccess.specs + [
            SettingSpec(
                "page_size", .integer,
                "records a page, 1 to \(OdooLimits.pageRecordsMax); default \(OdooLimits.pageRecordsDefault)")
        ]
    package static let capabilities = SourceCapabilities(
        routes: OdooAccess.Interface.allCases.map(\.rawValue), slicedBy: "ids", tellsChanges: true,
        links: "relations, and the document that a note, an activity, a meeting or a file hangs on", movesFiles: true,
        limits: ["\(OdooLimits.pageRecordsDefault) records a page", "none of the vendor's on requests"])

    package let limiter: RateLimiter?
    private let connection: OdooConnection
    private let pageRecords: Int
    private let account: OdooAccount

    /// - Parameter http: the process's client; retries, the key and the rate budget are put around it here.
    /// - Throws: `invalidSetting`; nothing is sent.
    package init(settings: ConnectorSettings, http: any HTTPClient, clock: any WallClock) throws(MigratezError) {
        let text = settings["page_size"] ?? String(OdooLimits.pageRecordsDefault)
        guard let size = Int(text), (1...OdooLimits.pageRecordsMax).contains(size) else {
            throw MigratezError(
                .invalidSetting, "page_size is '\(text)', which is not a number from 1 to \(OdooLimits.pageRecordsMax)",
                remedy: .fixConfiguration)
        }
        pageRecords = size
        connection = try OdooConnection(settings, http: http, clock: clock)
        limiter = connection.limiter
        account = OdooAccount(connection)
    }

    package func discover(_ objects: [StreamName]) async throws -> [ObjectSchema] {
        var schemas: [ObjectSchema] = []
        for object in objects {
            schemas.append(
                try await connection.catalog.schema(of: OdooObject(object.text), asksForDefaults: false))
        }
        return schemas
    }

    package func people() async throws -> [Person] { try await connection.catalog.people() }

    package func layout(of object: StreamName) -> RecordLayout { RecordLayout(id: "id", modified: "write_date") }

    // MARK: Records

    package func readPage(of object: StreamName, fields: [String], after cursor: Cursor?) async throws -> Page {
        let object = OdooObject(object.text)
        let range = try IDRange(cursor)
        let (body, elements) = try await connection.client.list(
            OdooClient.Call(
                object.model, "search_read",
                [
                    .init("domain", .array(object.domain + range.domain)),
                    .init("fields", .array(try await names(fields, object).map(JSONValue.string))),
                    .init("limit", .number(String(pageRecords))), .init("order", "id asc"),
                ]))
        var page = try await page(body, elements, of: object)
        guard elements.count == pageRecords else { return page }
        let next = body.withUnsafeBufferPointer { bytes in
            elements.last.flatMap { range in
                let record = UnsafeBufferPointer(rebasing: bytes[range])
                return member(at: ["id"], in: record).map { JSONText.string($0, of: record) }
            }
        }
        guard let number = next.flatMap({ Int64($0) }), number > range.after else {
            throw MigratezError(
                .cursorLoop, "Odoo's list of \(object.name) leads back to a page that was read already",
                remedy: .retry(after: nil))
        }
        page.next = IDRange(after: number, end: range.end).cursor
        return page
    }

    /// Slices of about as many records each: they begin behind those at these places in the order of ids.
    ///
    /// `offset` is slow with pages, of which each would be behind all before it, but each slice costs one such call.
    package func slices(of object: StreamName, atMost: Int) async throws -> [Cursor] {
        let count = try await count(of: object) ?? 0
        let number = SliceBounds.count(of: count, pageRecords: pageRecords, atMost: atMost)
        let object = OdooObject(object.text)
        var bounds: [Int64] = []
        for slice in 1..<max(1, number) {
            let last = count * slice / number - 1
            let found = try await connection.client.value(
                OdooClient.Call(
                    object.model, "search",
                    [
                        .init("domain", .array(object.domain)), .init("offset", .number(String(last))),
                        .init("limit", 1), .init("order", "id asc"),
                    ]))
            // Records that are deleted meanwhile move the others.
            guard let id = found.elements.first?.text.flatMap({ Int64($0) }), id > bounds.last ?? 0 else { continue }
            bounds.append(id)
        }
        return SliceBounds.slices(between: bounds).map { IDRange(after: $0.start ?? 0, end: $0.end).cursor }
    }

    package func readRecords(of object: StreamName, ids: [String], fields: [String]) async throws -> Page {
        let object = OdooObject(object.text)
        var whole = Page(bytes: [], records: [], next: nil)
        var rest = ids.filter { Int64($0).map { $0 > 0 } == true }[...]
        while !rest.isEmpty {
            let group = rest.prefix(OdooLimits.lookupMax)
            rest = rest.dropFirst(group.count)
            let (body, elements) = try await connection.client.list(
                OdooClient.Call(
                    object.model, "search_read",
                    [
                        .init("domain", .array(object.domain + [["id", "in", .array(group.map { .number($0) })]])),
                        .init("fields", .array(try await names(fields, object).map(JSONValue.string))),
                        .init("order", "id asc"),
                    ]))
            let part = try await page(body, elements, of: object)
            let offset = whole.bytes.count
            whole.bytes += part.bytes
            whole.records += part.records.map { ($0.lowerBound + offset)..<($0.upperBound + offset) }
            whole.malformed += part.malformed
        }
        return whole
    }

    package func readContent(
        of object: StreamName, id: String, record: ArraySlice<UInt8>, piece: ([UInt8]) async throws -> Void
    ) async throws {
        try await AttachmentReader(client: connection.client).read(OdooObject(object.text), id: id, piece: piece)
    }

    /// The records of an answer in the form of `RecordForm`.
    private func page(_ body: [UInt8], _ elements: [Range<Int>], of object: OdooObject) async throws -> Page {
        var form = RecordForm(try await connection.catalog.fieldsByName(of: object.model))
        var writer = JSONWriter(capacity: body.count)
        var page = Page(bytes: [], records: [], next: nil)
        page.records.reserveCapacity(elements.count)
        for (number, range) in elements.enumerated() {
            guard body[range.lowerBound] == UInt8(ascii: "{"), range.count <= JSONLimits.record.recordBytesMax.bytes
            else {
                page.malformed.append(
                    MalformedRecord(
                        locator: "item \(number + 1) of a page", reason: "too long, or not an object",
                        bytes: Array(body[range].prefix(JSONLimits.record.recordBytesMax.bytes))))
                continue
            }
            let start = writer.bytes.count
            body.withUnsafeBufferPointer { form.append(UnsafeBufferPointer(rebasing: $0[range]), to: &writer) }
            page.records.append(start..<writer.bytes.count)
            writer.endLine()
        }
        page.bytes = writer.bytes
        return page
    }

    /// The fields to ask for: with the time of the last change, and what links are told by.
    private func names(_ fields: [String], _ object: OdooObject) async throws -> [String] {
        let links =
            object.isKnown
            ? object.links.flatMap(\.fields)
            : try await connection.catalog.fields(of: object.model).filter(\.isLink).map(\.name)
        var names: [String] = []
        var known: Set<String> = ["id"]
        let marks = object.contentField == nil ? [] : OdooCatalog.contentMarks
        for name in fields + ["write_date"] + marks + links where known.insert(name).inserted { names.append(name) }
        return names
    }

    package func count(of object: StreamName) async throws -> Int? {
        let object = OdooObject(object.text)
        return try await connection.client.value(
            OdooClient.Call(object.model, "search_count", [.init("domain", .array(object.domain))])
        ).int
    }

    // MARK: Links

    /// Of the objects that have names of their own it is known what they refer to.
    package func linkBatchSize(from: StreamName, to: StreamName) -> Int? {
        let (from, to) = (OdooObject(from.text), OdooObject(to.text))
        guard from.isKnown else { return OdooLimits.lookupMax }
        return from.links.contains { $0.leads(to: to) } ? OdooLimits.lookupMax : nil
    }

    package func readLinks(
        from: StreamName, to: StreamName, of records: [(id: String, bytes: ArraySlice<UInt8>)]
    ) async throws -> [Edge] {
        try await LinkReader(
            catalog: connection.catalog, from: OdooObject(from.text), to: OdooObject(to.text)
        ).edges(of: records)
    }

    // MARK: The account and planning

    package func account(for objects: [StreamName]) async throws -> AccountReport {
        try await account.report(needing: "read", on: objects.map { OdooObject($0.text) })
    }

    package func identity() async throws -> String { try await account.identity() }

    package func recordAddress(of object: StreamName, id: String) async throws -> String? {
        account.recordAddress(of: OdooObject(object.text), id: id)
    }

    package func estimatedCalls(reading object: StreamName, records: Int) -> [CallEstimate] {
        [CallEstimate("search_read \(object)", max(1, (records + pageRecords - 1) / pageRecords), secondsEach: 0.1...1)]
    }

    package func estimatedCalls(linksFrom from: StreamName, to: StreamName, records: Int) -> [CallEstimate] {
        [
            CallEstimate(
                "search_read \(to) of \(from)", (records + OdooLimits.lookupMax - 1) / OdooLimits.lookupMax,
                secondsEach: 0.05...0.3)
        ]
    }
}
