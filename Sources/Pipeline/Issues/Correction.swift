// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezChunkLines
import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezStaging
import MigratezTransform

/// The mapping of a stream as it is now, for records that were rejected by it or after it.
struct CorrectionRules: Sendable {
    let stream: StreamName
    /// The destination's fields that a person may correct, in the order of the pipeline file.
    let fields: [String]
    private let object: ObjectSpec?
    private let layout: RecordLayout?
    private let mapper: RecordMapper?
    private let schema: ObjectSchema?
    /// Lookup fields without which a record is not brought.
    private let neededLinks: Set<String>

    /// Whether the stream is one of links.
    var isOfLinks: Bool { object == nil }

    /// The rules of every object and of every link that becomes a record.
    static func all(_ run: Run, _ setup: RunSetup) async throws -> [CorrectionRules] {
        let spec = run.plan.transform
        let begun = try await run.staging.manifest.read { try $0.run() }
        return try all(run.plan, run.source, setup, started: begun.createdAt, id: run.id, spec)
    }

    static func all(
        _ plan: PipelinePlan, _ source: any Source, _ setup: RunSetup, started: Timestamp, id: RunID,
        _ spec: TransformSpec
    ) throws -> [CorrectionRules] {
        let context = MappingContext(
            spec: spec, run: RunVariables(started: started, id: id.text, pipeline: plan.name), people: setup.people,
            sourceSchemas: setup.sourceSchemas, targetSchemas: setup.targetSchemas)
        let objects = try spec.loadOrder.compactMap { stream -> CorrectionRules? in
            guard let object = spec.object(stream) else { return nil }
            let needed = spec.routes.filter { $0.from == stream && $0.onMissing == .quarantine }.compactMap(\.field)
            return CorrectionRules(
                stream: stream, fields: object.fields.map(\.target), object: object,
                layout: source.layout(of: stream), mapper: try RecordMapper(object, context: context),
                schema: setup.targetSchemas[object.target], neededLinks: Set(needed))
        }
        let junctions = spec.routes.filter { !$0.isLookup }.map { route in
            CorrectionRules(
                stream: route.stream, fields: route.map.keys.sorted(), object: nil, layout: nil, mapper: nil,
                schema: setup.targetSchemas[route.object], neededLinks: [])
        }
        return objects + junctions
    }

    /// What was counted of records that `mapped` brought back, or a person.
    func takeCounts() -> [FieldCount] { mapper?.tally.takeCounts() ?? [] }

    /// Counts a record that a person corrected; what a record that had been mapped before gained and lost by it comes
    /// back, as the tally knows new records only.
    func count(_ change: CorrectedFields) -> [FieldCount] {
        guard let mapper else { return [] }
        switch change {
        case .new(let marks):
            mapper.tally.add(marks)
            return []
        case .mappedBefore(let filled, let emptied):
            let name = MappingTally.Event.filled.name
            return filled.map { FieldCount(field: fields[$0], measure: name, count: 1) }
                + emptied.map { FieldCount(field: fields[$0], measure: name, count: -1) }
        }
    }

    /// Whether the record lacks a link that the pipeline does not let it come without.
    func isStoppedByLink(_ reject: RejectLine.Parsed) -> Bool {
        reject.stage == .transform && reject.code == ErrorCode.parentMissing.description
            && !neededLinks.isDisjoint(with: reject.fields)
    }

    /// The record, mapped by the rules as they are now; nil if they still refuse it, or leave it out.
    func mapped(_ reject: RejectLine.Parsed) throws -> Ready? {
        guard !isStoppedByLink(reject) else { return nil }
        return try reject.record.withUnsafeBufferPointer { record in
            if reject.stage == .load {
                var reader = ReadyLineReader()
                return Ready(line: try reader.read(record))
            }
            guard let layout, let mapper else { return nil }
            var index = RecordIndex(fields: layout.fields)
            try index.indexLine(record)
            guard let id = index.sourceID(layout, in: record) else { return nil }
            var writer = JSONWriter()
            var marks = MappingMarks()
            guard mapper.map(index, record, into: &writer, marks: &marks) == .mapped else { return nil }
            mapper.tally.add(marks)
            return Ready(
                line: ReadyLine(
                    ordinal: reject.ordinal, sourceID: id, fields: writer.bytes, references: reject.references,
                    provenance: reject.provenance),
                hasSubstituteOwner: marks.contains(.personReplaced))
        }
    }

    /// A record that is ready again.
    struct Ready: Sendable {
        var line: ReadyLine
        var hasSubstituteOwner = false
    }

    /// What the destination's fields would get, and the frame of the ready line; nil if the record has no id to be known
    /// by, so that nothing can be corrected here.
    func draft(_ reject: RejectLine.Parsed) throws -> Draft? {
        try reject.record.withUnsafeBufferPointer { record in
            if reject.stage == .load {
                var reader = ReadyLineReader()
                let line = try reader.read(record)
                let values = line.fields.withUnsafeBufferPointer { JSONValue(validated: $0) }
                return Draft(line: line, values: fields.map { values[$0] }, events: nil)
            }
            guard let layout, let mapper else { return nil }
            var index = RecordIndex(fields: layout.fields)
            try index.indexLine(record)
            guard MalformedLine.locator(record, index) == nil, let id = index.sourceID(layout, in: record) else {
                return nil
            }
            let previews = mapper.preview(index, record)
            let values = previews.map { preview in
                preview.value.map { bytes in bytes.withUnsafeBufferPointer { JSONValue(validated: $0) } }
            }
            return Draft(
                line: ReadyLine(
                    ordinal: reject.ordinal, sourceID: id, fields: [], references: reject.references,
                    provenance: reject.provenance),
                values: values, events: previews.map(\.events))
        }
    }

    /// A rejected record with the values that a person may correct.
    struct Draft: Sendable {
        var line: ReadyLine
        /// One for each of `fields`; nil = the field is left out.
        var values: [JSONValue?]
        /// What the mapping did to each field; nil = the record was mapped, and counted, before it was rejected.
        var events: [[MappingTally.Event]]?

        /// What there is to count once these values take the place of the old ones.
        func change(to new: [JSONValue?]) -> CorrectedFields {
            guard let events else {
                let places = new.indices.filter { new[$0].isFilled != values[$0].isFilled }
                return .mappedBefore(
                    filled: places.filter { new[$0].isFilled }, emptied: places.filter { values[$0].isFilled })
            }
            var marks = MappingMarks()
            for (place, events) in events.enumerated() {
                // Of a value that a person gave, only what was there before is the mapping's.
                let isKept = new[place] == values[place]
                for event in events where event != .filled && (isKept || event == .sourceFilled) {
                    marks.mark(event, field: place)
                }
                if new[place].isFilled { marks.mark(.filled, field: place) }
            }
            return .new(marks)
        }
    }

    /// A text that a person gave for a field, as a value; or what is wrong with it, without quoting it.
    func value(_ text: String, of place: Int, insteadOf old: JSONValue?) -> Result<JSONValue, CorrectionProblem> {
        let name = fields[place]
        let spec = object?.field(name)
        guard !text.isEmpty else { return .success(.string("")) }
        if let known = schema?.field(name), known.isRestricted, !known.options.isEmpty,
            !known.options.contains(where: { $0.value == text && $0.isActive })
        {
            let near = closest(to: text, among: known.options.filter(\.isActive).map(\.value))
            return .failure(
                CorrectionProblem("is not a value of the field's list" + (near.map { "; did you mean '\($0)'?" } ?? ""))
            )
        }
        if let max = spec?.charactersMax, text.unicodeScalars.count > max {
            return .failure(CorrectionProblem("is longer than \(max) characters"))
        }
        guard let spec, spec.type != nil else {
            // A number stays one if it still reads as one.
            if case .number? = old, DecimalNumber(text) != nil { return .success(.number(text)) }
            if case .bool? = old, let flag = ["true": true, "false": false][text] { return .success(.bool(flag)) }
            return .success(.string(text))
        }
        guard let bytes = spec.value(from: text) else {
            return .failure(CorrectionProblem("is not of the type \(spec.type?.rawValue ?? "text")"))
        }
        return .success(bytes.withUnsafeBufferPointer { JSONValue(validated: $0) })
    }

    /// Whether a record without a value for the field is refused.
    func isRequired(_ place: Int) -> Bool {
        object?.field(fields[place])?.isRequired == true || schema?.field(fields[place])?.isRequired == true
    }
}

/// What a correction changes in the counts of fields with values.
enum CorrectedFields: Sendable {
    /// The record was rejected by the mapping, so it was never counted.
    case new(MappingMarks)
    /// It was counted when it was mapped: by their numbers, fields that have a value only now, and those that had one.
    case mappedBefore(filled: [Int], emptied: [Int])

    /// Whether the record belongs to somebody else than in the source.
    var hasSubstituteOwner: Bool { if case .new(let marks) = self { marks.contains(.personReplaced) } else { false } }
}

extension JSONValue? {
    /// Whether a field that gets this has a value.
    fileprivate var isFilled: Bool { self != nil && self != .null && self != .string("") }
}

/// What is wrong with a cell.
struct CorrectionProblem: Error, Sendable {
    var text: String
    init(_ text: String) { self.text = text }
}
