// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezJSON
package import MigratezModel

/// What one field of the destination would get from a record.
package struct FieldPreview: Sendable, Equatable {
    package var field: String
    /// A JSON value; nil = the field is left out. If the rule refuses the value, the source's own.
    package var value: [UInt8]?
    /// Why the rule refuses it.
    package var refusal: ErrorCode?
    /// What the rule did to get there; up to its refusal, if it refuses the value.
    package var events: [MappingTally.Event] = []
}

extension RecordMapper {
    /// What each field would get, one by one, whether or not the record can be mapped as a whole; counts nothing.
    ///
    /// - Parameter index: has indexed exactly `record`.
    package func preview(_ index: borrowing RecordIndex, _ record: UnsafeBufferPointer<UInt8>) -> [FieldPreview] {
        fields.map { $0.preview(index, record) }
    }
}

extension FieldProgram {
    fileprivate func preview(_ index: borrowing RecordIndex, _ record: UnsafeBufferPointer<UInt8>) -> FieldPreview {
        var writer = JSONWriter()
        var scratch: [UInt8] = []
        var marks = MappingMarks()
        writer.beginObject()
        do throws(Rejection) {
            try write(index, record, into: &writer, scratch: &scratch, marks: &marks)
        } catch {
            return FieldPreview(
                field: target, value: sourceValue(index, record), refusal: error.code, events: marks.events)
        }
        writer.endObject()
        let object = writer.bytes.withUnsafeBufferPointer { JSONValue(validated: $0) }
        return FieldPreview(field: target, value: object[target]?.serialized(), events: marks.events)
    }
}

extension FieldSpec {
    /// A text that a person gives for the field, as a JSON value of its type; nil if it is no such value.
    package func value(from text: String) -> [UInt8]? { TypedValue.rendered(text, as: type) }
}
