// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezChunkLines
import MigratezCrypto
import MigratezJSON
import MigratezModel
import MigratezStaging

/// Tells what the ids of a stream lead to, after the stream's transform: its survivors, and for merged records the
/// record that stands for them.
///
/// A record that was rejected still resolves, to itself: whether it could be loaded is known to the load stage only,
/// which treats both alike. A record that the pipeline leaves out does not resolve.
struct LinkTargets: Sendable {
    let staging: StagingArea
    let pseudonyms: PseudonymKey
    /// The most that tables of targets may take at once.
    let tableBytes: ByteCount
    let makeSorter: @Sendable (_ width: Int) throws -> ExternalSorter

    /// `TargetEntry`s of the stream in the order of the ids' pseudonyms. An id may have several; a resolved one wins.
    func sorted(_ stream: StreamName) async throws -> SortedEntries {
        var sorter = try makeSorter(TargetEntry.width)
        try await forEachEntry(of: stream) { try sorter.append($0) }
        return try sorter.sorted()
    }

    /// What the ids of the streams lead to, in memory; `nil` if it does not fit.
    func tables(_ streams: Set<StreamName>) async throws -> [StreamName: TargetTable]? {
        let counts = try await staging.manifest.read { view in
            try streams.map { ($0, try view.stream($0)?.recordsRead ?? 0) }
        }
        var room = tableBytes.bytes
        for (_, count) in counts {
            guard let bytes = TargetTable.bytes(forIDs: count), bytes <= room else { return nil }
            room -= bytes
        }
        var tables: [StreamName: TargetTable] = [:]
        for (stream, count) in counts {
            let table = TargetTable(ids: count)
            var fits = true
            try await forEachEntry(of: stream) { fits = table.insert($0) && fits }
            guard fits else { return nil }
            tables[stream] = table
        }
        return tables
    }

    /// Calls `body` with what each id leads to, as often as something is known of it.
    private func forEachEntry(of stream: StreamName, _ body: (TargetEntry) throws -> Void) async throws {
        try await StreamReader(staging: staging, stream: stream, kind: .ready).forEachLine { _, line in
            let (ordinal, id) = try ReadyLine.head(line)
            try body(
                TargetEntry(hash: pseudonyms.pseudonym(of: id, in: line), ordinal: UInt64(ordinal), state: .resolved))
        }
        var start = 0
        while true {
            let from = start
            let rows = try await staging.manifest.read { try $0.outcomes(of: stream, from: from, limit: 10_000) }
            guard let last = rows.last else { break }
            start = last.ordinal + 1
            for row in rows {
                guard let id = row.sourceID, let entry = entry(for: row, id: id) else { continue }
                try body(entry)
            }
        }
    }

    private func entry(for row: RecordOutcome, id: String) -> TargetEntry? {
        let hash = pseudonyms.pseudonym(of: id)
        switch row.outcome {
        case .merged:
            return TargetEntry(hash: hash, ordinal: UInt64(row.survivor ?? row.ordinal), state: .resolved)
        case .rejected: return TargetEntry(hash: hash, ordinal: UInt64(row.ordinal), state: .resolved)
        case .filtered, .skipped: return TargetEntry(hash: hash, ordinal: UInt64(row.ordinal), state: .leftOut)
        // These stand in the ready chunks.
        case .created, .updated: return nil
        }
    }
}

/// Walks `TargetEntry`s beside a stream of keys that comes in the same order.
struct TargetJoin: ~Copyable {
    private var targets: SortedEntries
    private var next: TargetEntry?
    private var current: (hash: Pseudonym, found: TargetEntry?)?

    init(_ targets: consuming SortedEntries) throws {
        self.targets = targets
        next = try self.targets.next(TargetEntry.init)
    }

    /// What the id with this pseudonym leads to; keys come in ascending order, equal ones any number of times.
    mutating func find(_ key: Pseudonym) throws -> TargetEntry? {
        if let current, current.hash == key { return current.found }
        var found: TargetEntry?
        while let entry = next, entry.hash < key || entry.hash == key {
            if entry.hash == key, found == nil || entry.state == .resolved && found?.state != .resolved {
                found = entry
            }
            next = try targets.next(TargetEntry.init)
        }
        current = (key, found)
        return found
    }
}

extension PseudonymKey {
    /// The pseudonym of the text of a value.
    func pseudonym(of slice: JSONSlice, in line: UnsafeBufferPointer<UInt8>) -> Pseudonym {
        JSONText.withText(slice, of: line) { pseudonym(of: $0) }
    }
}
