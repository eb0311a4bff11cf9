// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import Synchronization

/// When a time zone's clocks differ by how much from UTC, for the years 1900 to 2100, after which the last difference
/// stays.
///
/// Worked out once for each zone, so that converting a date costs a binary search and no call into a calendar.
final class ZoneRules: Sendable, Equatable {
    /// `Europe/Berlin`
    let name: String
    /// Milliseconds since 1970 at which a difference begins, ascending.
    private let starts: [Int64]
    /// Milliseconds east of UTC: before the first start, then from each start on.
    private let offsets: [Int64]

    private init?(_ name: String) {
        guard let zone = TimeZone(identifier: name) else { return nil }
        self.name = name
        var starts: [Int64] = []
        var date = Date(timeIntervalSince1970: -2_208_988_800)  // 1900
        let end = Date(timeIntervalSince1970: 4_102_444_800)  // 2100
        var offsets = [Int64(zone.secondsFromGMT(for: date)) * 1000]
        while let next = zone.nextDaylightSavingTimeTransition(after: date), next > date, next < end {
            starts.append(Int64((next.timeIntervalSince1970 * 1000).rounded()))
            offsets.append(Int64(zone.secondsFromGMT(for: next)) * 1000)
            date = next
        }
        self.starts = starts
        self.offsets = offsets
    }

    /// The zone of a name in the IANA database (`Europe/Berlin`, `UTC`); `nil` if there is none.
    static func named(_ name: String) -> ZoneRules? {
        known.withLock { known in
            if let rules = known[name] { return rules }
            guard name == "UTC" || names.contains(name), let rules = ZoneRules(name) else { return nil }
            known[name] = rules
            return rules
        }
    }

    private static let known = Mutex<[String: ZoneRules]>([:])
    /// All names, for suggestions.
    static let names = Set(TimeZone.knownTimeZoneIdentifiers)

    /// Milliseconds east of UTC at an instant.
    func offset(at instant: Int64) -> Int64 {
        var low = 0
        var high = starts.count
        while low < high {
            let middle = (low + high) / 2
            if starts[middle] <= instant { low = middle + 1 } else { high = middle }
        }
        return offsets[low]
    }

    /// The instant at which the zone's clocks show a time.
    ///
    /// A time that they show twice, when they are set back, is the first of the two; one that they skip, when they are set
    /// forward, counts as if they had not been.
    func instant(ofLocal local: Int64) -> Int64 {
        let before = offset(at: local - Self.day)
        let after = offset(at: local + Self.day)
        if before == after || offset(at: local - before) == before { return local - before }
        return offset(at: local - after) == after ? local - after : local - before
    }

    private static let day: Int64 = 86_400_000

    static func == (a: ZoneRules, b: ZoneRules) -> Bool { a.name == b.name }
}
