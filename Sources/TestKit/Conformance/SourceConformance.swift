// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// What every source must do, whatever it reads from. A connector that does not pass is not listed.
package enum SourceConformance: String, Sendable, CaseIterable {
    case discovery = "the fields that records have are discovered, each once"
    case fullRead = "every record is read once, with its values as they are"
    case resume = "reading goes on at every page in another process, and a page can be read twice"
    case changes = "what was made, changed or deleted since is told by reading again, and nothing else"
    case slices = "slices are disjoint, hold every record, later ones too, and can be gone on with at every page"
    case recordsByID = "records are read by id, and one that does not exist is absent"
    case counts = "a count that is told is the number of records"
    case links = "links are read to the last one, and twice the same"
    case unlinked = "objects that nothing links are named as such"
    case people = "people come with those who left, each once"
    case contents = "contents are read to their last byte, twice the same, and one that is gone is said to be"
    case identity = "the account is told from others, in the same words each time"

    /// - Throws: `ConformanceFailure`, or what the connector threw.
    package func check(_ subject: some SourceSubject) async throws {
        switch self {
        case .discovery: try await Self.checkDiscovery(subject)
        case .fullRead: try await Self.checkFullRead(subject)
        case .resume: try await Self.checkResume(subject)
        case .changes: try await Self.checkChanges(subject)
        case .slices: try await Self.checkSlices(subject)
        case .recordsByID: try await Self.checkRecordsByID(subject)
        case .counts: try await Self.checkCounts(subject)
        case .links: try await Self.checkLinks(subject)
        case .unlinked: try await Self.checkUnlinked(subject)
        case .people: try await Self.checkPeople(subject)
        case .contents: try await Self.checkContents(subject)
        case .identity: try await Self.checkIdentity(subject)
        }
    }

    private static func checkDiscovery(_ subject: some SourceSubject) async throws {
        let source = try subject.makeSource()
        let schemas = try await source.discover(subject.streams.map(\.stream))
        try require(schemas.count == subject.streams.count, "\(schemas.count) schemas for \(subject.streams.count)")
        for (expected, schema) in zip(subject.streams, schemas) {
            let names = schema.fields.map(\.name)
            try require(Set(names).count == names.count, "\(expected.stream) has a field twice")
            if schema.isOpen { continue }
            for field in expected.fields {
                try require(names.contains(field), "\(expected.stream).\(field) was not discovered")
            }
        }
    }

    private static func checkFullRead(_ subject: some SourceSubject) async throws {
        let source = try subject.makeSource()
        for expected in subject.streams {
            var found = RecordCollector(source.layout(of: expected.stream), expected.fields)
            for page in try await pages(source, expected) { try found.take(page) }
            try found.compare(expected)
        }
    }

    private static func checkResume(_ subject: some SourceSubject) async throws {
        var pageCount = 0
        for expected in subject.streams {
            let layout = try subject.makeSource().layout(of: expected.stream)
            var found = RecordCollector(layout, expected.fields)
            var cursor: Cursor?
            var cursors: Set<Cursor> = []
            repeat {
                let page = try await subject.makeSource()
                    .readPage(of: expected.stream, fields: expected.fields, after: cursor)
                // A page that a crash cost is read again by its cursor.
                let again = try await subject.makeSource()
                    .readPage(of: expected.stream, fields: expected.fields, after: cursor)
                var (one, two) = (RecordCollector(layout, expected.fields), RecordCollector(layout, expected.fields))
                try one.take(page)
                try two.take(again)
                try require(one.ids == two.ids, "a page of \(expected.stream) is another one when it is read again")
                try found.take(page)
                pageCount += 1
                cursor = page.next
                if let cursor {
                    try require(cursors.insert(cursor).inserted, "\(expected.stream) leads back to \(cursor.text)")
                }
            } while cursor != nil
            try found.compare(expected)
        }
        try require(pageCount > subject.streams.count, "no object of the subject has more than one page")
    }

    private static func checkRecordsByID(_ subject: some SourceSubject) async throws {
        let source = try subject.makeSource()
        for expected in subject.streams {
            let ids = expected.records.keys.sorted().prefix(3)
            var missing = "9"
            while expected.records[missing] != nil { missing += "9" }
            let page = try await source.readRecords(
                of: expected.stream, ids: Array(ids) + [missing], fields: expected.fields)
            try require(page.next == nil, "records by id come on one page")
            var found = RecordCollector(source.layout(of: expected.stream), expected.fields)
            try found.take(page)
            try require(Set(found.ids) == Set(ids), "\(expected.stream): \(found.ids) instead of \(Array(ids))")
        }
    }

    private static func checkCounts(_ subject: some SourceSubject) async throws {
        let source = try subject.makeSource()
        for expected in subject.streams {
            guard let count = try await source.count(of: expected.stream) else { continue }
            try require(count == expected.records.count, "\(expected.stream): \(count) of \(expected.records.count)")
        }
    }

    private static func checkLinks(_ subject: some SourceSubject) async throws {
        try require((subject.sourceCapabilities.links == nil) == subject.links.isEmpty, "links are not as declared")
        let source = try subject.makeSource()
        for expected in subject.links {
            guard let size = source.linkBatchSize(from: expected.from, to: expected.to), size > 0 else {
                throw ConformanceFailure("there are no links from \(expected.from) to \(expected.to)")
            }
            guard let stream = subject.streams.first(where: { $0.stream == expected.from }) else {
                throw ConformanceFailure("the subject has no records of \(expected.from)")
            }
            let labels = Set(try await source.linkLabels(from: expected.from, to: expected.to))
            let others = Set(expected.edges.compactMap(\.label)).subtracting(labels)
            try require(
                labels.isEmpty || others.isEmpty,
                "\(expected.from) to \(expected.to): \(others.sorted()) are not among the labels that there may be")
            let layout = source.layout(of: expected.from)
            for _ in 0..<2 {
                var edges: [Edge] = []
                for page in try await pages(source, stream) {
                    var records = RecordCollector(layout, [])
                    try records.take(page)
                    let all = zip(records.ids, page.records).map { (id: $0, bytes: page.bytes[$1]) }
                    for start in stride(from: 0, to: all.count, by: size) {
                        let batch = Array(all[start..<min(start + size, all.count)])
                        edges += try await source.readLinks(from: expected.from, to: expected.to, of: batch)
                    }
                }
                try require(
                    Set(edges) == expected.edges,
                    "\(expected.from) to \(expected.to): \(Set(edges).subtracting(expected.edges).count) links too many, "
                        + "\(expected.edges.subtracting(edges).count) missing")
                try require(edges.count == expected.edges.count, "\(expected.from) to \(expected.to): links come twice")
            }
        }
    }

    private static func checkUnlinked(_ subject: some SourceSubject) async throws {
        guard let (from, to) = subject.unlinked else { return }
        let source = try subject.makeSource()
        guard source.linkBatchSize(from: from, to: to) != nil else { return }
        guard let stream = subject.streams.first(where: { $0.stream == from }) else {
            throw ConformanceFailure("the subject has no records of \(from)")
        }
        let page = try await source.readPage(of: from, fields: stream.fields, after: nil)
        var found = RecordCollector(source.layout(of: from), [])
        try found.take(page)
        let records = zip(found.ids, page.records).map { (id: $0, bytes: page.bytes[$1]) }
        let error = try await requireError("a link that cannot be") {
            _ = try await source.readLinks(from: from, to: to, of: records)
        }
        try require(error.code == .notSupported && error.hint != nil, "\(error) does not tell the way out")
    }

    private static func checkPeople(_ subject: some SourceSubject) async throws {
        let people = try await subject.makeSource().people()
        try require(people.count == subject.peopleCount, "\(people.count) people of \(subject.peopleCount)")
        try require(Set(people.map(\.id)).count == people.count, "somebody comes twice")
    }

    private static func checkIdentity(_ subject: some SourceSubject) async throws {
        let first = try await subject.makeSource().identity()
        let second = try await subject.makeSource().identity()
        try require(first == second && !first.isEmpty, "'\(first)' and '\(second)'")
    }

    /// All pages of an object; a source that never ends is stopped.
    static func pages(_ source: any Source, _ expected: ExpectedStream) async throws -> [Page] {
        var pages: [Page] = []
        var cursor: Cursor?
        repeat {
            let page = try await source.readPage(of: expected.stream, fields: expected.fields, after: cursor)
            pages.append(page)
            cursor = page.next
            try require(pages.count <= expected.records.count + 10, "\(expected.stream) has no end")
        } while cursor != nil
        return pages
    }
}

/// Records of pages, by id.
struct RecordCollector {
    private let layout: RecordLayout
    private let fields: [String]
    private(set) var ids: [String] = []
    private var records: [String: [String: String?]] = [:]

    init(_ layout: RecordLayout, _ fields: [String]) {
        self.layout = layout
        self.fields = fields
    }

    mutating func take(_ page: Page) throws {
        try require(page.malformed.isEmpty, "\(page.malformed.count) records cannot be read")
        for range in page.records {
            let record = try JSONValue(parsing: Array(page.bytes[range]))
            guard let id = record[layout.id]?.text else { throw ConformanceFailure("a record has no id") }
            let values = layout.fields.flatMap { record[$0] }
            ids.append(id)
            for field in fields {
                let value = values?[field] ?? record[field]
                records[id, default: [:]][field] = .some(value?.bool.map { $0 ? "true" : "false" } ?? value?.text)
            }
        }
    }

    func compare(_ expected: ExpectedStream) throws(ConformanceFailure) {
        let counts = Dictionary(ids.map { ($0, 1) }, uniquingKeysWith: +)
        let missing = expected.records.keys.filter { counts[$0] == nil }.sorted()
        try require(missing.isEmpty, "\(expected.stream): \(missing.count) records are missing, \(missing.prefix(3))")
        let others = counts.keys.filter { expected.records[$0] == nil }.sorted()
        try require(others.isEmpty, "\(expected.stream): \(others.count) records are not there, \(others.prefix(3))")
        let doubled = counts.filter { $0.value > 1 }.keys.sorted()
        try require(doubled.isEmpty, "\(expected.stream): \(doubled.prefix(3)) come twice")
        for (id, values) in expected.records {
            for (field, value) in values {
                let found = records[id]?[field] ?? nil
                try require(found == value, "\(expected.stream) \(id): \(field) is another value")
            }
        }
    }
}
