// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezModel

extension SourceConformance {
    /// How many slices are asked for.
    private static let sliceCounts = [2, 3, 8]

    static func checkSlices(_ subject: some SourceSubject) async throws {
        let isSliced = subject.sourceCapabilities.slicedBy != nil
        var cut: [ExpectedStream] = []
        for expected in subject.streams {
            for atMost in sliceCounts {
                let starts = try await subject.makeSource().slices(of: expected.stream, atMost: atMost)
                if starts.isEmpty { continue }
                try require(isSliced, "\(expected.stream) is cut, which the connector does not say")
                try require(
                    (2...atMost).contains(starts.count), "\(expected.stream): \(starts.count) slices of \(atMost)")
                try require(Set(starts).count == starts.count, "two slices of \(expected.stream) begin at one place")
                if cut.last?.stream != expected.stream { cut.append(expected) }
                try await read(subject, expected, starts).compare(expected)
            }
        }
        guard isSliced else { return }
        guard let editor = subject.editor, let expected = cut.first(where: { $0.stream == editor.stream }) else {
            throw ConformanceFailure("nobody edits an object that is cut into slices")
        }
        try await checkLaterRecord(subject, expected, editor)
    }

    /// A record that is created between the cut and the reading is in one slice.
    private static func checkLaterRecord(
        _ subject: some SourceSubject, _ expected: ExpectedStream, _ editor: AccountEditor
    ) async throws {
        let starts = try await subject.makeSource().slices(of: expected.stream, atMost: 3)
        let added = try await editor.create(1)
        let ids = try await read(subject, expected, starts).ids
        let times = ids.count { $0 == added }
        try require(times == 1, "a record of \(expected.stream) that was created meanwhile comes \(times) times")
        try require(ids.count == expected.records.count + 1, "\(ids.count) records of \(expected.stream)")
    }

    /// All slices, a page of each in turn, every page from another process and twice.
    private static func read(
        _ subject: some SourceSubject, _ expected: ExpectedStream, _ starts: [Cursor]
    ) async throws -> RecordCollector {
        let layout = try subject.makeSource().layout(of: expected.stream)
        var found = RecordCollector(layout, expected.fields)
        var open = starts
        var known = Set(starts)
        while !open.isEmpty {
            var following: [Cursor] = []
            for cursor in open {
                func page() async throws -> (Page, ids: [String]) {
                    let page = try await subject.makeSource()
                        .readPage(of: expected.stream, fields: expected.fields, after: cursor)
                    var records = RecordCollector(layout, [])
                    try records.take(page)
                    return (page, records.ids)
                }
                let (first, again) = (try await page(), try await page())
                try require(first.ids == again.ids, "a page of a slice is another one when it is read again")
                try found.take(first.0)
                guard let next = first.0.next else { continue }
                try require(known.insert(next).inserted, "a slice leads back, or into another one")
                following.append(next)
            }
            open = following
        }
        return found
    }
}
