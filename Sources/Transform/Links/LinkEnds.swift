// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezChunkLines
import MigratezCrypto
import MigratezJSON

/// Decides on the links of a stream while they are read, in the order of its chunks, without sorting them.
///
/// Sources give the links of a record together, so a link that is equal to an earlier one is found among the last few.
/// Where a record's links come in several places (it stands for merged ones, or the source has another order), the
/// earlier ones are no longer known: `decide` then says so, and the rest has to be sorted. What was decided until then
/// stays right, because whether a link is made depends on those before it only.
struct LinkEnds: ~Copyable {
    /// The links of one record that are remembered; of more, the rest has to be sorted.
    static let linksMax = 10_000

    private let from: TargetTable
    private let to: TargetTable
    private let pseudonyms: PseudonymKey
    /// Whether a link from a record to itself is left out.
    private let leavesOutLoops: Bool
    /// One bit for each from-record whose links have come, by ordinal.
    private var seenRecords: [UInt64]
    /// The id that the last link started from, as it stood in its line, and what it leads to.
    private var fromID: [UInt8] = []
    private var fromTarget: TargetEntry?
    /// The links that were made of the record so far: the few of most records compared one by one, more in a set.
    private var made: [End] = []
    private var manyMade: Set<End> = []
    private static let fewMax = 16

    private struct End: Hashable {
        var to: UInt64
        var label: UInt64
    }

    /// - Parameter leavesOutLoops: nothing is its own parent.
    init(from: TargetTable, to: TargetTable, pseudonyms: PseudonymKey, leavesOutLoops: Bool) {
        self.from = from
        self.to = to
        self.pseudonyms = pseudonyms
        self.leavesOutLoops = leavesOutLoops
        seenRecords = Array(repeating: 0, count: from.ordinalsEnd / 64 + 1)
    }

    /// What is to be done with the next link, which has this ordinal; `nil` if it cannot be known without sorting.
    mutating func decide(
        _ edge: Int, _ slices: EdgeSlices, in line: UnsafeBufferPointer<UInt8>
    ) -> JunctionDecision? {
        guard moveOn(to: UnsafeBufferPointer(rebasing: line[slices.from.range]), slices.from, in: line) else {
            return nil
        }
        let target = to.find(pseudonyms.pseudonym(of: slices.to, in: line))
        let label = slices.label.map { EdgeEntry.label(pseudonyms.pseudonym(of: $0, in: line)) } ?? 0
        let link = JunctionEntry(edge: UInt64(edge), from: fromTarget, to: target, label: label)
        switch link.state {
        case .missing: return JunctionDecision(link, .missing)
        case .leftOut: return JunctionDecision(link, .leftOut)
        case .resolved: break
        }
        if leavesOutLoops, link.from == link.to { return JunctionDecision(link, .notChosen) }
        guard manyMade.count < Self.linksMax else { return nil }
        return JunctionDecision(link, isNew(End(to: link.to, label: label)) ? .load : .merged)
    }

    /// Remembers the link; false if the record has it already.
    private mutating func isNew(_ end: End) -> Bool {
        if made.count < Self.fewMax {
            guard !made.contains(end) else { return false }
            made.append(end)
            return true
        }
        if manyMade.isEmpty { manyMade.formUnion(made) }
        return manyMade.insert(end).inserted
    }

    /// Looks up where the links start from that come next, unless it is where the last one did; false if links of the
    /// same record came before others.
    private mutating func moveOn(
        to id: UnsafeBufferPointer<UInt8>, _ slice: JSONSlice, in line: UnsafeBufferPointer<UInt8>
    ) -> Bool {
        if fromID.elementsEqual(id) { return true }
        fromID.removeAll(keepingCapacity: true)
        fromID.append(contentsOf: id)
        fromTarget = from.find(pseudonyms.pseudonym(of: slice, in: line))
        made.removeAll(keepingCapacity: true)
        if !manyMade.isEmpty { manyMade.removeAll() }
        guard let record = fromTarget, record.state == .resolved else { return true }
        let (word, bit) = (Int(record.ordinal / 64), UInt64(1) << (record.ordinal % 64))
        guard seenRecords[word] & bit == 0 else { return false }
        seenRecords[word] |= bit
        return true
    }
}
