// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
package import MigratezCrypto
import MigratezJSON
package import MigratezModel
import MigratezStaging

/// A person's request to have what is staged of her put right before it is loaded.
///
/// Of an object that was not mapped yet, fields of the source are corrected in the raw chunks; of one that was, fields of
/// the destination in the ready chunks. Only the values of the named fields change, and only in fields that the record
/// has. The chunks are sealed anew, and what they held before can be opened by nobody.
package struct SubjectCorrection: Sendable {
    /// The new values: for each object, fields and their JSON values.
    package struct Values: Sendable {
        var byStream: [StreamName: [JSONValue.Member]] = [:]

        /// Reads `{"contact": {"lastname": "Lovelace"}}`.
        ///
        /// - Throws: `invalidSetting` if it is something else; no value is repeated.
        package init(parsing document: [UInt8]) throws(MigratezError) {
            func invalid(_ what: String) -> MigratezError {
                MigratezError(
                    .invalidSetting, "the corrections \(what)", remedy: .fixConfiguration,
                    hint: #"write {"contact": {"lastname": "New name"}}: objects, their fields, the right values"#)
            }
            let root: JSONValue
            do throws(JSONFailure) { root = try JSONValue(parsing: document) } catch { throw invalid("are no JSON") }
            for object in root.members {
                guard let stream = StreamName(object.key) else { throw invalid("name no object") }
                let fields = object.value.members
                guard !fields.isEmpty else { throw invalid("of '\(stream)' name no field") }
                for field in fields {
                    switch field.value {
                    case .array, .object: throw invalid("of '\(stream).\(field.key)' are no single value")
                    case .null, .bool, .number, .string: continue
                    }
                }
                byStream[stream] = fields
            }
            if byStream.isEmpty { throw invalid("name no object") }
        }
    }

    package struct Receipt: Sendable {
        package var subject: Pseudonym
        package var corrected: [SubjectRecord] = []
        /// Records that stay as they are: loaded, rejected, or with an end already.
        package var left: [SubjectRecord] = []
        package var chunks: [ChunkAddress] = []
    }

    private let wanted: SubjectIdentifiers
    private let values: Values
    private let staging: StagingArea
    private let layout: @Sendable (StreamName) -> RecordLayout

    /// - Parameter layout: where the source keeps fields in a record.
    init(
        _ wanted: SubjectIdentifiers, _ values: Values, in staging: StagingArea,
        layout: @escaping @Sendable (StreamName) -> RecordLayout
    ) {
        self.wanted = wanted
        self.values = values
        self.staging = staging
        self.layout = layout
    }

    /// - Throws: `invalidSetting`, and nothing is changed, if an object or a field is not there; `wrongRunState` as
    ///   `SubjectRequest`.
    func apply(by person: String) async throws -> Receipt {
        let scan = SubjectScan(run: staging)
        try await scan.requireRest(of: staging.folder.run)
        let records = try await scan.records(of: wanted)
        var receipt = Receipt(subject: wanted.subject)
        var changes: [(chunk: Chunk, lines: [Int: [UInt8]])] = []
        for (stream, members) in values.byStream.sorted(by: { $0.key.text < $1.key.text }) {
            guard let status = try await scan.objects().first(where: { $0.name == stream }) else {
                throw MigratezError(
                    .invalidSetting, "the run has no object '\(stream)'", remedy: .fixConfiguration)
            }
            let own = records.filter { $0.stream == stream }
            let open = own.filter { $0.outcome == nil && $0.hold == nil }
            receipt.left += own.filter { $0.outcome != nil || $0.hold != nil }
            receipt.corrected += open
            let isMapped = status.state(of: .transform) == .done
            let layout = layout(stream)
            if !isMapped, members.contains(where: { $0.key == layout.id }) {
                throw MigratezError(
                    .invalidSetting, "'\(stream).\(layout.id)' is the record's id, which stays",
                    remedy: .fixConfiguration)
            }
            changes += try await lines(
                of: stream, isMapped ? .ready : .raw, Set(open.map(\.ordinal)), scan,
                fields: isMapped ? "fields" : layout.fields, members)
        }
        let counts = Dictionary(grouping: receipt.corrected, by: \.stream).mapValues(\.count)
        try await staging.manifest.commit { transaction in
            for (stream, count) in counts.sorted(by: { $0.key.text < $1.key.text }) {
                try transaction.audit(actor: person, action: "correct", detail: "\(count) of \(stream)")
            }
        }
        for (chunk, lines) in changes {
            try await staging.replaceLines(of: chunk) { number, _ in lines[number] }
            receipt.chunks.append(chunk.address)
        }
        return receipt
    }

    /// The corrected lines, chunk by chunk.
    private func lines(
        of stream: StreamName, _ kind: ChunkKind, _ records: Set<Int>, _ scan: SubjectScan, fields: String?,
        _ members: [JSONValue.Member]
    ) async throws -> [(chunk: Chunk, lines: [Int: [UInt8]])] {
        var index = RecordIndex(fields: fields)
        var changes: [(chunk: Chunk, lines: [Int: [UInt8]])] = []
        try await scan.forEachLine(of: stream, kind, about: records) { line, _ in
            let corrected = try Self.corrected(line.bytes, &index, members, stream)
            if changes.last?.chunk.id == line.chunk.id {
                changes[changes.count - 1].lines[line.number] = corrected
            } else {
                changes.append((line.chunk, [line.number: corrected]))
            }
        }
        return changes
    }

    /// The line with other values and all other bytes as they were.
    private static func corrected(
        _ line: UnsafeBufferPointer<UInt8>, _ index: inout RecordIndex, _ members: [JSONValue.Member],
        _ stream: StreamName
    ) throws -> [UInt8] {
        try index.index(line)
        var places: [(range: Range<Int>, value: [UInt8])] = []
        for member in members {
            guard let slice = index.slice(member.key) else {
                throw MigratezError(
                    .invalidSetting, "a record of '\(stream)' has no field '\(member.key)'", remedy: .fixConfiguration,
                    hint: "before the mapping fields have the source's names, after it the destination's")
            }
            places.append((slice.range, member.value.serialized()))
        }
        var corrected = Array(line)
        for place in places.sorted(by: { $0.range.lowerBound > $1.range.lowerBound }) {
            corrected.replaceSubrange(place.range, with: place.value)
        }
        return corrected + [UInt8(ascii: "\n")]
    }
}
