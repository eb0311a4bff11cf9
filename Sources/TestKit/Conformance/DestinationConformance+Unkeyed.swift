// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// What destinations do with rows that can hold no key of ours.
extension DestinationConformance {
    static func checkUnkeyed(_ subject: some DestinationSubject) async throws {
        for unkeyed in subject.unkeyed { try await checkUnkeyed(unkeyed, subject) }
    }

    private static func checkUnkeyed(_ unkeyed: UnkeyedSubject, _ subject: some DestinationSubject) async throws {
        let destination = try await subject.prepared()
        let schema = try await destination.discover([unkeyed.object]).first
        try require(schema?.holdsKey == false, "\(unkeyed.object) is said to hold our key")
        let before = try await unkeyed.count()
        // One that is the same as the first of those that are looked for.
        let alike = try await destination.put(try await batch(unkeyed, 1...1)).first?.id
        var batch = try await batch(unkeyed, 1...12)
        let unwritten = try await destination.found(batch)
        try require(unwritten.isEmpty, "\(unkeyed.object): rows are found of which nothing was noted")
        let intent = KeptIntent()
        let receipts = try await destination.put(batch, intent: intent)
        try require(receipts.allSatisfy(\.isCreated), "\(unkeyed.object): new rows are \(receipts.map(\.result))")
        let ids = Dictionary(receipts.map { ($0.key, $0.id) }, uniquingKeysWith: { $1 })
        try require(Set(ids.values + [alike]).count == 13, "\(unkeyed.object): two rows have one id")
        guard let note = await intent.last else {
            throw ConformanceFailure("\(unkeyed.object): nothing is noted before rows are sent that can hold no key")
        }
        let found = try await subject.makeDestination().found(batch, note: note)
        try require(
            Dictionary(found.map { ($0.key, $0.id) }, uniquingKeysWith: { $1 }) == ids,
            "\(unkeyed.object): \(found.count) of 12 rows are found by what was noted")
        try await checkChange(&batch, ids.compactMapValues(\.self), unkeyed, destination)
        let held = try await unkeyed.count() - before
        try require(held == 13, "\(unkeyed.object): \(held) records of 13 rows")
        let all = ids.values.compactMap(\.self) + [alike].compactMap(\.self)
        let first = try await destination.delete(object: unkeyed.object, ids: all)
        try require(first.allSatisfy { $0.result == .deleted }, "\(unkeyed.object): records were not deleted")
        let second = try await subject.makeDestination().delete(object: unkeyed.object, ids: all)
        try require(second.allSatisfy { $0.result == .absent }, "\(unkeyed.object): records are deleted twice")
        let read = try await destination.read(object: unkeyed.object, ids: all, fields: [])
        try require(read.isEmpty, "\(unkeyed.object): \(read.count) deleted records can be read")
        try require(try await unkeyed.count() == before, "\(unkeyed.object): something is left")
    }

    /// Written and read back, then by its id with other values.
    private static func checkChange(
        _ batch: inout Batch, _ ids: [String: String], _ unkeyed: UnkeyedSubject, _ destination: any Destination
    ) async throws {
        for version in 1...2 {
            if version == 2 {
                batch = try await self.batch(unkeyed, 1...12, version: 2)
                for place in batch.rows.indices { batch.rows[place].targetID = ids[batch.rows[place].key] }
                let receipts = try await destination.put(batch)
                try require(receipts.allSatisfy(\.isUpdated), "\(unkeyed.object): \(receipts.map(\.result))")
                try require(
                    receipts.allSatisfy { ids[$0.key] == $0.id }, "\(unkeyed.object): a receipt is another row's")
            }
            let values = try await destination.values(
                unkeyed.object, ids.values.sorted(), unkeyed.fields(1, 1).keys.sorted())
            for number in 1...12 {
                let held = ids[key(number)].flatMap { values[$0] }
                try require(
                    held == unkeyed.fields(number, version),
                    "\(unkeyed.object): row \(number) does not read as it was written")
            }
        }
    }

    /// What is not told by receipts is found by what was noted, and the rest is written.
    static func checkLostUnkeyed(_ subject: some RemoteDestinationSubject) async throws {
        for unkeyed in subject.unkeyed {
            guard let inject = unkeyed.inject else {
                throw ConformanceFailure("\(unkeyed.object) says nothing of a network")
            }
            let destination = try await subject.prepared()
            let before = try await unkeyed.count()
            for (place, fault) in ConformanceFault.allCases.enumerated() {
                var batch = try await batch(unkeyed, (1...5).map { $0 + place * 100 })
                try await inject(fault, 1)
                for _ in 0..<3 where !batch.rows.isEmpty {
                    let intent = KeptIntent()
                    let told: [Receipt]
                    do {
                        told = try await destination.put(batch, intent: intent)
                    } catch let error as MigratezError {
                        guard case .retry = error.remedy else { throw error }
                        told = try await subject.makeDestination().found(batch, note: await intent.last)
                    }
                    try require(told.allSatisfy(\.isCreated), "\(unkeyed.object), \(fault): \(told.map(\.result))")
                    batch.rows.removeAll { row in told.contains { $0.key == row.key } }
                }
                try require(batch.rows.isEmpty, "\(unkeyed.object), \(fault): \(batch.rows.count) rows are untold")
            }
            let held = try await unkeyed.count() - before
            let written = ConformanceFault.allCases.count * 5
            try require(held == written, "\(unkeyed.object): \(held) records of \(written) rows")
        }
    }

    private static func key(_ number: Int) -> String { "conformance-unkeyed-\(number)" }

    private static func batch(
        _ unkeyed: UnkeyedSubject, _ numbers: some Sequence<Int>, version: Int = 1
    ) async throws -> Batch {
        let references = try await unkeyed.references()
        return Batch(
            object: unkeyed.object,
            rows: numbers.map { number in
                let fields = unkeyed.fields(number, version).sorted { $0.key < $1.key }
                return Batch.Row(
                    key: key(number),
                    fields: JSONValue.object(fields.map { .init($0.key, .string($0.value)) }).serialized(),
                    references: references)
            })
    }
}
