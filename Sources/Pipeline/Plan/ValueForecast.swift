// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezTransform

/// Values of a fixed list in the source that would not arrive in a fixed list of the destination.
package struct ValueForecast: Sendable, Encodable, Equatable {
    package enum Fate: String, Sendable, Encodable {
        /// Records with it are rejected: the value map has no entry for it, and says `otherwise: quarantine`.
        case unmapped
        /// Records with it are rejected: the destination's list does not have what it becomes.
        case refused
        /// The destination takes it, although its list does not have it.
        case added
    }

    /// `deal.dealstage`
    package var source: String
    /// `Opportunity.StageName`
    package var target: String
    package var fate: Fate
    /// The source's values with this fate, in the order of its list.
    package var values: [String]

    /// For every mapped field of which both sides know the list.
    static func all(_ plan: PipelinePlan, _ setup: RunSetup) -> [ValueForecast] {
        plan.transform.objects.flatMap { object -> [ValueForecast] in
            guard let source = setup.sourceSchemas[object.stream], let target = setup.targetSchemas[object.target]
            else { return [] }
            return object.fields.flatMap { field -> [ValueForecast] in
                guard case .field(let name) = field.origin, let from = source.field(name), !from.options.isEmpty,
                    let to = target.field(field.target), !field.isPerson
                else { return [] }
                let map = field.valueMap.flatMap { plan.transform.values[$0] }
                return forecast("\(object.stream).\(name)", from, to, "\(object.target).\(to.name)", field, map)
            }
        }
    }

    private static func forecast(
        _ source: String, _ from: FieldSchema, _ to: FieldSchema, _ target: String, _ field: FieldSpec,
        _ map: ValueMapSpec?
    ) -> [ValueForecast] {
        let isList = (to.kind == .choice || to.kind == .choices) && !to.options.isEmpty
        let known = Set(to.options.filter(\.isActive).map(\.value))
        var byFate: [Fate: [String]] = [:]
        for option in from.options {
            var value: String? = option.value
            if let map {
                if let mapped = map.entries[option.value] {
                    value = mapped
                } else {
                    switch map.otherwise {
                    case .quarantine:
                        byFate[.unmapped, default: []].append(option.value)
                        continue
                    case .keep: break
                    case .drop: value = nil
                    case .use(let text): value = text
                    }
                }
            }
            guard isList, let value, !value.isEmpty else { continue }
            let cased =
                field.letterCase == .lower
                ? value.lowercased() : field.letterCase == .upper ? value.uppercased() : value
            let parts = to.kind == .choices ? cased.split(separator: ";").map(String.init) : [cased]
            guard !parts.allSatisfy(known.contains) else { continue }
            byFate[to.isRestricted ? .refused : .added, default: []].append(option.value)
        }
        return [Fate.unmapped, .refused, .added].compactMap { fate in
            byFate[fate].map { ValueForecast(source: source, target: target, fate: fate, values: $0) }
        }
    }
}
