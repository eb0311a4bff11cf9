// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezConnectorKit
import MigratezModel
import MigratezTransform

/// What may be meant by fields of the destination that a pipeline does not fill yet; never applied by itself.
package struct MappingSuggestion: Sendable {
    /// The pipeline's object: `contact`.
    package var object: String
    package var target: FieldSchema
    /// The most certain first; at least one.
    package var candidates: [FieldCandidate]

    private static let candidatesMax = 3
    /// Less is no help to anybody.
    private static let certaintyMin = 40

    /// For the named object, or for all.
    package static func make(_ connection: PlanConnection, object: String?) async throws -> [MappingSuggestion] {
        let spec = connection.plan.transform
        var wanted = spec.objects.filter { object == nil || $0.stream.text == object }
        guard !wanted.isEmpty else {
            let names = spec.objects.map(\.stream.text)
            throw MigratezError(
                .unknownObject, "the pipeline has no object '\(object ?? "")'", remedy: .fixConfiguration,
                hint: "it has \(names.joined(separator: ", "))")
        }
        // An object that a run would create has no other fields than those that the pipeline fills.
        let missing = try await connection.missingTargets()
        wanted.removeAll { missing.contains($0.target) }
        let sources = try await connection.source.discover(wanted.map(\.stream))
        let targets = try await connection.destination.discover(wanted.map(\.target))
        var suggestions: [MappingSuggestion] = []
        for (object, (source, target)) in zip(wanted, zip(sources, targets)) {
            let links = spec.links.compactMap { link -> String? in
                guard link.from == object.stream, case .lookup(_, let field) = link.form else { return nil }
                return field
            }
            for field in target.fields where object.field(field.name) == nil && !links.contains(field.name) {
                let found = FieldMatching.candidates(for: field, among: source.fields)
                    .filter { $0.certainty >= certaintyMin }.prefix(candidatesMax)
                guard !found.isEmpty else { continue }
                suggestions.append(
                    MappingSuggestion(object: object.stream.text, target: field, candidates: Array(found)))
            }
        }
        return suggestions
    }
}
