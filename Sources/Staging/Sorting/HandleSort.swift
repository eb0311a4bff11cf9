// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

// Most entries begin with a hash or with an ordinal, and both spread evenly between the least and the greatest. So the
// handles are distributed over buckets in place (McIlroy, Bostic, McIlroy: 'Engineering Radix Sort', 1993, calls it the
// American flag sort), full buckets once more, and what is left to compare is a few neighbours.

extension UnsafeMutableBufferPointer<EntryArena.Handle> {
    /// More buckets than that do not stay in the processor's first cache.
    private static var bucketBitsMax: Int { 11 }
    /// Up to so many, comparing each with those before it is the fastest.
    private static var insertionMax: Int { 16 }

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
        // Four handles a bucket, if they spread evenly. The least and the greatest never share one, so this ends.
        let bucketBits = Swift.min(count.bitWidth - count.leadingZeroBitCount - 2, Self.bucketBitsMax)
        let shift = Swift.max(0, UInt64.bitWidth - range.leadingZeroBitCount - bucketBits)
        distribute(least, shift, buckets: Int(range >> UInt64(shift)) + 1) { $0.sort(isLess) }
    }

    /// Brings every handle into its bucket, and hands out those that have more than one, in order.
    private func distribute(_ least: UInt64, _ shift: Int, buckets: Int, _ body: (Self) -> Void) {
        // Where the next handle of a bucket belongs, and where the bucket ends.
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: 2 * buckets) { places in
            let next = UnsafeMutableBufferPointer<Int32>(rebasing: places[..<buckets])
            let ends = UnsafeMutableBufferPointer<Int32>(rebasing: places[buckets...])
            ends.initialize(repeating: 0)
            for handle in self { ends[Int(truncatingIfNeeded: (handle.prefix - least) >> UInt64(shift))] += 1 }
            var sum: Int32 = 0
            for bucket in 0..<buckets {
                next.initializeElement(at: bucket, to: sum)
                sum += ends[bucket]
                ends[bucket] = sum
            }
            for bucket in 0..<buckets {
                while next[bucket] < ends[bucket] {
                    let place = Int(next[bucket])
                    let home = Int(truncatingIfNeeded: (self[place].prefix - least) >> UInt64(shift))
                    if home != bucket { swapAt(place, Int(next[home])) }
                    next[home] += 1
                }
            }
            var start = 0
            for end in ends {
                if Int(end) - start > 1 { body(Self(rebasing: self[start..<Int(end)])) }
                start = Int(end)
            }
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
