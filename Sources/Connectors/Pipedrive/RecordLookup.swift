// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import Synchronization

/// Finds records by our key, and those of others by their values.
final class RecordLookup: Sendable {
    private struct Name: Hashable {
        var object: PipedriveObject
        var fields: [String]
        var folds: Bool
    }

    private let lists: RecordLists
    private let keyField: String
    private let indexes = Mutex<[Name: ValueIndex]>([:])

    init(_ lists: RecordLists, keyField: String) {
        self.lists = lists
        self.keyField = keyField
    }

    /// Records that carry these keys, by key; of several with one key the oldest.
    func keyed(_ object: PipedriveObject, _ keys: [String]) async throws -> [String: FlatRecord] {
        guard !keys.isEmpty, try await holdsKeys(object) else { return [:] }
        let index = index(object, [keyField], folds: false)
        let ids = try await index.candidates(keys.map { [$0] })
        guard !ids.isEmpty else { return [:] }
        let wanted = Set(keys)
        var found: [String: FlatRecord] = [:]
        for record in try await lists.records(object, ids) {
            guard let key = record[keyField]?.text, wanted.contains(key), found[key] == nil else { continue }
            found[key] = record
        }
        return found
    }

    /// Records without our key whose fields equal one of the tuples, without regard to case and outer spaces; a tuple with
    /// an empty value matches nothing.
    func matching(_ object: PipedriveObject, _ fields: [String], _ values: [[String]]) async throws -> [FlatRecord] {
        let tuples = values.filter { !$0.contains("") }
        guard !tuples.isEmpty else { return [] }
        let list = try await lists.catalog.fields(of: object)
        if let unknown = fields.first(where: { list[$0] == nil }) {
            throw MigratezError(
                .invalidPipeline, "\(object.rawValue) has no field '\(unknown)'", remedy: .fixConfiguration,
                hint: "check the keys in against_target")
        }
        guard !object.isFormer else {
            throw MigratezError(
                .notSupported, "existing notes cannot be found by their values", remedy: .fixConfiguration,
                hint: "leave out against_target for '\(object.rawValue)'")
        }
        let index = index(object, fields, folds: true)
        let wanted = Set(tuples.map { $0.map(index.folded) })
        return try await lists.records(object, try await index.candidates(tuples)).filter { record in
            (record[keyField]?.text ?? "").isEmpty && index.tuples(of: record, list).contains(where: wanted.contains)
        }
    }

    /// How many records carry a key that begins so.
    func count(_ object: PipedriveObject, keyPrefix: String) async throws -> Int {
        guard try await holdsKeys(object) else { return 0 }
        let codes = try await lists.catalog.fields(of: object).customCodes([keyField])
        let narrowing = RecordLists.Narrowing(query: RecordLists.customFields(codes))
        var count = 0
        var place: PipedriveCursor? = .beginning(of: object)
        while let current = place {
            try Task.checkCancellation()
            let page = try await lists.page(of: object, at: current, narrowing)
            count += page.records.count { $0[keyField]?.text?.hasPrefix(keyPrefix) == true }
            place = page.next
        }
        return count
    }

    /// Without the field for it nothing can carry a key.
    private func holdsKeys(_ object: PipedriveObject) async throws -> Bool {
        try await lists.catalog.fields(of: object)[keyField] != nil
    }

    private func index(_ object: PipedriveObject, _ fields: [String], folds: Bool) -> ValueIndex {
        indexes.withLock { indexes in
            let name = Name(object: object, fields: fields, folds: folds)
            if let index = indexes[name] { return index }
            let index = ValueIndex(object, fields: fields, lists: lists, folds: folds)
            indexes[name] = index
            return index
        }
    }
}
