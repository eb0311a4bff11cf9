// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
package import MigratezJSON
package import MigratezModel

/// What the mapping makes of a record.
package enum MappingOutcome: Sendable, Equatable {
    /// The destination's fields have been written.
    case mapped
    /// The object's `where` leaves the record out.
    case filtered
    /// The record cannot be mapped; the writer holds a part of it that is of no use.
    case rejected(Rejection)
}

/// Maps records of one object: compiled once from the pipeline's rules, applied to raw bytes.
///
/// A field that no rule touches is copied byte for byte. The order of the fields is that of the pipeline file. Safe to
/// use from several tasks at once.
package struct RecordMapper: Sendable {
    /// What was filled, replaced, dropped or cut so far.
    package let tally: MappingTally

    private let filter: CompiledExpression?
    let fields: [FieldProgram]

    /// - Throws: `invalidPipeline` if a default or constant is not of its field's type.
    package init(_ object: ObjectSpec, context: MappingContext) throws(MigratezError) {
        filter = object.filter.map { CompiledExpression($0, vars: context.spec.vars, run: context.run) }
        let schema = context.targetSchema(object.target)
        tally = MappingTally(fields: object.fields.map(\.target))
        var fields: [FieldProgram] = []
        for (number, field) in object.fields.enumerated() {
            let isRequired = field.isRequired || schema?.field(field.target)?.isRequired == true
            fields.append(
                try FieldProgram(field, number: number, isRequired: isRequired, context: context))
        }
        self.fields = fields
    }

    /// Whether the object's `where` takes the record; false, too, if it cannot be evaluated (`map` then rejects it).
    package func accepts(_ record: UnsafeBufferPointer<UInt8>, _ index: borrowing RecordIndex) -> Bool {
        guard let filter else { return true }
        return (try? filter.truth(of: index, in: record)) ?? false
    }

    /// Writes the destination's fields of a record as one JSON object.
    ///
    /// - Parameters:
    ///   - index: has indexed exactly `record`.
    package func map(
        _ index: borrowing RecordIndex, _ record: UnsafeBufferPointer<UInt8>, into writer: inout JSONWriter
    ) -> MappingOutcome {
        var marks = MappingMarks()
        let outcome = map(index, record, into: &writer, marks: &marks)
        if outcome == .mapped { tally.add(marks) }
        return outcome
    }

    /// The same, telling what was done to the record; it is counted when the caller adds it to the tally, because a
    /// record that was mapped may still be held back for other reasons.
    package func map(
        _ index: borrowing RecordIndex, _ record: UnsafeBufferPointer<UInt8>, into writer: inout JSONWriter,
        marks: inout MappingMarks
    ) -> MappingOutcome {
        marks.removeAll()
        do {
            if let filter, !(try filter.truth(of: index, in: record)) { return .filtered }
        } catch {
            return .rejected(Rejection(.mappingFailed, fields: ["where"], reason: error.description))
        }
        var scratch: [UInt8] = []
        scratch.reserveCapacity(256)
        writer.beginObject()
        for field in fields {
            do {
                try field.write(index, record, into: &writer, scratch: &scratch, marks: &marks)
            } catch {
                return .rejected(error)
            }
        }
        writer.endObject()
        return .mapped
    }
}
