// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezModel
import MigratezTestKit
import Synchronization
import Testing

/// The conformance check of slices finds what is wrong with them.
@Suite struct SliceConformanceTests {
    @Test func `slices that are right pass, and so does a source that is read in one piece`() async throws {
        try await SourceConformance.slices.check(NumberSubject(flaw: nil))
        try await SourceConformance.slices.check(NumberSubject(flaw: .isWhole, declares: false))
    }

    @Test(arguments: NumberSource.Flaw.allCases)
    func `slices that are not are found out`(flaw: NumberSource.Flaw) async throws {
        await #expect(throws: ConformanceFailure.self) {
            try await SourceConformance.slices.check(NumberSubject(flaw: flaw))
        }
    }

    @Test func `slices that the connector does not speak of are found out`() async throws {
        await #expect(throws: ConformanceFailure.self) {
            try await SourceConformance.slices.check(NumberSubject(flaw: nil, declares: false))
        }
    }
}

private let number = StreamName("number").unsafelyUnwrapped

private struct NumberSubject: SourceSubject {
    let flaw: NumberSource.Flaw?
    var declares = true
    let count = RecordCount()

    func makeSource() throws -> any Source { NumberSource(count: count, flaw: flaw) }
    var sourceCapabilities: SourceCapabilities {
        SourceCapabilities(routes: ["list"], slicedBy: declares ? "numbers" : nil, tellsChanges: false, links: nil)
    }
    var streams: [ExpectedStream] {
        let records = (0..<RecordCount.before).map { (String($0), [String: String?]()) }
        return [ExpectedStream(number, records: Dictionary(uniqueKeysWithValues: records))]
    }
    let links: [ExpectedLinks] = []
    let unlinked: (from: StreamName, to: StreamName)? = nil
    let peopleCount = 0

    var editor: AccountEditor? {
        let count = count
        return AccountEditor(number, create: { _ in String(count.add()) }, change: { _ in }, delete: { _ in })
    }
}

/// How many records there are.
final class RecordCount: Sendable {
    static let before = 40
    private let count = Mutex(before)

    var value: Int { count.withLock { $0 } }

    /// The number of the record that was added.
    func add() -> Int {
        count.withLock { count in
            defer { count += 1 }
            return count
        }
    }
}

/// The numbers from 0 on, in slices such as `10 20`, from the first number to before the second one; `30 -` is open.
struct NumberSource: Source {
    enum Flaw: CaseIterable {
        case isWhole, overlaps, hasGap, isClosed, runsOn, isTooMany, repeats
    }

    let count: RecordCount
    let flaw: Flaw?
    let name = "numbers"

    func slices(of object: StreamName, atMost: Int) async throws -> [Cursor] {
        guard flaw != .isWhole else { return [] }
        let slices = atMost + (flaw == .isTooMany ? 1 : 0)
        let starts = (0...slices).map { RecordCount.before * $0 / slices }
        return zip(starts, starts.dropFirst()).enumerated().map { slice, range in
            var (start, end) = (range.0, String(range.1))
            if slice == slices - 1, flaw != .isClosed { end = "-" }
            if slice > 0, flaw == .overlaps { start -= 1 }
            if slice > 0, flaw == .hasGap { start += 1 }
            if flaw == .repeats { (start, end) = (0, "-") }
            return Cursor("\(start) \(end)")
        }
    }

    func readPage(of object: StreamName, fields: [String], after cursor: Cursor?) async throws -> Page {
        let place = (cursor?.text ?? "0 -").split(separator: " ").map { Int($0) ?? .max }
        let (start, end) = (place[0], flaw == .runsOn ? count.value : min(place[1], count.value))
        var page = Page(bytes: [], records: [], next: nil)
        let last = min(start + 3, end)
        for number in start..<max(start, last) {
            let first = page.bytes.count
            page.bytes += Array("{\"id\":\"\(number)\"}".utf8)
            page.records.append(first..<page.bytes.count)
        }
        if last < end { page.next = Cursor("\(last) " + (place[1] == .max ? "-" : String(place[1]))) }
        return page
    }

    func discover(_ objects: [StreamName]) async throws -> [ObjectSchema] { [] }
    func layout(of object: StreamName) -> RecordLayout { RecordLayout(id: "id") }
    func count(of object: StreamName) async throws -> Int? { count.value }
    func linkBatchSize(from: StreamName, to: StreamName) -> Int? { nil }
    func readLinks(
        from: StreamName, to: StreamName, of records: [(id: String, bytes: ArraySlice<UInt8>)]
    ) async throws -> [Edge] { [] }
    func people() async throws -> [Person] { [] }
    func readRecords(of object: StreamName, ids: [String], fields: [String]) async throws -> Page {
        Page(bytes: [], records: [], next: nil)
    }
    func identity() async throws -> String { name }
    func account(for objects: [StreamName]) async throws -> AccountReport { AccountReport(account: name) }
}
