// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezTransform
import Testing

/// What the tests of mapping share.
enum MappingFixtures {
    static let run = RunVariables(
        started: Timestamp(milliseconds: 1_795_435_200_000), id: "7f3a0000", pipeline: "test")

    /// A mapper of one object whose fields are given.
    static func mapper(
        _ fields: [FieldSpec], where filter: String? = nil, values: [String: ValueMapSpec] = [:],
        people: PeopleMap = PeopleMap(), vars: [String: String] = [:]
    ) throws -> RecordMapper {
        let stream = try #require(StreamName("contact"))
        let object = ObjectSpec(
            stream: stream, target: "Contact", filter: try filter.map { try RecordExpression(parsing: $0) },
            fields: fields)
        let spec = TransformSpec(objects: [object], values: values, vars: vars)
        return try RecordMapper(object, context: MappingContext(spec: spec, run: run, people: people))
    }

    /// A field from a source field, changed by `edit`.
    static func field(_ target: String, from source: String, _ edit: (inout FieldSpec) -> Void = { _ in }) -> FieldSpec
    {
        var field = FieldSpec(target: target, origin: .field(source))
        edit(&field)
        return field
    }

    /// What the mapper makes of a record, with the text that it wrote.
    static func map(_ record: String, by mapper: RecordMapper) throws -> (outcome: MappingOutcome, text: String) {
        var writer = JSONWriter()
        let bytes = Array(record.utf8)
        let outcome = try bytes.withUnsafeBufferPointer { record in
            var index = RecordIndex(fields: "properties")
            try index.index(record)
            return mapper.map(index, record, into: &writer)
        }
        return (outcome, String(decoding: writer.bytes, as: UTF8.self))
    }

    /// What each field of a record would get.
    static func preview(_ record: String, by mapper: RecordMapper) throws -> [FieldPreview] {
        try Array(record.utf8).withUnsafeBufferPointer { record in
            var index = RecordIndex(fields: "properties")
            try index.index(record)
            return mapper.preview(index, record)
        }
    }

    /// The text that one field becomes.
    static func map(_ value: String, by field: FieldSpec, values: [String: ValueMapSpec] = [:]) throws -> String {
        let (outcome, text) = try map(#"{"f":\#(value)}"#, by: try mapper([field], values: values))
        guard case .rejected(let rejection) = outcome else { return text }
        return "\(rejection.code) \(rejection.fields)"
    }
}
