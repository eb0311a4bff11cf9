// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

/// Sorts any number of byte strings in a fixed amount of memory.
///
/// Entries are compared byte by byte (numbers are written big-endian, then); equal ones are all kept. While they fit
/// into memory no file is written; else sorted runs go to encrypted spill files, which are merged.
///
/// Entries of one width are stored as they are and cost no allocation; others carry their length. An entry that does not
/// fit into the memory gets a run of its own; while runs are merged, two such entries may be held beside the memory.
package struct ExternalSorter: ~Copyable {
    /// The longest entry, in bytes, where all have the same width.
    package static let fixedEntryBytesMax = 64 << 10
    /// The longest entry, in bytes, where they differ: a record with all that belongs to it.
    package static let entryBytesMax = 64 << 20
    /// The least memory that a sorter can work in.
    package static let memoryMin = ByteCount.MiB(2)

    /// The entries put in so far.
    package private(set) var count = 0
    private let area: StagingArea
    private let layout: EntryLayout
    private let memory: ByteCount
    private var arena: EntryArena?
    private var runs: [SortedRun] = []

    /// - Parameters:
    ///   - entryBytes: the width of every entry; nil = they differ.
    ///   - memory: for entries, their handles, and the buffers of the merge; never less than `memoryMin`.
    init(_ area: StagingArea, entryBytes: Int?, memory: ByteCount) {
        precondition((1...ExternalSorter.fixedEntryBytesMax).contains(entryBytes ?? 1), "entries have 1 byte to 64 KiB")
        self.area = area
        self.memory = max(memory, ExternalSorter.memoryMin)
        layout = entryBytes.map { .fixed($0) } ?? .variable
    }

    /// Puts in one entry.
    package mutating func append(_ entry: UnsafeRawBufferPointer) throws(MigratezError) {
        switch layout {
        case .fixed(let width): precondition(entry.count == width, "the sorter was made for entries of another width")
        case .variable:
            guard entry.count <= ExternalSorter.entryBytesMax else {
                throw MigratezError(
                    .limitExceeded, "an entry of a sort has more than \(ExternalSorter.entryBytesMax) bytes")
            }
        }
        count += 1
        if arena == nil { arena = EntryArena(bytes: layout.arenaBytes(within: memory)) }
        if arena?.append(entry) == true { return }
        try spill()
        if arena?.append(entry) != true { try spill(entry) }
    }

    /// All entries in order.
    package consuming func sorted() throws(MigratezError) -> SortedEntries {
        guard !runs.isEmpty else {
            arena?.sort()
            return SortedEntries(arena.take())
        }
        try spill()
        arena = nil
        while true {
            let mergedMax = EntryMerge.runsMax(among: runs, within: memory)
            if mergedMax >= runs.count { break }
            // The oldest runs are the shortest ones: those that come out of a merge go to the back.
            let group = Array(runs.prefix(mergedMax))
            runs.removeFirst(mergedMax)
            runs.append(try merge(group))
        }
        return SortedEntries(try EntryMerge(runs, layout))
    }

    /// Empties the arena into a run.
    private mutating func spill() throws(MigratezError) {
        guard arena?.count ?? 0 > 0, var arena = arena.take() else { return }
        arena.sort()
        var writer = EntryWriter(try area.makeSpillWriter(), layout)
        for index in 0..<arena.count { try writer.append(arena.entry(index)) }
        arena.removeAll()
        self.arena = consume arena
        runs.append(try writer.finish())
    }

    /// Makes a run of one entry that is larger than the arena.
    private mutating func spill(_ entry: UnsafeRawBufferPointer) throws(MigratezError) {
        var writer = EntryWriter(try area.makeSpillWriter(), layout)
        try writer.append(entry)
        runs.append(try writer.finish())
    }

    private func merge(_ group: [SortedRun]) throws(MigratezError) -> SortedRun {
        var merge = try EntryMerge(group, layout)
        var writer = EntryWriter(try area.makeSpillWriter(), layout)
        while let entry = try merge.next() { try writer.append(entry) }
        return try writer.finish()
    }
}

/// The entries of a sorter in their order, to be taken one by one. The spill files go with it.
package struct SortedEntries: ~Copyable {
    private var arena: EntryArena?
    private var merge: EntryMerge?
    private var index = 0

    init(_ arena: consuming EntryArena?) { self.arena = arena }

    init(_ merge: consuming EntryMerge) { self.merge = consume merge }

    /// Runs `body` with the next entry, whose bytes are valid during the call only; nil after the last.
    package mutating func withNext<R>(_ body: (UnsafeRawBufferPointer) throws -> R) throws -> R? {
        if let entry = try merge?.next() { return try body(entry) }
        guard let count = arena?.count, index < count, let entry = arena?.entry(index) else { return nil }
        index += 1
        return try body(entry)
    }
}

// Sound: both own their memory alone, and move with their owner.
extension ExternalSorter: @unchecked Sendable {}
extension SortedEntries: @unchecked Sendable {}

extension StagingArea {
    /// Begins a sort whose spill files lie in this run's folder.
    ///
    /// - Parameters:
    ///   - entryBytes: the width of every entry; nil = they differ.
    ///   - memory: the most that the sort may take, in memory; at least 2 MiB.
    package func makeSorter(entryBytes: Int?, memory: ByteCount) -> ExternalSorter {
        ExternalSorter(self, entryBytes: entryBytes, memory: memory)
    }
}
