// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel
package import MigratezStaging
import MigratezTransform

/// What a person can do about rejected records, in the terms of their own pipeline.
package struct IssueAdvice: Sendable {
    private let run: RunID
    private let plan: PipelinePlan?

    /// - Parameter plan: nil if the pipeline file cannot be read any more; the advice is general then.
    package init(run: RunID, plan: PipelinePlan?) {
        self.run = run
        self.plan = plan
    }

    /// One sentence with the command that follows: `add the value to values.deal_stage, …, then: migratez issues retry …`.
    package func sentence(_ count: RejectCount) -> String {
        guard let code = ErrorCode(count.code) else { return "migratez issues show \(run) \(count.stream)" }
        if let route = plan?.transform.routes.first(where: { $0.stream == count.stream }), route.isLookup {
            return "nothing to do here: these links come once their \(route.from) records do"
        }
        return (specific(code, count) ?? code.advice) + next(code)
    }

    private func specific(_ code: ErrorCode, _ count: RejectCount) -> String? {
        let fields = count.fields.map { "\(count.stream).\($0)" }.joined(separator: ", ")
        switch code {
        case .valueNotMapped:
            let maps = count.fields.compactMap { object(count.stream)?.field($0)?.valueMap }
            guard let map = maps.first else { return nil }
            return "add it to values.\(map), or set its otherwise"
        case .notInPicklist where !fields.isEmpty:
            return "add it to the list of \(fields) in the destination, or map it with a value map"
        case .requiredFieldMissing where !fields.isEmpty: return "give \(fields) a default, or fill it in the export"
        case .tooLong where !fields.isEmpty: return "set truncate: true for \(fields), or shorten it in the export"
        case .wrongType where !fields.isEmpty:
            return "set on_error: \"null\" for \(fields), or correct it in the export"
        case .parentMissing where count.stage == .transform:
            return
                "set on_missing: empty for the link of \(fields.isEmpty ? count.stream.text : fields), if that may be"
        default: return nil
        }
    }

    private func next(_ code: ErrorCode) -> String {
        code == .malformedRecord
            ? ": migratez issues skip \(run) --code \(code) --reason …"
            : ", then: migratez issues retry \(run) --code \(code)"
    }

    private func object(_ stream: StreamName) -> ObjectSpec? { plan?.transform.object(stream) }
}
