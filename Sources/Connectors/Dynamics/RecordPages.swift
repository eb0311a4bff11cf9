// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezTransport

/// Pages of records.
///
/// A page leads to the next one by a link with the environment's own place in the list, which is followed as it stands;
/// the same link gives the same page again (Microsoft Learn, "Page results using OData"). Filtering behind the last id
/// instead is not possible: GUIDs have no documented order.
struct RecordPages: Sendable {
    /// The time of the last change by anybody.
    static let modified = "modifiedon"
    /// Behind the name of a lookup's property: the table that it leads to.
    static let lookupType = "@Microsoft.Dynamics.CRM.lookuplogicalname"

    let api: DynamicsAPI
    let recordsMax: Int

    /// The tables that share the columns of `activitypointer`, the id among them (Microsoft Learn, "Activity tables").
    private static let activities: Set = [
        "activitypointer", "appointment", "email", "fax", "letter", "phonecall", "recurringappointmentmaster",
        "serviceappointment", "socialactivity", "task",
    ]

    /// The column with the id of a record: named after the table, but for activities.
    static func primaryID(of table: String) -> String { activities.contains(table) ? "activityid" : table + "id" }

    /// - Parameters:
    ///   - filter: which rows of the table are meant; `nil` = all.
    ///   - cursor: a place in the list, or a window that is read from its start.
    func page(
        of table: TableMetadata, where filter: String? = nil, fields: [String], after cursor: Cursor?
    ) async throws -> Page {
        let request: HTTPRequest
        let window = cursor.flatMap { CreationWindow($0) }
        if let cursor, window == nil {
            request = api.request(.get, cursor.text, prefer: preferences, endpointClass: "list")
        } else {
            request = api.request(
                .get, table.setName,
                query: try selection(of: table, fields)
                    + ((window?.filter(with: filter) ?? filter).map { [("$filter", $0)] } ?? []),
                prefer: preferences, endpointClass: "list")
        }
        let (answer, split) = try await list(request)
        var page = try await withParties(
            Page(bytes: answer, records: split.elements, next: nil), of: table, fields)
        let link = answer.withUnsafeBufferPointer { bytes in
            split.member(at: ["@odata.nextLink"], in: bytes).map { JSONText.string($0, of: bytes) }
        }
        guard let link else { return page }
        let next = Cursor(try api.place(of: link))
        guard next != cursor else {
            throw MigratezError(
                .cursorLoop, "the list of \(table.name) leads back to a page that was read already",
                remedy: .retry(after: nil))
        }
        page.next = next
        return page
    }

    /// Records by id, on one page; an id that does not exist is absent.
    func records(
        of table: TableMetadata, where filter: String? = nil, ids: [RecordID], fields: [String]
    ) async throws -> Page {
        let selection = try selection(of: table, fields)
        let overhead = ODataText.query(selection).utf8.count + 300
        var whole = Page(bytes: [], records: [], next: nil)
        for group in ODataText.groups(
            ids.map(\.text), overhead: min(overhead, ODataText.addressBytesMax / 2), itemsMax: recordsMax)
        {
            try Task.checkCancellation()
            let isIn = ODataText.isIn(table.primaryID, group)
            let condition = ("$filter", filter.map { "\(isIn) and (\($0))" } ?? isIn)
            let request = api.request(
                .get, table.setName, query: selection + [condition], prefer: preferences, endpointClass: "list")
            let (answer, split) = try await list(request)
            let page = try await withParties(
                Page(bytes: answer, records: split.elements, next: nil), of: table, fields)
            let offset = whole.bytes.count
            whole.bytes += page.bytes
            whole.records += page.records.map { ($0.lowerBound + offset)..<($0.upperBound + offset) }
        }
        return whole
    }

    private var preferences: String {
        "odata.maxpagesize=\(recordsMax),odata.include-annotations=\"\(Self.lookupType.dropFirst())\""
    }

    /// `$select` with what is asked for, the links and the time of the last change; nothing, which means all columns, if
    /// the address would become too long. Names that the table does not have are left out: expressions may ask for what
    /// another source would have.
    private func selection(of table: TableMetadata, _ fields: [String]) throws -> [(name: String, value: String)] {
        guard table.primaryID == Self.primaryID(of: table.name) else {
            throw MigratezError(
                .notSupported, "\(table.name) is an activity of one's own, and these are not read",
                remedy: .fixConfiguration, hint: "take the object out of the pipeline file")
        }
        let known = Dictionary(table.columns.map { ($0.property, $0) }, uniquingKeysWith: { first, _ in first })
        if let file = fields.compactMap({ known[$0] }).first(where: { $0.field.kind == .binary }) {
            throw MigratezError(
                .notSupported, "\(table.name).\(file.field.name) is a file column, and these are not read",
                remedy: .fixConfiguration,
                hint: "take the field out of the pipeline file; documents of notes are the object file")
        }
        let links = table.columns.filter { $0.field.kind == .reference && $0.field.isCreateable }.map(\.property)
        var names: [String] = []
        for name in [table.primaryID] + fields + links + [
            Self.modified, TableMetadata.documentSize, TableMetadata.typeCode,
        ]
        where known[name] != nil && known[name]?.role == nil && !names.contains(name) {
            names.append(name)
        }
        let select = names.joined(separator: ",")
        return select.utf8.count > ODataText.addressBytesMax / 2 ? [] : [("$select", select)]
    }

    /// The page with the lists of those who take part, if they are asked for, behind the other members of each record.
    private func withParties(_ page: Page, of table: TableMetadata, _ fields: [String]) async throws -> Page {
        let lists = table.columns.filter { $0.role != nil && fields.contains($0.property) }
        guard !lists.isEmpty, !page.records.isEmpty else { return page }
        var index = RecordIndex(fields: nil)
        let ids = try page.records.map { range in
            try page.bytes[range].withUnsafeBufferPointer { bytes in
                do throws(JSONFailure) { try index.index(bytes) } catch {
                    throw error.error(.malformedRecord, in: "a record of \(table.name)", remedy: .rejectRecord)
                }
                return index.slice(table.primaryID).map { JSONText.string($0, of: bytes) } ?? ""
            }
        }
        let addresses = try await PartyLists(api: api).addresses(of: ids)
        var whole = page
        whole.bytes = []
        whole.records = []
        for (range, id) in zip(page.records, ids) {
            var writer = JSONWriter()
            writer.beginObject()
            for list in lists {
                writer.key(list.property)
                if let role = list.role, let text = PartyLists.text(addresses[id]?[role]) {
                    writer.string(text)
                } else {
                    writer.null()
                }
            }
            writer.endObject()
            let start = whole.bytes.count
            whole.bytes += page.bytes[range].dropLast()
            whole.bytes.append(UInt8(ascii: ","))
            whole.bytes += writer.bytes.dropFirst()
            whole.records.append(start..<whole.bytes.count)
        }
        return whole
    }

    /// An answer that is cut off although its length is right looks like success to the transport, so it is asked for
    /// again here.
    private func list(_ request: HTTPRequest) async throws -> (answer: [UInt8], split: PageSplit) {
        var attempt = 1
        while true {
            let response = try await api.send(request)
            do throws(JSONFailure) {
                let split = try response.body.withUnsafeBufferPointer { bytes throws(JSONFailure) in
                    try PageSplit.validating(bytes, list: "value", limits: .page)
                }
                if let split { return (response.body, split) }
            } catch {
                guard attempt < Self.attemptsMax else { throw DynamicsAPI.broken(error, request) }
            }
            guard attempt < Self.attemptsMax else {
                throw MigratezError(
                    .brokenResponse, "\(request) answered without its list", remedy: .retry(after: nil))
            }
            attempt += 1
        }
    }

    private static let attemptsMax = 4
}
