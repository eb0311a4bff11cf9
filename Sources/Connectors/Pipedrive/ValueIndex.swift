// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import Synchronization

/// Where records with given values of some fields are, without search, whose index lags behind writes and whose requests
/// cost twice as much as a page of 500 records.
///
/// The first question reads the whole list once, in the order of changes; each further one reads what changed since. So an
/// answer misses nothing that had been written before it was asked for, by whomever. In memory are 64 bits for each value
/// and the id, whatever the value; records that an entry leads to have to be looked at, since they may have changed, been
/// deleted, or share the 64 bits.
final class ValueIndex: Sendable {
    private struct State {
        var first: [Int: Int64] = [:]
        /// Further records of the same values.
        var more: [Int: [Int64]] = [:]
        /// The newest change that was seen in the list, and in that of what is archived.
        var newest: [Bool: Timestamp] = [:]
    }

    private let object: PipedriveObject
    private let fields: [String]
    private let lists: RecordLists
    private let folds: Bool
    private let state = Mutex(State())

    /// - Parameter folds: whether case and outer spaces make no difference.
    init(_ object: PipedriveObject, fields: [String], lists: RecordLists, folds: Bool) {
        (self.object, self.fields, self.lists, self.folds) = (object, fields, lists, folds)
    }

    /// The ids of records that may have one of these tuples of values, each once.
    func candidates(_ tuples: [[String]]) async throws -> [String] {
        for isArchived in object == .deal ? [false, true] : [false] { try await refresh(isArchived) }
        return state.withLock { state in
            var ids: Set<Int64> = []
            for tuple in tuples {
                let print = fingerprint(tuple)
                if let id = state.first[print] { ids.insert(id) }
                ids.formUnion(state.more[print] ?? [])
            }
            return ids.sorted().map(String.init)
        }
    }

    /// The tuples of values that a record has; several if a field holds a list.
    func tuples(of record: FlatRecord, _ list: FieldList) -> [[String]] {
        fields.reduce([[]]) { tuples, field in
            let texts = record.texts(field, list).filter { !$0.isEmpty }
            return tuples.flatMap { tuple in texts.map { tuple + [folded($0)] } }
        }
    }

    func folded(_ text: String) -> String {
        guard folds else { return text }
        let start = text.lowercased().drop { $0 == " " }
        return String(start.reversed().drop { $0 == " " }.reversed())
    }

    /// Tasks that refresh at the same time read the same and note the same.
    private func refresh(_ isArchived: Bool) async throws {
        let list = try await lists.catalog.fields(of: object)
        var query = [("sort_by", "update_time")] + RecordLists.customFields(list.customCodes(fields))
        if let newest = state.withLock({ $0.newest[isArchived] }) {
            query.append(("updated_since", Self.text(newest.advanced(by: Self.overlap))))
        }
        var place: PipedriveCursor? = .list(isArchived: isArchived, after: nil)
        while let current = place {
            try Task.checkCancellation()
            let page = try await lists.page(of: object, at: current, RecordLists.Narrowing(query: query))
            for record in page.records { note(record, list, isArchived) }
            // Behind the last page of deals come those that are archived, which have a turn of their own.
            if case .list(isArchived, .some)? = page.next { place = page.next } else { place = nil }
        }
    }

    private func note(_ record: FlatRecord, _ list: FieldList, _ isArchived: Bool) {
        guard let id = Int64(record.id) else { return }
        let prints = tuples(of: record, list).map(fingerprint)
        let changed = record["update_time"]?.text.flatMap(InstantText.timestamp)
        state.withLock { state in
            for print in prints {
                if state.first[print] == nil { state.first[print] = id }
                if state.first[print] != id, state.more[print]?.contains(id) != true {
                    state.more[print, default: []].append(id)
                }
            }
            if let changed { state.newest[isArchived] = max(state.newest[isArchived] ?? changed, changed) }
        }
    }

    /// By a hash whose key is this process's own, so that nobody can make values that share one.
    private func fingerprint(_ tuple: [String]) -> Int {
        var hasher = Hasher()
        for text in tuple { hasher.combine(folded(text)) }
        return hasher.finalize()
    }

    /// A change may become visible after a later one.
    private static let overlap: Duration = .seconds(-60)

    /// `updated_since` takes whole seconds only.
    static func text(_ time: Timestamp) -> String { String(time.description.prefix(19)) + "Z" }
}
