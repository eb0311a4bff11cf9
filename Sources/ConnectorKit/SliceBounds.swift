// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// What connectors that cut an object into slices (`Source.slices`) have in common.
package enum SliceBounds {
    /// How many slices to cut, so that each has a page at least.
    package static func count(of records: Int, pageRecords: Int, atMost: Int) -> Int {
        min(atMost, (records + pageRecords - 1) / pageRecords)
    }

    /// The slices between bounds, the outer ones open: of a and b, up to a, from a to b, from b on; none without a bound.
    package static func slices<Bound>(between bounds: [Bound]) -> [(start: Bound?, end: Bound?)] {
        guard !bounds.isEmpty else { return [] }
        return (0...bounds.count).map { number in
            (start: number == 0 ? nil : bounds[number - 1], end: number == bounds.count ? nil : bounds[number])
        }
    }
}
