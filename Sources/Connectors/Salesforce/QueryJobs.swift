// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCSV
import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezTransport

/// Reads an object through one Bulk API 2.0 query job: its results are those of the moment when it ran, and are kept for
/// seven days, so that a run can go on from any piece of them.
///
/// Source: Bulk API 2.0 and Bulk API Developer Guide, "Bulk API 2.0 Query". Without ORDER BY, which would keep the platform
/// from cutting a large query into parts.
struct QueryJobs: Sendable {
    /// Records of one piece of the results, unless the settings say otherwise.
    static let pieceRecords = 5_000
    private static let pieceBytesMax = ByteCount.MiB(32)
    private static let attemptsMax = 4

    let api: SalesforceAPI
    let clock: any WallClock
    /// Records of one piece, unless it would be too large.
    var recordsMax = pieceRecords

    /// Begins a job and returns its id. It stays in the org until the platform removes it, since no call says that its
    /// results will not be asked for again.
    func create(_ selection: RecordSelection) async throws -> String {
        let body: JSONValue = [
            "operation": .string(selection.includesArchived ? "queryAll" : "query"),
            "query": .string(selection.query()), "contentType": "CSV", "columnDelimiter": "COMMA", "lineEnding": "LF",
        ]
        // A second job after a lost answer costs one of 10,000 a day and changes nothing.
        let answer = try await api.json(.post, "/jobs/query", body: body, endpointClass: "bulk", isIdempotent: true)
        guard let id = answer["id"]?.text, SalesforceID.isID(id) else {
            throw MigratezError(.brokenResponse, "a new bulk job has no id", remedy: .retry(after: nil))
        }
        return id
    }

    /// The piece of the job's results at the locator; waits until there are results.
    func page(_ selection: RecordSelection, job: String, at locator: String?) async throws -> Page {
        // Whoever goes on from a locator has seen results.
        if locator == nil { try await waitForResults(job, of: selection.object) }
        var records = recordsMax
        var attempt = 1
        while true {
            do {
                return try await piece(selection, job, locator, records)
            } catch let error as MigratezError where error.code == .responseTooLarge && records > 1 {
                records /= 2
            } catch let error as MigratezError where error.mayPassAnew {
                guard attempt < Self.attemptsMax else { throw error }
                try await clock.sleep(for: .seconds(1 << attempt))
                attempt += 1
            }
        }
    }

    private func waitForResults(_ job: String, of object: String) async throws {
        guard let status = try await BulkJobWatch(api: api, kind: .query, clock: clock).wait(job) else {
            throw Self.gone(job, object)
        }
        guard status.state == .jobComplete else {
            throw MigratezError(
                .requestRefused, "the bulk query \(job) of \(object) ended as \(status.state.rawValue)",
                remedy: .fixConfiguration,
                hint: "look at the job in Setup, Bulk Data Load Jobs, or read with 'extract: { api: rest }'")
        }
    }

    private func piece(
        _ selection: RecordSelection, _ job: String, _ locator: String?, _ records: Int
    ) async throws -> Page {
        var query = [("maxRecords", String(records))]
        if let locator { query.append(("locator", locator)) }
        let request = api.request(
            .get, "/jobs/query/\(job)/results", query: query, accept: "text/csv", endpointClass: "bulk",
            deadline: .seconds(1800), responseBytesMax: Self.pieceBytesMax)
        var parser = QueryResultParser(selection)
        var head = HTTPResponseHead(status: 0, headers: HTTPHeaders([]))
        var refusal: [UInt8] = []
        try await api.http.stream(request) { received in
            // A repeated request begins anew.
            parser = QueryResultParser(selection)
            head = received
        } chunk: { bytes in
            if (200..<300).contains(head.status) {
                try parser.feed(bytes)
            } else if refusal.count < 64 << 10 {
                refusal += bytes
            }
        }
        guard (200..<300).contains(head.status) else {
            if head.status == 404 { throw Self.gone(job, selection.object) }
            throw SalesforceAPI.error(head.status, refusal, of: request)
        }
        var page = try parser.finish()
        // An answer that ends between two lines looks whole.
        if let told = head.headers["Sforce-NumberOfRecords"].flatMap({ Int($0) }), told != page.records.count {
            throw MigratezError(
                .brokenResponse, "a piece of bulk query \(job) holds \(page.records.count) records of \(told)",
                remedy: .retry(after: nil))
        }
        let next = head.headers["Sforce-Locator"] ?? "null"
        guard next != "null" else { return page }
        guard next != locator, !next.contains(" ") else {
            throw MigratezError(.cursorLoop, "bulk query \(job) names the same piece again", remedy: .retry(after: nil))
        }
        page.next = ReadPlace.cursor(job: job, locator: next)
        return page
    }

    private static func gone(_ job: String, _ object: String) -> MigratezError {
        MigratezError(
            .requestRefused, "the results of bulk query \(job) of \(object) are not kept any longer",
            remedy: .fixConfiguration, hint: "the platform keeps them for seven days: begin a new run")
    }
}

/// Turns lines of bulk results into records of the form that REST answers have.
struct QueryResultParser {
    private let columns: [RecordSelection.Column]
    private var reader = CSVReader(CSVDialect())
    private var row = CSVRow()
    private var writer = JSONWriter(capacity: 1 << 20)
    private var records: [Range<Int>] = []
    private var isFirst = true

    init(_ selection: RecordSelection) { columns = selection.columns }

    mutating func feed(_ bytes: [UInt8]) throws(MigratezError) {
        reader.feed(bytes)
        try drain()
    }

    mutating func finish() throws(MigratezError) -> Page {
        reader.finish()
        try drain()
        return Page(bytes: writer.bytes, records: records, next: nil)
    }

    private mutating func drain() throws(MigratezError) {
        while reader.next(&row) {
            if row.isBlank { continue }
            guard row.problem == nil, row.count == columns.count else {
                throw MigratezError(
                    .brokenResponse, "a piece of bulk results is not the CSV of what was asked for",
                    remedy: .retry(after: nil))
            }
            // Whether each piece repeats the header is told differently by different pages of the documentation.
            defer { isFirst = false }
            if isFirst, isHeader { continue }
            append()
        }
    }

    private var isHeader: Bool {
        columns.indices.allSatisfy { row.text($0).lowercased() == columns[$0].name.lowercased() }
    }

    private mutating func append() {
        let start = writer.bytes.count
        writer.beginObject()
        for (number, column) in columns.enumerated() {
            writer.key(column.name)
            let cell = row[number]
            guard !cell.isEmpty else {
                writer.null()
                continue
            }
            switch column.kind {
            case .bool where cell.elementsEqual("true".utf8): writer.bool(true)
            case .bool where cell.elementsEqual("false".utf8): writer.bool(false)
            case .integer where Self.isNumber(cell), .decimal where Self.isNumber(cell): writer.raw(cell)
            case .dateTime where cell.last == UInt8(ascii: "Z"):
                // REST writes `+0000`.
                let text = Array(cell.dropLast()) + Array("+0000".utf8)
                text.withUnsafeBufferPointer { writer.string($0) }
            default: cell.withUnsafeBufferPointer { writer.string($0) }
            }
        }
        writer.endObject()
        records.append(start..<writer.bytes.count)
        writer.endLine()
    }

    /// Whether the text is a number as JSON has it.
    private static func isNumber(_ cell: ArraySlice<UInt8>) -> Bool {
        guard let first = cell.first, first == UInt8(ascii: "-") || (0x30...0x39).contains(first) else { return false }
        return (try? JSONScanner.validate(Array(cell), limits: .record)) != nil
    }
}
