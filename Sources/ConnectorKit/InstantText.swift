// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

/// Instants in UTC as vendors write them: `2026-11-23T15:00:00.000+0000`, `2026-11-23T15:00:00Z`.
package enum InstantText {
    /// `nil` if the text is not of that form in UTC.
    package static func timestamp(_ text: String) -> Timestamp? {
        let parts = text.split { "-T:.+Z".contains($0) }
        guard parts.count >= 6, let year = Int64(parts[0]), let month = Int64(parts[1]), let day = Int64(parts[2]),
            let hour = Int64(parts[3]), let minute = Int64(parts[4]), let second = Int64(parts[5]),
            text.hasSuffix("Z") || text.hasSuffix("+0000") || text.hasSuffix("+00:00")
        else { return nil }
        let fraction = text.contains(".") && parts.count > 6 ? Int64(parts[6].prefix(3)) ?? 0 : 0
        let seconds = ((Timestamp.days(year: year, month: month, day: day) * 24 + hour) * 60 + minute) * 60 + second
        return Timestamp(milliseconds: seconds * 1000 + fraction)
    }
}
