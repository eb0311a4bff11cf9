// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel

/// Merges sorted runs with a tree of losers (Knuth, TAOCP volume 3, 5.4.1): about log₂ k comparisons an entry.
struct EntryMerge: ~Copyable {
    private let readers: [EntryReader]
    /// Whether a reader is at its end.
    private var isAtEnd: [Bool]
    /// Node 0 holds the winner; node n > 0 the loser of the match between the subtrees 2n and 2n + 1. Leaf r is at
    /// readers.count + r.
    private var tree: [Int]
    /// Set once the current winner has been handed out, so that it must move on first.
    private var isWinnerTaken = false

    /// How many of the first runs are merged at once within `memory`; two at least, if there are two.
    static func runsMax(among runs: [SortedRun], within memory: ByteCount) -> Int {
        // One share for a merge that writes: it has buffers as well.
        var bytes = EntryReader.memoryBytes
        var count = 0
        for run in runs.prefix(256) {
            bytes += EntryReader.memoryBytes + run.longestEntryBytes
            if count >= 2, bytes > memory.bytes { break }
            count += 1
        }
        return count
    }

    init(_ runs: [SortedRun], _ layout: EntryLayout) throws(MigratezError) {
        var readers: [EntryReader] = []
        var isAtEnd: [Bool] = []
        for run in runs {
            let reader = try EntryReader(run.file, layout)
            isAtEnd.append(try !reader.advance())
            readers.append(reader)
        }
        self.readers = readers
        self.isAtEnd = isAtEnd
        tree = [Int](repeating: 0, count: max(readers.count, 1))
        build()
    }

    /// The next entry in order, valid until the next call; nil after the last.
    mutating func next() throws(MigratezError) -> UnsafeRawBufferPointer? {
        if isWinnerTaken {
            let winner = tree[0]
            isAtEnd[winner] = try !readers[winner].advance()
            replay(winner)
        }
        guard !readers.isEmpty, !isAtEnd[tree[0]] else {
            isWinnerTaken = false
            return nil
        }
        isWinnerTaken = true
        return readers[tree[0]].entry
    }

    /// Plays all matches, from the leaves up.
    private mutating func build() {
        let count = readers.count
        guard count > 1 else { return }
        var winners = [Int](repeating: 0, count: 2 * count)
        for reader in 0..<count { winners[count + reader] = reader }
        for node in stride(from: count - 1, to: 0, by: -1) {
            let (a, b) = (winners[2 * node], winners[2 * node + 1])
            let isFirst = comesBefore(a, b)
            winners[node] = isFirst ? a : b
            tree[node] = isFirst ? b : a
        }
        tree[0] = winners[1]
    }

    /// Plays the matches of a reader that has moved on, up to the top.
    private mutating func replay(_ reader: Int) {
        var winner = reader
        var node = (readers.count + reader) / 2
        while node > 0 {
            if comesBefore(tree[node], winner) { swap(&tree[node], &winner) }
            node /= 2
        }
        tree[0] = winner
    }

    private func comesBefore(_ a: Int, _ b: Int) -> Bool {
        if isAtEnd[a] || isAtEnd[b] { return !isAtEnd[a] || (isAtEnd[b] && a < b) }
        let (first, second) = (readers[a], readers[b])
        if first.prefix != second.prefix { return first.prefix < second.prefix }
        guard let start = first.entry.baseAddress, let other = second.entry.baseAddress else {
            return first.entry.count == second.entry.count ? a < b : first.entry.count < second.entry.count
        }
        if EntryOrder.isLess(start, first.entry.count, other, second.entry.count) { return true }
        return a < b && !EntryOrder.isLess(other, second.entry.count, start, first.entry.count)
    }
}
