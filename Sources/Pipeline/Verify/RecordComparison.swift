// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezStaging

/// Compares records with what the destination holds, and counts. Knows nothing of where they come from.
struct RecordComparison: Sendable {
    /// How many ids are kept as examples.
    static let examplesMax = 20

    private(set) var result: StreamVerification
    private var places: [String: Int] = [:]
    private var sums: SumBook?

    /// - Parameters:
    ///   - fields: all fields that are compared, as far as they are known beforehand.
    ///   - sums: nil = there is nothing to sum.
    init(_ result: StreamVerification, fields: [String], sums: SumBook?) {
        self.result = result
        self.sums = sums
        for field in fields { _ = place(of: field) }
    }

    /// The names of all fields so far.
    var fields: [String] { result.fields.map(\.field) }

    /// Adds fields that were not known.
    mutating func know(_ fields: [String]) { for field in fields { _ = place(of: field) } }

    /// Adds a record.
    ///
    /// - Parameters:
    ///   - sent: the fields that were sent.
    ///   - held: what the destination has under the record's id; nil = nothing.
    ///   - isWhole: false if the record was there before and only these fields were sent; it is in no sum.
    ///   - example: what to call it.
    mutating func add(sent: JSONValue, held: JSONValue?, isWhole: Bool = true, example: String) {
        result.compared += 1
        if isWhole { sums?.add(sent: sent) }
        guard let held else {
            result.missing += 1
            keep(example)
            for place in result.fields.indices where Self.isFilled(sent[result.fields[place].field]) {
                result.fields[place].sent += 1
            }
            return
        }
        if isWhole { sums?.add(held: held, sentAs: sent) }
        var differs = false
        for place in result.fields.indices {
            let name = result.fields[place].field
            let (sentValue, heldValue) = (sent[name], held[name])
            if !isWhole, sentValue == nil { continue }
            if Self.isFilled(sentValue) { result.fields[place].sent += 1 }
            if Self.isFilled(heldValue) { result.fields[place].held += 1 }
            // A field that was not sent may have a value of the destination's own making.
            if let sentValue, !FieldComparison.agree(sentValue, heldValue) {
                result.fields[place].different += 1
                differs = true
            }
        }
        if differs { keep(example) }
    }

    /// Adds the content of a record.
    mutating func add(bytes: Int, agrees: Bool, _ example: String) {
        result.files += 1
        result.fileBytes += bytes
        if !agrees {
            result.filesDifferent += 1
            keep(example)
        }
    }

    /// The result with its sums.
    consuming func finish() -> StreamVerification {
        result.sums = sums?.sums ?? []
        return result
    }

    private mutating func place(of field: String) -> Int {
        if let place = places[field] { return place }
        result.fields.append(StreamVerification.Field(field: field))
        places[field] = result.fields.count - 1
        return result.fields.count - 1
    }

    private mutating func keep(_ example: String) {
        if result.examples.count < Self.examplesMax { result.examples.append(example) }
    }

    private static func isFilled(_ value: JSONValue?) -> Bool {
        guard let value, !value.isNull else { return false }
        return value.text != ""
    }
}
