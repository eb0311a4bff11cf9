// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezConnectorKit
import MigratezModel

/// Whose organisation it is, what it will do on its own, and what a load costs.
extension ZohoDestination {
    package func identity() async throws -> String { try await ZohoAccount(connection).identity() }

    package func account(for objects: [String]) async throws -> AccountReport {
        let modules = objects.filter { !Self.isPartOfRecords($0) }
        return try await ZohoAccount(connection).report(reading: modules, writing: modules)
    }

    package func recordAddress(of object: String, id: String) async throws -> String? {
        guard object != DealRoles.object else { return nil }
        let attachment = AttachmentID(id)
        return try await ZohoAccount(connection)
            .recordAddress(of: attachment?.module ?? object, id: attachment?.record ?? id)
    }

    /// Workflows, approvals and blueprints are kept out of every call. Whether jobs run them is not documented, and what else an
    /// organisation has set up to check records, no request tells.
    package func sideEffects(on objects: [String]) async throws -> [SideEffect] {
        guard objects.contains(where: { !Self.isPartOfRecords($0) }) else { return [] }
        var effects = [
            SideEffect(
                .unknown,
                "validation rules, layout rules and unique fields may refuse rows, and Zoho does not say which",
                advice: "look at Setup, Modules and Fields, before the load")
        ]
        for object in objects where !Self.isPartOfRecords(object) {
            guard let subform = try await requiredSubforms(of: object).first else { continue }
            effects.append(
                SideEffect(
                    .validation,
                    "a new record of \(object) must have a row of \(subform.module)"
                        + (placeholder == nil ? "" : ": it begins with a provisional one"),
                    advice: placeholder == nil
                        ? "make a product for it, and give its id as target.\(ProvisionalRow.setting)"
                        : "load \(subform.module), too: their first row takes its place"))
        }
        if loadAPI == .bulk, objects.contains(where: takesBulkWrite) {
            effects.append(
                SideEffect(
                    .automation, "workflows may run for what bulk jobs write: Zoho does not say that they do not",
                    advice: "switch off what must not run, or load with load.api: records"))
        }
        return effects
    }

    package func estimatedCalls(writing object: String, records: Int, matchRules: Int) -> [CallEstimate] {
        let route = route(for: object, expectedRows: records)
        let calls = (records + route.recordsMax - 1) / route.recordsMax
        if object == Attachments.object {
            // What the record has is looked at first.
            return [CallEstimate("files", records * 2, secondsEach: 0.3...3)]
        }
        if catalog.isSubform(object) {
            // A record is looked at, written, and looked at again.
            return [CallEstimate("records with \(object)", records * 3, secondsEach: 0.1...1)]
        }
        if object == DealRoles.object {
            return [CallEstimate("contact roles", records * 2, secondsEach: 0.2...1)]
        }
        if route.name == LoadAPI.bulk.rawValue {
            // Send the file, begin the job, some ten looks, one download.
            var estimates = [
                CallEstimate("bulk \(object)", calls * 13, secondsEach: 0.5...30, atOnce: route.concurrencyMax)
            ]
            if matchRules > 0 {
                estimates.append(CallEstimate("match \(object)", (records + 99) / 100 * matchRules * 2))
            }
            return estimates
        }
        var estimates = [
            CallEstimate("records \(object)", calls, secondsEach: 0.5...4, atOnce: route.concurrencyMax)
        ]
        if matchRules > 0 { estimates.append(CallEstimate("match \(object)", calls * matchRules * 2)) }
        return estimates
    }
}
