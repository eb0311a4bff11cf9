// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezConnectorKit
import MigratezJSON
package import MigratezModel
import Synchronization

/// A source that lives in memory: records as texts, links as edges, and faults on demand.
///
/// Cursors are the number of the record that a page begins with, so that a call may be repeated at any time: `20`, and
/// `20 40` in a slice that ends before the record 40.
package final class MemorySource: Source {
    /// How a source misbehaves.
    package struct Faults: Sendable {
        /// `readPage` and `readLinks` with these numbers, from 1 in the order of the calls, throw `failure`.
        package var failingCalls: Set<Int> = []
        package var failure = MigratezError(.serverFailed, "the source failed as told", remedy: .retry(after: nil))
        /// The page that begins here names `cursorsReplaced[here]` as the next one.
        package var cursorsReplaced: [Int: Int] = [:]
        /// The content of the record with this id breaks off with `failure` after so many bytes, so many times.
        package var contentsCutOff: [String: (after: Int, times: Int)] = [:]

        package init() {}
    }

    package let name = "memory"
    /// The records of each stream: JSON objects, or `nil` for one that cannot be read.
    package let records: [StreamName: [String?]]
    package let links: [StreamName: [Edge]]
    package let pageRecordsMax: Int
    package let linkBatchMax: Int
    /// Into so many slices a stream is cut at most, of at least one page each.
    package let slicesMax: Int
    /// The contents of each stream that has any, by id; a record without one has none to give.
    package let contents: [StreamName: [String: [UInt8]]]
    private let contentSchema: ContentSchema
    private let layouts: [StreamName: RecordLayout]
    private let state: Mutex<(faults: Faults, calls: Int, asked: [[String]], contents: [String])>

    /// - Parameters:
    ///   - links: the edges of each link stream (`contact-to-company`), in the order in which a record has them.
    ///   - layouts: `id` at the top and no nested fields where nothing is said.
    package init(
        records: [StreamName: [String?]], links: [StreamName: [Edge]] = [:], pageRecordsMax: Int = 100,
        linkBatchMax: Int = 10, slicesMax: Int = 1, layouts: [StreamName: RecordLayout] = [:],
        contents: [StreamName: [String: [UInt8]]] = [:], contentSchema: ContentSchema = ContentSchema(field: "content"),
        faults: Faults = Faults()
    ) {
        self.contents = contents
        self.contentSchema = contentSchema
        self.records = records
        self.links = links
        self.pageRecordsMax = pageRecordsMax
        self.linkBatchMax = linkBatchMax
        self.slicesMax = slicesMax
        self.layouts = layouts
        state = Mutex((faults, 0, [], []))
    }

    /// How many pages and batches of links have been asked for.
    package var calls: Int { state.withLock { $0.calls } }
    /// The ids of each batch of links that was asked for.
    package var linksAskedFor: [[String]] { state.withLock { $0.asked } }

    /// The ids of the records whose contents were asked for.
    package var contentsAskedFor: [String] { state.withLock { $0.contents } }

    /// Misbehaves differently from now on.
    package func set(_ faults: Faults) { state.withLock { $0.faults = faults } }

    package func discover(_ objects: [StreamName]) async throws -> [ObjectSchema] {
        objects.map { object in
            ObjectSchema(
                name: object.text, label: object.text, fields: [], isOpen: true,
                content: contents[object].map { _ in contentSchema })
        }
    }

    package func layout(of object: StreamName) -> RecordLayout { layouts[object] ?? RecordLayout(id: "id") }

    package func readPage(of object: StreamName, fields: [String], after cursor: Cursor?) async throws -> Page {
        let faults = try enter()
        let all = records[object] ?? []
        let place = cursor?.text.split(separator: " ").compactMap { Int($0) } ?? []
        let start = place.first ?? 0
        let sliceEnd = place.count > 1 ? place[1] : all.count
        let end = min(start + pageRecordsMax, sliceEnd)
        // Pretty-printed between and within records, as a source may.
        var bytes = Array("{\n  \"results\": [\n".utf8)
        var ranges: [Range<Int>] = []
        var malformed: [MalformedRecord] = []
        for number in start..<max(start, end) {
            guard let record = all[number] else {
                malformed.append(
                    MalformedRecord(locator: "line \(number + 1)", reason: "not an object", bytes: [0xFF, 0x00]))
                continue
            }
            let first = bytes.count
            bytes += record.utf8
            ranges.append(first..<bytes.count)
            bytes += ",\n".utf8
        }
        let next = faults.cursorsReplaced[start] ?? end
        let isLast = next >= sliceEnd
        let following = place.count > 1 ? "\(next) \(sliceEnd)" : String(next)
        return Page(
            bytes: bytes, records: ranges, next: isLast ? nil : Cursor(following), malformed: malformed)
    }

    /// Slices of about the same length; the last one is open.
    package func slices(of object: StreamName, atMost: Int) async throws -> [Cursor] {
        let count = records[object]?.count ?? 0
        let number = min(atMost, slicesMax, (count + pageRecordsMax - 1) / pageRecordsMax)
        guard number > 1 else { return [] }
        return (0..<number).map { slice in
            let (start, end) = (count * slice / number, count * (slice + 1) / number)
            return Cursor(slice == number - 1 ? String(start) : "\(start) \(end)")
        }
    }

    package func count(of object: StreamName) async throws -> Int? { records[object]?.count }

    package func linkBatchSize(from: StreamName, to: StreamName) -> Int? {
        StreamName.link(from: from, to: to).flatMap { links[$0] } == nil ? nil : linkBatchMax
    }

    package func readLinks(
        from: StreamName, to: StreamName, of records: [(id: String, bytes: ArraySlice<UInt8>)]
    ) async throws -> [Edge] {
        precondition(records.count <= linkBatchMax, "more ids than the source takes")
        _ = try enter()
        state.withLock { $0.asked.append(records.map(\.id)) }
        // Others overtake: an order that depends on the answers' order shows.
        for _ in 0..<(records.first?.id.utf8.count ?? 0) { await Task.yield() }
        guard let stream = StreamName.link(from: from, to: to), let edges = links[stream] else { return [] }
        let byFrom = Dictionary(grouping: edges, by: \.from)
        return records.flatMap { byFrom[$0.id] ?? [] }
    }

    package func readContent(
        of object: StreamName, id: String, record: ArraySlice<UInt8>, piece: ([UInt8]) async throws -> Void
    ) async throws {
        let (cutOff, failure) = state.withLock { state -> (Int?, MigratezError) in
            state.contents.append(id)
            guard let cutOff = state.faults.contentsCutOff[id], cutOff.times > 0 else {
                return (nil, state.faults.failure)
            }
            state.faults.contentsCutOff[id]?.times -= 1
            return (cutOff.after, state.faults.failure)
        }
        guard let content = contents[object]?[id] else {
            throw Rejection(.contentUnavailable, remedy: .retry(after: nil), vendorCode: "GONE", vendorText: "no \(id)")
        }
        let end = min(cutOff ?? content.count, content.count)
        for start in stride(from: 0, to: end, by: 70_000) {
            await Task.yield()
            try await piece(Array(content[start..<min(start + 70_000, end)]))
        }
        if cutOff != nil { throw failure }
    }

    package func people() async throws -> [Person] { [] }

    package func readRecords(of object: StreamName, ids: [String], fields: [String]) async throws -> Page {
        var page = Page(bytes: [], records: [], next: nil)
        for record in (records[object] ?? []).compactMap(\.self) {
            guard let id = try? JSONValue(parsing: Array(record.utf8))[layout(of: object).id]?.text, ids.contains(id)
            else { continue }
            let start = page.bytes.count
            page.bytes += record.utf8
            page.records.append(start..<page.bytes.count)
        }
        return page
    }

    package func identity() async throws -> String { "memory" }
    package func account(for objects: [StreamName]) async throws -> AccountReport { AccountReport(account: "memory") }

    private func enter() throws -> Faults {
        try state.withLock { state in
            state.calls += 1
            if state.faults.failingCalls.contains(state.calls) { throw state.faults.failure }
            return state.faults
        }
    }
}
