// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// How many requests of one kind a piece of work takes, by the connector's own reckoning: for plans, not for billing.
package struct CallEstimate: Sendable, Codable, Equatable {
    /// What is asked, as people know it: `list contacts`, `collections Contact`.
    package var endpoint: String
    package var calls: Int
    /// How long all of them take together, at best and at worst.
    package var secondsMin: Double
    package var secondsMax: Double

    /// - Parameters:
    ///   - secondsEach: how long one takes; most services answer within this range.
    ///   - atOnce: how many are under way at the same time.
    package init(
        _ endpoint: String, _ calls: Int, secondsEach: ClosedRange<Double> = 0.05...0.5, atOnce: Int = 1
    ) {
        self.endpoint = endpoint
        self.calls = calls
        secondsMin = Double(calls) * secondsEach.lowerBound / Double(max(1, atOnce))
        secondsMax = Double(calls) * secondsEach.upperBound / Double(max(1, atOnce))
    }
}

extension [CallEstimate] {
    /// One estimate for each endpoint, in the order in which they first occur.
    package var addedUpByEndpoint: [CallEstimate] {
        var sums: [CallEstimate] = []
        for estimate in self {
            guard let place = sums.firstIndex(where: { $0.endpoint == estimate.endpoint }) else {
                sums.append(estimate)
                continue
            }
            sums[place].calls += estimate.calls
            sums[place].secondsMin += estimate.secondsMin
            sums[place].secondsMax += estimate.secondsMax
        }
        return sums
    }
}

/// Something that a destination does on its own when records are written, and that no request can switch off.
package struct SideEffect: Sendable, Codable, Equatable {
    package enum Kind: String, Sendable, Codable, CaseIterable {
        /// A flow, workflow rule or trigger: it may change records, create others, or call out.
        case automation
        /// Mails to people.
        case notification
        /// It may refuse rows as duplicates.
        case duplicateRule = "duplicate_rule"
        /// It may refuse rows for what they hold.
        case validation
        /// The destination did not say whether there is any of this.
        case unknown
    }

    package var kind: Kind
    /// The destination's object that it happens to; `nil` = any.
    package var object: String?
    /// A sentence without its full stop: what it is and what it does.
    package var what: String
    /// What may be done about it, if anything.
    package var advice: String?

    package init(_ kind: Kind, object: String? = nil, _ what: String, advice: String? = nil) {
        self.kind = kind
        self.object = object
        self.what = what
        self.advice = advice
    }
}
