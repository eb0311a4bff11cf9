// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

// Most entries begin with a hash or with an ordinal, and both spread evenly between the least and the greatest. So the
// handles are first distributed over buckets in place (McIlroy, Bostic, McIlroy: 'Engineering Radix Sort', 1993, calls it
// the American flag sort), and what is left to compare is a dozen neighbours: a third of the time of comparing all.

extension UnsafeMutableBufferPointer<EntryArena.Handle> {
    private static var bucketsMax: Int { 2048 }
    /// Up to so many, comparing each with those before it is the fastest.
    private static var insertionMax: Int { 32 }

    /// Sorts by prefix, and those with the same prefix by `isLess`, which must agree with the order of prefixes.
    func sort(_ isLess: (EntryArena.Handle, EntryArena.Handle) -> Bool) {
        guard count > Self.insertionMax else { return insertionSort(isLess) }
        var (least, greatest) = (UInt64.max, UInt64.min)
        for handle in self {
            least = Swift.min(least, handle.prefix)
            greatest = Swift.max(greatest, handle.prefix)
        }
        let range = greatest - least
        guard range > 0 else { return comparisonSort(isLess) }
        // As many of the highest bits of the range as there are buckets for.
        let shift = Swift.max(0, UInt64.bitWidth - range.leadingZeroBitCount - Self.bucketsMax.trailingZeroBitCount)
        distribute(least, shift) { bucket in
            if bucket.count <= Self.insertionMax {
                bucket.insertionSort(isLess)
            } else {
                bucket.comparisonSort(isLess)
            }
        }
    }

    /// Brings every handle into its bucket, and hands out the buckets in order.
    private func distribute(_ least: UInt64, _ shift: Int, _ body: (Self) -> Void) {
        var ends = [Int](repeating: 0, count: Self.bucketsMax)
        for handle in self { ends[Int(truncatingIfNeeded: (handle.prefix - least) >> UInt64(shift))] += 1 }
        var starts = ends
        var sum = 0
        for bucket in ends.indices {
            starts[bucket] = sum
            sum += ends[bucket]
            ends[bucket] = sum
        }
        var next = starts
        for bucket in next.indices {
            while next[bucket] < ends[bucket] {
                let place = next[bucket]
                let home = Int(truncatingIfNeeded: (self[place].prefix - least) >> UInt64(shift))
                if home != bucket { swapAt(place, next[home]) }
                next[home] += 1
            }
        }
        for bucket in starts.indices where ends[bucket] - starts[bucket] > 1 {
            body(Self(rebasing: self[starts[bucket]..<ends[bucket]]))
        }
    }

    private func insertionSort(_ isLess: (EntryArena.Handle, EntryArena.Handle) -> Bool) {
        guard count > 1 else { return }
        for index in 1..<count {
            let handle = self[index]
            var place = index
            while place > 0, isLess(handle, self[place - 1]) {
                self[place] = self[place - 1]
                place -= 1
            }
            self[place] = handle
        }
    }

    private func comparisonSort(_ isLess: (EntryArena.Handle, EntryArena.Handle) -> Bool) {
        var handles = self
        handles.sort(by: isLess)
    }
}
