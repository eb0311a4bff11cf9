// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// What every destination must do, whatever it writes to. A connector that does not pass is not listed.
package enum DestinationConformance: String, Sendable, CaseIterable {
    case discovery = "the object is discovered under the name that was asked for, and can hold our key"
    case schema = "what is missing is created once, and is missing no longer"
    case objects = "an object that is missing is created once, as it was asked for, or refused with a way out"
    case write = "rows are created, then updated, and read back as they were written"
    case order = "each row has one receipt of its own, whatever the order"
    case replay = "rows that another process wrote are met again, and none is doubled"
    case resolve = "what was written is found by its key, and nothing else"
    case byID = "a record that was there is updated by its id, gets our key, and gives it back"
    case partial = "one bad row is refused with its reason and its field, and the others are written"
    case match = "records of others are found by their values, ours are not"
    case delete = "records are deleted once, and reading them gives nothing"
    case links = "links are made once, read back, found again and taken away"
    case contents = "contents are written and read back byte by byte, and a file that is sent twice is one"
    case unkeyed = "rows that can hold no key are told by a note, and by nothing else"
    case counts = "a count that is told is that of our keys"

    /// - Throws: `ConformanceFailure`, or what the connector threw.
    package func check(_ subject: some DestinationSubject) async throws {
        switch self {
        case .discovery: try await Self.checkDiscovery(subject)
        case .schema: try await Self.checkSchema(subject)
        case .objects: try await Self.checkObjects(subject)
        case .write: try await Self.checkWrite(subject)
        case .order: try await Self.checkOrder(subject)
        case .replay: try await Self.checkReplay(subject)
        case .resolve: try await Self.checkResolve(subject)
        case .byID: try await Self.checkByID(subject)
        case .partial: try await Self.checkPartial(subject)
        case .match: try await Self.checkMatch(subject)
        case .delete: try await Self.checkDelete(subject)
        case .links: try await Self.checkLinks(subject)
        case .contents: try await Self.checkContents(subject)
        case .unkeyed: try await Self.checkUnkeyed(subject)
        case .counts: try await Self.checkCounts(subject)
        }
    }

    private static func checkDiscovery(_ subject: some DestinationSubject) async throws {
        let schemas = try await subject.makeDestination().discover([subject.object])
        try require(schemas.map(\.name) == [subject.object], "\(schemas.map(\.name)) instead of \(subject.object)")
        try require(
            schemas[0].holdsKey == (subject.destinationCapabilities.upsertKey != nil), "the key is not as declared")
        guard !schemas[0].isOpen else { return }
        for field in subject.fields(1, version: 1).keys {
            try require(schemas[0].field(field)?.isCreateable == true, "\(field) was not discovered as writable")
        }
    }

    private static func checkSchema(_ subject: some DestinationSubject) async throws {
        let destination = try subject.makeDestination()
        let needed = try await destination.discover([subject.object]).flatMap(destination.requirements)
        try await destination.prepare(needed)
        let rest = try await subject.makeDestination().discover([subject.object]).flatMap(destination.requirements)
        try require(rest.isEmpty, "\(rest.map(\.field.name)) are missing still")
        try await subject.makeDestination().prepare(needed)
        if let key = subject.destinationCapabilities.upsertKey, !needed.isEmpty {
            try require(needed.contains { $0.field.name == key && $0.field.isUnique }, "\(key) is not created")
        }
    }

    private static func checkWrite(_ subject: some DestinationSubject) async throws {
        let destination = try await subject.prepared()
        let before = try await subject.count()
        let numbers = Array(1...260)
        var ids: [String: String] = [:]
        for start in stride(from: 0, to: numbers.count, by: 100) {
            let part = numbers[start..<min(start + 100, numbers.count)]
            for receipt in try await destination.put(subject.batch(part)) {
                try require(receipt.isCreated, "a new row is \(receipt.result)")
                ids[receipt.key] = receipt.id
            }
        }
        try require(Set(ids.values).count == numbers.count, "\(Set(ids.values).count) ids for \(numbers.count) rows")
        for start in stride(from: 0, to: numbers.count, by: 100) {
            let part = numbers[start..<min(start + 100, numbers.count)]
            for receipt in try await destination.put(subject.batch(part, version: 2)) {
                try require(receipt.isUpdated, "a row that is there is \(receipt.result)")
                try require(receipt.id == ids[receipt.key], "a row has another id after it was updated")
            }
        }
        try await destination.finish()
        let held = try await subject.count() - before
        try require(held == numbers.count, "\(held) records of \(numbers.count) rows")
        let names = subject.fields(1, version: 2).keys.sorted()
        let values = try await destination.values(subject.object, ids.values.sorted(), names)
        for number in numbers {
            let found = ids[type(of: subject).key(number)].flatMap { values[$0] }
            try require(found == subject.fields(number, version: 2), "row \(number) does not read as it was written")
        }
    }

    private static func checkOrder(_ subject: some DestinationSubject) async throws {
        let destination = try await subject.prepared()
        var batch = subject.batch(1...30)
        let first = try await destination.put(batch)
        batch.rows = batch.rows.reversed() + subject.batch(31...35).rows
        let second = try await destination.put(batch)
        try require(second.map(\.key).sorted() == batch.rows.map(\.key).sorted(), "receipts are not those of the rows")
        let ids = Dictionary(first.map { ($0.key, $0.id) }, uniquingKeysWith: { $1 })
        for receipt in second {
            guard let known = ids[receipt.key] else {
                try require(receipt.isCreated, "a new row is \(receipt.result)")
                continue
            }
            try require(receipt.id == known, "a receipt is another row's")
        }
    }

    private static func checkReplay(_ subject: some DestinationSubject) async throws {
        let before = try await subject.count()
        let first = try await subject.prepared().put(subject.batch(1...40))
        let other = try subject.makeDestination()
        let second = try await other.put(subject.batch(1...40))
        try await other.finish()
        try require(Set(first.map(\.id)) == Set(second.map(\.id)), "rows that were there have other ids")
        let held = try await subject.count() - before
        try require(held == 40, "\(held) records of 40 rows that were written twice")
    }

    private static func checkResolve(_ subject: some DestinationSubject) async throws {
        let destination = try await subject.prepared()
        let none = try await destination.found(subject.batch(1...5))
        try require(none.isEmpty, "rows are found that were never written")
        let written = try await destination.put(subject.batch(1...20))
        let found = try await subject.makeDestination().found(subject.batch(1...25))
        try require(
            Dictionary(found.map { ($0.key, $0.id) }, uniquingKeysWith: { $1 })
                == Dictionary(written.map { ($0.key, $0.id) }, uniquingKeysWith: { $1 }),
            "\(found.count) of 20 rows are found")
        var known = subject.batch(1...1)
        known.rows[0].targetID = written[0].id
        let identified = try await subject.makeDestination().found(known)
        try require(identified.isEmpty, "that a record is there says nothing of a write to it")
    }

    private static func checkByID(_ subject: some DestinationSubject) async throws {
        guard let id = try await subject.createByOthers(subject.fields(900, version: 1)) else { return }
        let destination = try await subject.prepared()
        var batch = subject.batch([900], version: 2)
        batch.rows[0].targetID = id
        let receipts = try await destination.put(batch)
        try require(receipts.map(\.result) == [.updated(id: id)], "\(receipts.map(\.result))")
        let names = subject.fields(900, version: 2).keys.sorted()
        let key = try await destination.read(object: subject.object, ids: [id], fields: names).first?.key
        try require(key == batch.rows[0].key, "the record has not got our key")
        batch = subject.batch([900], version: 1)
        batch.rows[0].targetID = id
        batch.rows[0].keepsKey = false
        _ = try await destination.put(batch)
        let read = try await destination.read(object: subject.object, ids: [id], fields: names).first
        try require(read != nil && read?.key == nil, "the record keeps our key")
        let values = try await destination.values(subject.object, [id], names)[id]
        try require(values == subject.fields(900, version: 1), "the record has not got its values back")
    }

    private static func checkPartial(_ subject: some DestinationSubject) async throws {
        guard let (fields, code) = subject.refused else { return }
        let destination = try await subject.prepared()
        var batch = subject.batch(1...60)
        batch.rows[17] = subject.row(18, subject.fields(18, version: 1).merging(fields) { $1 })
        let receipts = try await destination.put(batch)
        for receipt in receipts {
            guard receipt.key == batch.rows[17].key else {
                try require(receipt.isCreated, "a good row beside a bad one is \(receipt.result)")
                continue
            }
            guard case .rejected(let rejection) = receipt.result else {
                throw ConformanceFailure("a bad row is \(receipt.result)")
            }
            try require(rejection.code == code, "a bad row is refused as \(rejection.code) instead of \(code)")
            try require(Set(rejection.fields) == Set(fields.keys), "\(rejection.fields) are named")
        }
        try require(receipts.count == 60, "\(receipts.count) receipts of 60 rows")
    }

    private static func checkMatch(_ subject: some DestinationSubject) async throws {
        let fields = subject.fields(901, version: 1)
        guard subject.matchesOthers else { return try await checkNoMatch(subject, fields) }
        let ours = subject.fields(1, version: 1)
        guard let id = try await subject.createByOthers(fields) else { return }
        let destination = try await subject.prepared()
        _ = try await destination.put(subject.batch([1]))
        for names in [[fields.keys.sorted()[0]], fields.keys.sorted()] {
            let values = [fields, ours].map { record in names.map { record[$0] ?? "" } } + [names.map { _ in "" }]
            let found = try await destination.match(
                object: subject.object, fields: names, values: values, returning: names)
            try require(found.map(\.id) == [id], "\(names): \(found.count) records are found instead of one")
        }
    }

    private static func checkNoMatch(_ subject: some DestinationSubject, _ fields: [String: String]) async throws {
        let destination = try await subject.prepared()
        let names = fields.keys.sorted()
        let error = try await requireError("a search for records of others") {
            _ = try await destination.match(
                object: subject.object, fields: names, values: [names.map { fields[$0] ?? "" }], returning: names)
        }
        try require(error.code == .notSupported && error.hint != nil, "\(error) does not tell the way out")
    }

    private static func checkDelete(_ subject: some DestinationSubject) async throws {
        let destination = try await subject.prepared()
        let before = try await subject.count()
        let ids = try await destination.put(subject.batch(1...150)).compactMap(\.id)
        try await destination.finish()
        let first = try await destination.delete(object: subject.object, ids: Array(ids.prefix(120)))
        try require(first.map(\.id) == Array(ids.prefix(120)), "deletions are not in the order of the ids")
        try require(first.allSatisfy { $0.result == .deleted }, "records were not deleted")
        let second = try await subject.makeDestination().delete(object: subject.object, ids: Array(ids.prefix(130)))
        try require(second.prefix(120).allSatisfy { $0.result == .absent }, "records are deleted twice")
        try require(second.suffix(10).allSatisfy { $0.result == .deleted }, "records were not deleted")
        let read = try await destination.read(object: subject.object, ids: Array(ids.prefix(130)), fields: [])
        try require(read.isEmpty, "\(read.count) deleted records can be read")
        let held = try await subject.count() - before
        try require(held == 20, "\(held) records are left of 20")
    }

    private static func checkLinks(_ subject: some DestinationSubject) async throws {
        guard let link = subject.link else { return }
        let destination = try await subject.prepared()
        let froms = try await destination.put(subject.batch(1...12))
        let other = type(of: subject).json(link.toFields)
        let to = try await destination.put(
            Batch(object: link.toObject, rows: [Batch.Row(key: "conformance-end-1", fields: other)]))
        guard let end = to.first?.id else { throw ConformanceFailure("the other end was not written") }
        let batch = Batch(
            object: link.object,
            rows: froms.map { from in
                Batch.Row(
                    key: "conformance-link-\(from.key)", fields: Array("{}".utf8),
                    references: [
                        .init(field: link.fromField, object: subject.object, key: from.key, targetID: from.id ?? ""),
                        .init(
                            field: link.toField, object: link.toObject, key: "conformance-end-1", targetID: end),
                    ])
            })
        let unwritten = try await destination.found(batch)
        try require(unwritten.isEmpty, "links are found that were never written")
        let first = try await destination.put(batch)
        try require(first.allSatisfy(\.isCreated), "new links are \(first.map(\.result))")
        let second = try await subject.makeDestination().put(batch)
        try require(second.allSatisfy(\.isUpdated), "links that are there are \(second.map(\.result))")
        try require(
            first.map(\.id).sorted { ($0 ?? "") < ($1 ?? "") } == second.map(\.id).sorted { ($0 ?? "") < ($1 ?? "") },
            "links have other ids")
        let ids = first.compactMap(\.id)
        let values = try await destination.values(link.object, ids, [link.fromField, link.toField])
        for (row, receipt) in zip(batch.rows, batch.rows.map { row in first.first { $0.key == row.key } }) {
            let held = receipt?.id.flatMap { values[$0] }
            try require(
                held == [link.fromField: row.references[0].targetID, link.toField: end],
                "a link reads as \(held ?? [:])")
        }
        try require(try await destination.found(batch).count == 12, "links are not found again")
        let deleted = try await destination.delete(object: link.object, ids: ids)
        try require(deleted.allSatisfy { $0.result == .deleted }, "links were not taken away")
        try require(try await destination.found(batch).isEmpty, "links are there still")
    }

    private static func checkCounts(_ subject: some DestinationSubject) async throws {
        let destination = try await subject.prepared()
        _ = try await destination.put(subject.batch(1...12))
        let other = try await destination.count(object: subject.object, keyPrefix: "conformanceXrecord-")
        guard let count = try await destination.count(object: subject.object, keyPrefix: "conformance-record-") else {
            return
        }
        try require(count == 12 && other == 0, "\(count) of 12, and \(other ?? -1) of none")
    }
}
