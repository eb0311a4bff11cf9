// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezChunkFormat
import MigratezChunkLines
import MigratezConnectorKit
import MigratezJSON
package import MigratezModel
import MigratezStaging
import MigratezTransform

/// One record of a sample, side by side: what the source has, what was sent, what the destination has now.
package struct SampleComparison: Sendable {
    /// One field of the destination.
    package struct Field: Sendable {
        package var name: String
        /// Where the value comes from: `firstname`, an expression, `constant`, `link`.
        package var origin: String
        /// What the source has; `nil` = nothing.
        package var source: String?
        package var sent: String?
        package var held: String?
        /// Whether the destination holds what was sent, whatever its form.
        package var agrees: Bool
    }

    package var stream: StreamName
    package var sourceID: String
    package var object: String
    package var outcome: Outcome
    /// Why, if there is a why.
    package var code: String?
    package var targetID: String?
    package var sourceAddress: String?
    package var targetAddress: String?
    package var fields: [Field]

    /// Whether a record that was created is as it was sent; one that was there before keeps values of its own.
    package var agrees: Bool { outcome != .created || fields.allSatisfy(\.agrees) }

    /// Every record of a run, in the order of load; links that are records of their own are left out.
    package static func all(of run: Run) async throws -> [SampleComparison] {
        var comparisons: [SampleComparison] = []
        for stream in run.plan.transform.loadOrder {
            guard let object = run.plan.transform.object(stream) else { continue }
            comparisons += try await ComparisonMaker(run: run, object: object).make()
        }
        return comparisons
    }
}

/// Compares the records of one object.
private struct ComparisonMaker {
    let run: Run
    let object: ObjectSpec

    func make() async throws -> [SampleComparison] {
        let outcomes = try await run.staging.manifest.read {
            try $0.outcomes(of: object.stream, from: 0, limit: .max)
        }
        let ready = try await readyLines()
        let sources = try await sourceValues(outcomes.compactMap(\.sourceID))
        let parents = try await parents(of: Array(ready.values))
        let names = Set(
            ready.values.flatMap { line in
                Self.members(line.fields).map(\.key) + line.references.map(\.field)
            }
        ).sorted()
        var held: [String: ReadBack] = [:]
        let ids = outcomes.compactMap(\.targetID)
        for start in stride(from: 0, to: ids.count, by: run.destination.readBatchSize) {
            let batch = Array(ids[start..<min(start + run.destination.readBatchSize, ids.count)])
            for found in try await run.destination.read(object: object.target, ids: batch, fields: names) {
                held[found.id] = found
            }
        }
        var comparisons: [SampleComparison] = []
        for outcome in outcomes {
            let id = outcome.sourceID ?? ""
            var comparison = SampleComparison(
                stream: object.stream, sourceID: id, object: object.target, outcome: outcome.outcome,
                code: outcome.code, targetID: outcome.targetID, fields: [])
            comparison.sourceAddress = try await run.source.recordAddress(of: object.stream, id: id)
            if let target = outcome.targetID {
                comparison.targetAddress = try await run.destination.recordAddress(of: object.target, id: target)
            }
            if let line = ready[outcome.ordinal] {
                let back = outcome.targetID.flatMap { held[$0] }.map { Self.members($0.fields) } ?? []
                comparison.fields = fields(line, sources[id] ?? [:], back, parents)
            }
            comparisons.append(comparison)
        }
        return comparisons
    }

    private func fields(
        _ line: ReadyLine, _ source: [String: String], _ held: [JSONValue.Member],
        _ parents: [StreamName: [Int: RecordOutcome]]
    ) -> [SampleComparison.Field] {
        var sent = Self.members(line.fields)
        for reference in line.references {
            guard let id = parents[reference.stream]?[reference.ordinal]?.targetID else { continue }
            sent.append(.init(reference.field, .string(id)))
        }
        let held = JSONValue.object(held)
        return sent.map { member in
            let (origin, value) = origin(of: member.key, source)
            return SampleComparison.Field(
                name: member.key, origin: origin, source: value, sent: Self.text(member.value),
                held: held[member.key].flatMap(Self.text),
                agrees: FieldComparison.agree(member.value, held[member.key]))
        }
    }

    private func origin(of field: String, _ source: [String: String]) -> (String, String?) {
        guard let spec = object.field(field) else { return ("link", nil) }
        switch spec.origin {
        case .field(let name): return (name, source[name])
        case .constant: return ("constant", nil)
        case .expression(let expression):
            let values = expression.fieldNames.sorted().compactMap { name in source[name].map { "\(name)=\($0)" } }
            return ("expression", values.isEmpty ? nil : values.joined(separator: " "))
        }
    }

    // MARK: Reading

    private func readyLines() async throws -> [Int: ReadyLine] {
        var lines: [Int: ReadyLine] = [:]
        var reading = ReadyLineReader()
        for chunk in try await run.staging.chunks(of: object.stream, kind: .ready) {
            var reader = try run.staging.openChunkReader(chunk)
            var block: [UInt8] = []
            while try reader.next(into: &block) {
                for range in LineRanges(block) {
                    let record = try block[range].withUnsafeBufferPointer { try reading.read($0) }
                    lines[record.ordinal] = record
                }
            }
        }
        return lines
    }

    /// The fields that the mapping reads, as the source has them now: by id, then by name.
    private func sourceValues(_ ids: [String]) async throws -> [String: [String: String]] {
        guard !ids.isEmpty else { return [:] }
        let fields = object.sourceFields
        let layout = run.source.layout(of: object.stream)
        let page = try await run.source.readRecords(of: object.stream, ids: ids, fields: fields)
        var index = RecordIndex(fields: layout.fields)
        var values: [String: [String: String]] = [:]
        try page.bytes.withUnsafeBufferPointer { bytes in
            for range in page.records {
                let record = UnsafeBufferPointer(rebasing: bytes[range])
                try index.index(record)
                guard let id = index.topLevel(layout.id) ?? index.slice(layout.id) else { continue }
                var texts: [String: String] = [:]
                for name in fields {
                    if let slice = index.slice(name), !slice.isBlank { texts[name] = index.string(slice, in: record) }
                }
                values[index.string(id, in: record)] = texts
            }
        }
        return values
    }

    private func parents(of lines: [ReadyLine]) async throws -> [StreamName: [Int: RecordOutcome]] {
        var parents: [StreamName: [Int: RecordOutcome]] = [:]
        for stream in Set(lines.flatMap { $0.references.map(\.stream) }) {
            let ordinals = Set(lines.flatMap { $0.references.filter { $0.stream == stream }.map(\.ordinal) }).sorted()
            let rows = try await run.staging.manifest.read { try $0.outcomes(of: stream, ordinals: ordinals) }
            parents[stream] = Dictionary(rows.map { ($0.ordinal, $0) }) { first, _ in first }
        }
        return parents
    }

    private static func members(_ fields: [UInt8]) -> [JSONValue.Member] {
        fields.withUnsafeBufferPointer { JSONValue(validated: $0) }.members
    }

    private static func text(_ value: JSONValue) -> String? {
        if value.isNull { return nil }
        if let bool = value.bool { return bool ? "true" : "false" }
        return value.text ?? String(decoding: value.serialized(), as: UTF8.self)
    }
}
