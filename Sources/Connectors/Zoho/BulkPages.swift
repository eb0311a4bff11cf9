// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// Pages of records from bulk read jobs: pieces of the CSV that a job has exported.
///
/// A cursor names the job and the place in its CSV, so that reading goes on in the same result as long as Zoho keeps it, for
/// a day. Then the records of that job are exported anew and come again from the first of them, since the order of an
/// export is not told: what was read twice is one record to those behind.
struct BulkPages: Sendable {
    /// Records of one piece unless the settings say otherwise, and its bytes as records.
    static let pieceRecords = 10_000
    private static let pieceBytesMax = 8 << 20
    /// What a job's CSV may have.
    private static let textBytesMax = 4 << 30
    private static let attemptsMax = 4

    let jobs: BulkReadJobs
    let results: BulkResults
    let clock: any WallClock
    let schema: ObjectSchema
    /// Names of the columns, without the id.
    let columns: [String]
    let recordsMax: Int

    func page(at place: BulkPlace) async throws -> Page {
        var place = place
        for _ in 0..<2 {
            if place.job == nil {
                place.job = try await jobs.create(
                    schema.name, fields: [ZohoModule.id] + columns, page: place.page, token: place.token)
            }
            guard let job = place.job else { break }
            do {
                if let page = try await page(of: job, at: place) { return page }
            } catch let error as MigratezError where BulkReadJobs.isGone(error) {}
            results.drop(job)
            place = BulkPlace(page: place.page, token: place.token)
        }
        throw MigratezError(
            .requestRefused, "the results of bulk reads of \(schema.name) are gone before they are read",
            remedy: .retry(after: nil))
    }

    /// - Returns: `nil` if the job is not there any more.
    private func page(of job: String, at place: BulkPlace) async throws -> Page? {
        let (parser, result): (BulkReadParser, BulkReadJobs.Result)
        if let held = results[job] {
            (parser, result) = (try unpacked(held.archive, job, place), held.result)
        } else {
            guard let told = try await jobs.result(of: job, schema.name) else { return nil }
            result = told
            parser = told.records == 0 ? parserOfNothing(place) : try await downloaded(told, job, place)
        }
        var page = parser.page
        if let next = parser.next {
            page.next = BulkPlace(page: place.page, token: place.token, job: job, byte: next.byte, row: next.row).cursor
            return page
        }
        guard parser.rows == result.records else {
            throw MigratezError(
                .brokenResponse,
                "bulk read \(job) holds \(parser.rows) records of \(schema.name), of \(result.records)",
                remedy: .retry(after: nil))
        }
        results.drop(job)
        if result.hasMore {
            guard result.records > 0 else {
                throw MigratezError(
                    .cursorLoop, "bulk reads of \(schema.name) come to no end", remedy: .retry(after: nil))
            }
            page.next = BulkPlace(page: place.page + 1, token: result.nextToken).cursor
        }
        return page
    }

    private func parserOfNothing(_ place: BulkPlace) -> BulkReadParser {
        BulkReadParser(schema, columns, place, recordsMax: recordsMax, bytesMax: Self.pieceBytesMax)
    }

    /// The piece from an archive that was found whole before.
    private func unpacked(_ archive: [UInt8], _ job: String, _ place: BulkPlace) throws -> BulkReadParser {
        var parser = parserOfNothing(place)
        let zip = try ZipReader("the result of bulk read \(job)", bytesMax: Self.textBytesMax)
        for start in stride(from: 0, to: archive.count, by: 64 << 10) where !parser.isFull {
            try zip.feed(Array(archive[start..<min(start + 64 << 10, archive.count)])) { try parser.feed($0) }
        }
        if !parser.isFull { try parser.finish() }
        return parser
    }

    /// The piece from a download, which is read to its end: nothing is given out of a result that is damaged.
    private func downloaded(
        _ result: BulkReadJobs.Result, _ job: String, _ place: BulkPlace
    ) async throws -> BulkReadParser {
        var attempt = 1
        while true {
            do {
                var parser = parserOfNothing(place)
                let zip = try ZipReader("the result of bulk read \(job)", bytesMax: Self.textBytesMax)
                var archive: [UInt8]? = []
                try await jobs.calls.download(result.place) { bytes in
                    try Task.checkCancellation()
                    try zip.feed(bytes) { try parser.feed($0) }
                    if let count = archive?.count {
                        if count + bytes.count > BulkResults.bytesMax { archive = nil } else { archive? += bytes }
                    }
                }
                try zip.finish()
                if !parser.isFull { try parser.finish() }
                if let archive, parser.isFull { results.keep(job, .init(result: result, archive: archive)) }
                return parser
            } catch let error as MigratezError where error.mayPassAnew && attempt < Self.attemptsMax {
                try await clock.sleep(for: .seconds(1 << attempt))
                attempt += 1
            }
        }
    }
}

/// A place in what bulk jobs export: `bulk <page> <token> <job> <byte> <row>`, `-` where there is none. Without a job, the
/// page has still to be exported.
struct BulkPlace: Equatable {
    private static let none = "-"

    var page = 1
    var token: String?
    var job: String?
    /// Where in the CSV of the job it is, and how many records are before it.
    var byte = 0
    var row = 0

    init(page: Int = 1, token: String? = nil, job: String? = nil, byte: Int = 0, row: Int = 0) {
        (self.page, self.token, self.job, self.byte, self.row) = (page, token, job, byte, row)
    }

    /// `nil` if it is none.
    init?(_ parts: [String]) {
        guard parts.count == 6, parts[0] == "bulk", let page = Int(parts[1]), let byte = Int(parts[4]),
            let row = Int(parts[5]), page > 0, byte >= 0, row >= 0, parts[3] == Self.none || ZohoID.isID(parts[3])
        else { return nil }
        self.init(
            page: page, token: parts[2] == Self.none ? nil : parts[2], job: parts[3] == Self.none ? nil : parts[3],
            byte: byte, row: row)
    }

    var cursor: Cursor {
        Cursor("bulk \(page) \(token ?? Self.none) \(job ?? Self.none) \(byte) \(row)")
    }
}
