// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import Synchronization

/// Values that requests need, each asked for once.
final class Lookups: Sendable {
    private let client: RESTClient
    private let known = Mutex<[LookupPlan.Key: JSONValue]>([:])

    init(_ client: RESTClient) { self.client = client }

    /// - Throws: `invalidSetting` if the account has nothing of the kind.
    func value(_ plan: LookupPlan, _ values: PlaceholderValues) async throws -> JSONValue {
        if let value = known.withLock({ $0[plan.key] }) { return value }
        let answer = try await client.send(plan.request, values, class: "lookup")
        let found = answer.find { bytes, root -> JSONValue? in
            plan.list.values(in: bytes, from: root).flatMap { slice in
                slice.kind == .array ? slice.elements(in: bytes) : [slice]
            }.first { element in
                plan.conditions.allSatisfy { $0.holds(in: bytes, at: element) }
            }.flatMap { plan.value.first(in: bytes, from: $0) }
                .map { JSONValue(validated: UnsafeBufferPointer(rebasing: bytes[$0.range])) }
        }
        guard let found else {
            let wanted = plan.conditions.map(\.text).joined(separator: ", ")
            throw MigratezError(
                .invalidSetting, "the account has no '\(plan.name)' such as the definition looks for: \(wanted)",
                remedy: .fixConfiguration, hint: "change 'lookups' in a definition of your own, or make one there")
        }
        known.withLock { $0[plan.key] = found }
        return found
    }
}

extension LookupPlan {
    /// What tells lookups apart: they may have one name in several objects.
    struct Key: Hashable, Sendable {
        var request: RequestTemplate
        var conditions: [String]
        var value: RecordPath
    }

    var key: Key { Key(request: request, conditions: conditions.map(\.text), value: value) }
}
