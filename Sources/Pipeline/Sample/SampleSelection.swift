// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezStaging
import MigratezTransform

/// The records that a sample moves: some that were asked for, and those that their links lead to.
///
/// It is kept in the run's manifest, so that a sample that was cut off is resumed as the sample that it was.
package struct SampleSelection: Sendable, Equatable {
    /// By stream, in the order in which they are read.
    package var ids: [String: [String]]

    /// The note in the manifest.
    static let noteKey = "sample"
    /// Behind the pipeline's name in lists of runs.
    static let marker = " (sample)"

    package var count: Int { ids.values.reduce(0) { $0 + $1.count } }

    /// The selection of a run that is a sample; `nil` for every other run.
    init?(notedIn manifest: ManifestView) throws {
        guard let text = try manifest.note(Self.noteKey) else { return nil }
        guard let value = try? JSONValue(parsing: Array(text.utf8)) else {
            throw MigratezError(.manifestDamaged, "the note about the records of a sample cannot be read")
        }
        ids = [:]
        for member in value.members { ids[member.key] = member.value.elements.compactMap(\.text) }
    }

    init(ids: [String: [String]]) { self.ids = ids }

    /// Notes it in the manifest: ids only.
    func note(in transaction: ManifestTransaction) throws {
        let members = ids.sorted { $0.key < $1.key }.map { stream, ids in
            JSONValue.Member(stream, .array(ids.map(JSONValue.string)))
        }
        let text = String(decoding: JSONValue.object(members).serialized(), as: UTF8.self)
        try transaction.setNote(Self.noteKey, text)
    }

    /// Chooses records.
    ///
    /// - Parameters:
    ///   - wanted: these records by stream; empty = the first `count` of every object.
    /// - Throws: `invalidSetting` for a stream that the pipeline does not have or a record that the source does not have.
    package static func choose(
        _ plan: PipelinePlan, from source: any Source, wanted: [String: [String]], count: Int
    ) async throws -> SampleSelection {
        let spec = plan.transform
        for name in wanted.keys.sorted() where !spec.objects.contains(where: { $0.stream.text == name }) {
            throw MigratezError(
                .invalidSetting, "the pipeline has no object '\(name)'", remedy: .fixConfiguration,
                hint: "it has \(spec.objects.map(\.stream.text).joined(separator: ", "))")
        }
        var selection = SampleSelection(ids: [:])
        var open: [StreamName: [Record]] = [:]
        for object in spec.objects {
            let records: [Record]
            if wanted.isEmpty {
                records = try await first(count, of: object, source)
            } else {
                let ids = wanted[object.stream.text] ?? []
                records = try await read(ids, of: object, source)
                if let missing = ids.first(where: { id in !records.contains { $0.id == id } }) {
                    throw MigratezError(
                        .invalidSetting, "the source has no \(object.stream) '\(missing)'", remedy: .fixConfiguration,
                        hint: "look at --ids")
                }
            }
            open[object.stream] = selection.add(records, of: object.stream)
        }
        try await selection.follow(&open, spec, source)
        return selection
    }

    /// Adds what the links of new records lead to, until nothing new comes.
    private mutating func follow(
        _ open: inout [StreamName: [Record]], _ spec: TransformSpec, _ source: any Source
    ) async throws {
        while let stream = spec.objects.map(\.stream).first(where: { open[$0]?.isEmpty == false }) {
            let records = open.removeValue(forKey: stream) ?? []
            for route in spec.routes where route.from == stream {
                guard let size = source.linkBatchSize(from: route.from, to: route.to),
                    let object = spec.object(route.to)
                else { continue }
                var ids: [String] = []
                for start in stride(from: 0, to: records.count, by: size) {
                    let batch = records[start..<min(start + size, records.count)]
                    let edges = try await source.readLinks(
                        from: route.from, to: route.to, of: batch.map { ($0.id, $0.bytes[...]) })
                    ids += edges.map(\.to)
                }
                let known = Set(self.ids[route.to.text] ?? [])
                var new: [String] = []
                var seen = known
                for id in ids where seen.insert(id).inserted { new.append(id) }
                // A link may lead to a record that is gone; the run finds that out by itself.
                let found = try await Self.read(new, of: object, source)
                open[route.to, default: []] += add(found, of: route.to)
            }
        }
    }

    /// Notes the records that are not in the selection yet, and returns these.
    private mutating func add(_ records: [Record], of stream: StreamName) -> [Record] {
        var known = Set(ids[stream.text] ?? [])
        let new = records.filter { known.insert($0.id).inserted }
        ids[stream.text, default: []] += new.map(\.id)
        return new
    }

    // MARK: Reading

    private struct Record {
        var id: String
        var bytes: [UInt8]
    }

    private static func first(_ count: Int, of object: ObjectSpec, _ source: any Source) async throws -> [Record] {
        var records: [Record] = []
        var cursor: Cursor?
        repeat {
            let page = try await source.readPage(of: object.stream, fields: object.sourceFields, after: cursor)
            records += try Self.records(in: page, of: object.stream, source)
            cursor = page.next
        } while records.count < count && cursor != nil
        return Array(records.prefix(count))
    }

    private static func read(_ ids: [String], of object: ObjectSpec, _ source: any Source) async throws -> [Record] {
        guard !ids.isEmpty else { return [] }
        let page = try await source.readRecords(of: object.stream, ids: ids, fields: object.sourceFields)
        let found = Dictionary(try records(in: page, of: object.stream, source).map { ($0.id, $0) }) { first, _ in first
        }
        return ids.compactMap { found[$0] }
    }

    private static func records(
        in page: Page, of stream: StreamName, _ source: any Source
    ) throws -> [Record] {
        let layout = source.layout(of: stream)
        var index = RecordIndex(fields: layout.fields)
        return try page.bytes.withUnsafeBufferPointer { bytes in
            try page.records.compactMap { range in
                let record = UnsafeBufferPointer(rebasing: bytes[range])
                try index.index(record)
                guard let id = index.topLevel(layout.id) ?? index.slice(layout.id) else { return nil }
                return Record(id: index.string(id, in: record), bytes: Array(record))
            }
        }
    }
}
