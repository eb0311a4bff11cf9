// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Synchronization

/// Decides which requests are hit.
///
/// A share is decided by hashing the seed, the rule, the request (method, target, beginning of the body) and how often
/// that very request has come before. So the same requests are hit whatever the order in which concurrent requests
/// arrive, and a repeated request gets a new decision.
package final class FaultInjector: Sendable {
    private struct State {
        var plan: FaultPlan
        /// What is left of each rule that counts down, by its place in the plan.
        var left: [Int]
        /// How often each request came, by its hash; kept only while there are rules.
        var seen: [UInt64: UInt32] = [:]
        /// The pages that were asked for, by path; kept only while a rule needs them.
        var lists: [Substring: PageHistory] = [:]
    }

    private let seed: UInt64
    private let state: Mutex<State>

    package init(plan: FaultPlan, seed: UInt64) {
        self.seed = seed
        state = Mutex(State(plan: plan, left: FaultInjector.counts(plan)))
    }

    /// Replaces the plan; what was seen before stays known.
    package func replace(with plan: FaultPlan) {
        state.withLock {
            $0.plan = plan
            $0.left = FaultInjector.counts(plan)
        }
    }

    /// Puts a rule before all others: `inject(.status(429, retryAfter: nil), .next(2), "/crm")`.
    package func inject(_ rule: FaultPlan.Rule) {
        state.withLock {
            $0.plan.rules.insert(rule, at: 0)
            $0.left.insert(FaultInjector.counts(FaultPlan([rule]))[0], at: 0)
        }
    }

    /// The faults of this request: any latencies, then at most one that decides the outcome. One that gives another page
    /// changes what is asked for.
    func faults(for request: inout SimulatorRequest) -> [Fault] {
        let (faults, target) = faults(for: request)
        if let target {
            request = SimulatorRequest(
                method: request.method, target: target, headers: request.headers, body: request.body)
        }
        return faults
    }

    private func faults(for request: SimulatorRequest) -> ([Fault], target: String?) {
        state.withLock { state in
            guard !state.plan.rules.isEmpty else { return ([], nil) }
            let key = FaultInjector.hash(of: request, seed: seed)
            let occurrence = state.seen[key, default: 0]
            state.seen[key] = occurrence &+ 1
            let pages = state.lists[request.pathText]
            var faults: [Fault] = []
            var target: String?
            var isDecided = false
            for (index, rule) in state.plan.rules.enumerated() where request.target.hasPrefix(rule.pathPrefix) {
                let decides = rule.fault.decides
                guard !(decides && isDecided) else { continue }
                let other = rule.fault.isOfPages ? pages?.target(by: rule.fault, for: request) : nil
                guard !rule.fault.isOfPages || other != nil else { continue }
                switch rule.frequency {
                case .next:
                    guard state.left[index] > 0 else { continue }
                    state.left[index] -= 1
                case .once: guard occurrence == 0 else { continue }
                case .share(let share):
                    let mixed = mix64(key ^ mix64(UInt64(index) << 32 | UInt64(occurrence)))
                    guard Double(mixed >> 11) * 0x1p-53 < share else { continue }
                }
                faults.append(rule.fault)
                isDecided = isDecided || decides
                target = target ?? other
            }
            if request.method == .get, state.plan.rules.contains(where: \.fault.isOfPages) {
                state.lists[request.pathText, default: PageHistory(first: request.target)].note(request.target)
            }
            return (faults, target)
        }
    }

    private static func counts(_ plan: FaultPlan) -> [Int] {
        plan.rules.map { if case .next(let count) = $0.frequency { count } else { 0 } }
    }

    /// The first 4 KiB of a body tell requests apart well enough.
    private static func hash(of request: SimulatorRequest, seed: UInt64) -> UInt64 {
        var hash = mix64(seed &+ 0x9E37_79B9_7F4A_7C15)
        func add(_ byte: UInt8) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        request.method.rawValue.utf8.forEach(add)
        request.target.utf8.forEach(add)
        request.body.prefix(4096).forEach(add)
        return mix64(hash ^ UInt64(request.body.count))
    }
}

/// The pages of a list that were asked for.
private struct PageHistory {
    let first: String
    private var last: String
    private var count = 0

    init(first: String) {
        self.first = first
        last = first
    }

    mutating func note(_ target: String) {
        last = target
        count += 1
    }

    /// What to answer in place of the request; `nil` as long as there is no such page.
    func target(by fault: Fault, for request: SimulatorRequest) -> String? {
        guard request.method == .get else { return nil }
        switch fault {
        case .pageAgain: return last == request.target ? nil : last
        case .firstPage: return count < 3 || first == request.target ? nil : first
        default: return nil
        }
    }
}

/// The finaliser of SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
func mix64(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return z ^ z >> 31
}
