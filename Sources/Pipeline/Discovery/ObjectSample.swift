// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezConnectorKit
import MigratezJSON
package import MigratezModel

/// What a look at some records says about the fields of an object: how often each has a value, and how many different
/// ones. Values themselves are kept only if somebody asks for them.
package struct ObjectSample: Sendable {
    /// One field in the sample.
    package struct Field: Sendable {
        /// Records in which it has a value.
        package var filled = 0
        /// Different values among these.
        package var distinct = 0
        /// The most frequent values with how often they occur; empty unless values were asked for.
        package var values: [(text: String, count: Int)] = []

        package init() {}
    }

    /// How many records were looked at.
    package var records = 0
    package var fields: [String: Field] = [:]
    /// Fields that the records have and the object does not list, in the order in which they were met.
    package var otherFields: [String] = []

    /// Values that are kept for each field while they are counted; rarer ones that come later are not among the most
    /// frequent shown.
    private static let valuesMax = 2_000
    private static let shownMax = 5

    /// Reads from the start of the object until `count` records were seen.
    ///
    /// - Parameters:
    ///   - fields: the fields to look at.
    ///   - keepsValues: whether the most frequent values are wanted.
    package static func take(
        from source: any Source, object: StreamName, fields: [String], count: Int, keepsValues: Bool
    ) async throws -> ObjectSample {
        let layout = source.layout(of: object)
        var index = RecordIndex(fields: layout.fields)
        var tally = Tally(keepsValues: keepsValues)
        var cursor: Cursor?
        repeat {
            try Task.checkCancellation()
            let page = try await source.readPage(of: object, fields: fields, after: cursor)
            try page.bytes.withUnsafeBufferPointer { bytes in
                for range in page.records.prefix(count - tally.sample.records) {
                    let record = UnsafeBufferPointer(rebasing: bytes[range])
                    try index.index(record)
                    tally.add(record, index, fields)
                }
            }
            cursor = page.next
        } while cursor != nil && tally.sample.records < count
        return tally.finish(fields)
    }

    /// The same for some records of the destination.
    ///
    /// - Parameter fields: the fields that the object lists; an object that takes any field is looked at for those that
    ///   its records have.
    package static func take(
        from destination: any Destination, object: String, fields: [String], count: Int, keepsValues: Bool
    ) async throws -> ObjectSample {
        var index = RecordIndex(fields: nil)
        var tally = Tally(keepsValues: keepsValues)
        for record in try await destination.sample(object: object, fields: fields, count: count) {
            try record.fields.withUnsafeBufferPointer { bytes in
                try index.index(bytes)
                tally.note(others: index.fieldNames, besides: fields)
                tally.add(bytes, index, fields + tally.sample.otherFields)
            }
        }
        return tally.finish(fields + tally.sample.otherFields)
    }

    /// Counts records one by one.
    private struct Tally {
        let keepsValues: Bool
        var sample = ObjectSample()
        private var hashes: [String: Set<Int>] = [:]
        private var values: [String: [String: Int]] = [:]
        private var others: Set<String> = []

        init(keepsValues: Bool) { self.keepsValues = keepsValues }

        mutating func note(others names: [String], besides fields: [String]) {
            for name in names where !fields.contains(name) && others.insert(name).inserted {
                sample.otherFields.append(name)
            }
        }

        mutating func add(_ record: UnsafeBufferPointer<UInt8>, _ index: borrowing RecordIndex, _ fields: [String]) {
            sample.records += 1
            for name in fields {
                guard let slice = index.slice(name), !slice.isBlank else { continue }
                let text = index.string(slice, in: record)
                sample.fields[name, default: Field()].filled += 1
                hashes[name, default: []].insert(text.hashValue)
                guard keepsValues else { continue }
                if values[name, default: [:]][text] != nil || values[name, default: [:]].count < valuesMax {
                    values[name, default: [:]][text, default: 0] += 1
                }
            }
        }

        func finish(_ fields: [String]) -> ObjectSample {
            var sample = sample
            for name in fields {
                sample.fields[name, default: Field()].distinct = hashes[name]?.count ?? 0
                let frequent = (values[name] ?? [:]).sorted { ($1.value, $0.key) < ($0.value, $1.key) }
                sample.fields[name]?.values = frequent.prefix(shownMax).map { ($0.key, $0.value) }
            }
            return sample
        }
    }
}
