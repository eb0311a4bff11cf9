// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
package import MigratezModel

/// What the command line changes in a pipeline for one spell of work; the file and its digest stay as they are.
package struct PlanOverrides: Sendable, Equatable {
    package var selection = ObjectSelection()
    /// `0.5%`
    package var rejectedShareMax: String?
    package var chunkRecordsMax: Int?
    /// So many records of each object are read at most; for a new run only.
    package var recordsMax: Int?
    /// Requests at once, on each side that has such a setting.
    package var concurrencyMax: Int?
    /// `150/10s`: the source's rate.
    package var sourceRate: String?

    package init() {}

    /// - Throws: `invalidSetting`.
    func apply(to plan: inout PipelinePlan, catalog: ConnectorCatalog) throws(MigratezError) {
        if !selection.isEmpty {
            plan.transform = try plan.transform.restricted(to: try selection.streams(of: plan.transform))
        }
        if let rejectedShareMax {
            guard let share = Quantity.share(rejectedShareMax) else {
                throw Self.invalid("--max-quarantine", rejectedShareMax, "0.5%")
            }
            plan.gates.rejectedShareMax = share
        }
        if let chunkRecordsMax {
            guard chunkRecordsMax >= 1 else { throw Self.invalid("--chunk-records", "\(chunkRecordsMax)", "50000") }
            plan.staging.chunkRecordsMax = chunkRecordsMax
        }
        if let recordsMax {
            guard recordsMax >= 1 else { throw Self.invalid("--limit", "\(recordsMax)", "1000") }
        }
        if let concurrencyMax {
            guard (1...1000).contains(concurrencyMax) else {
                throw Self.invalid("--concurrency", "\(concurrencyMax)", "4")
            }
            plan.limits.jobsMax = concurrencyMax
            plan.source.set("rate.concurrency", "\(concurrencyMax)", catalog.sources[plan.source.connector])
            plan.target.set("rate.concurrency", "\(concurrencyMax)", catalog.destinations[plan.target.connector])
        }
        if let sourceRate {
            _ = try RateBudget(parsing: sourceRate)
            guard plan.source.set("rate.requests", sourceRate, catalog.sources[plan.source.connector]) else {
                throw MigratezError(
                    .invalidSetting, "\(plan.source.connector) has no rate that could be limited",
                    remedy: .fixConfiguration, hint: "leave --rate out")
            }
        }
    }

    private static func invalid(_ option: String, _ value: String, _ example: String) -> MigratezError {
        MigratezError(
            .invalidSetting, "'\(value)' is not a value for \(option)", remedy: .fixConfiguration,
            hint: "write it as \(example)")
    }
}

extension ConnectionSpec {
    /// Puts a setting in the place of the file's; `false` if the connector has no such setting.
    @discardableResult
    fileprivate mutating func set(_ name: String, _ value: String, _ specs: [SettingSpec]?) -> Bool {
        guard let spec = (specs ?? []).first(where: { $0.path == name }) else { return false }
        settings[name] = .text(ReferenceTemplate(value), spec.kind)
        return true
    }
}

extension SessionLimits {
    /// - Parameter durationMax: `90m`, `2h`.
    /// - Throws: `invalidSetting`.
    package init(durationMax: String?, endsAtFirstReject: Bool) throws(MigratezError) {
        self.init()
        self.endsAtFirstReject = endsAtFirstReject
        guard let durationMax else { return }
        guard let duration = Quantity.duration(durationMax), duration > .zero else {
            throw MigratezError(
                .invalidSetting, "'\(durationMax)' is not a span of time", remedy: .fixConfiguration,
                hint: "write it as 90m or 2h")
        }
        self.durationMax = duration
    }
}
