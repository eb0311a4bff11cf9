// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

/// Which faults a simulator shows, and how often.
///
/// Text form, rules separated by commas:
/// ```
/// status:503=0.01                        one request in a hundred
/// latency:50ms=0.1@/crm/v3/objects       one in ten below that path
/// status:429:2s*3@/crm/v3/objects/contacts   the next three requests below that path, with Retry-After: 2
/// commit-then-drop=once                  every request, the first time it comes
/// ```
/// Names: `status:CODE[:RETRY_AFTER]` (`2s`, `date+90s`, `date-90s`, or any text in quotes), `latency:DURATION`,
/// `reset-mid-body`, `reset-after:BYTES`, `stall`, `black-hole`, `commit-then-drop`, `drop`, `bad-json`, `html`,
/// `error-body`, `redirect`, `gzip-bomb`, `wrong-length`, `trickle`, `page-again`, `first-page`. Of several rules that hit
/// one request, the first that decides the outcome wins; latencies add up.
package struct FaultPlan: Hashable, Sendable {
    package struct Rule: Hashable, Sendable {
        package enum Frequency: Hashable, Sendable {
            /// This share of the requests, 0...1.
            case share(Double)
            /// The next requests, so many.
            case next(Int)
            /// Each request when it comes for the first time; when the same comes again it goes through.
            case once
        }

        package var fault: Fault
        package var frequency: Frequency
        /// Only requests whose path begins with this; empty means all.
        package var pathPrefix: String

        package init(_ fault: Fault, _ frequency: Frequency, pathPrefix: String = "") {
            self.fault = fault
            self.frequency = frequency
            self.pathPrefix = pathPrefix
        }
    }

    package var rules: [Rule]

    package init(_ rules: [Rule] = []) { self.rules = rules }

    /// Reads the text form; an empty text is a plan without faults.
    package init(parsing text: String) throws(MigratezError) {
        rules = []
        for item in text.split(whereSeparator: { $0 == "," || $0.isNewline }) {
            let rule = item.filter { $0 != " " }
            guard !rule.isEmpty else { continue }
            guard let parsed = Rule(rule) else {
                throw MigratezError(
                    .invalidSetting, "'\(rule)' is not a fault rule", remedy: .fixConfiguration,
                    hint:
                        "write NAME=SHARE, such as status:503=0.01, NAME*COUNT@/path for the next requests, or NAME=once"
                )
            }
            rules.append(parsed)
        }
    }
}

extension FaultPlan.Rule {
    fileprivate init?(_ text: String) {
        let halves = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        pathPrefix = halves.count == 2 ? String(halves[1]) : ""
        let what = halves[0]
        guard let sign = what.lastIndex(where: { $0 == "=" || $0 == "*" }) else { return nil }
        guard let fault = Fault(what[..<sign]) else { return nil }
        self.fault = fault
        let amount = what[what.index(after: sign)...]
        if what[sign] == "*" {
            guard let count = Int(amount), count > 0 else { return nil }
            frequency = .next(count)
        } else if amount == "once" {
            frequency = .once
        } else {
            guard let share = Double(amount), (0...1).contains(share) else { return nil }
            frequency = .share(share)
        }
    }
}
