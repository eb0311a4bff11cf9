// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

/// How the records of one stream become records of one object of the destination.
package struct ObjectSpec: Sendable, Equatable {
    /// The stream of the source: `contact`.
    package var stream: StreamName
    /// The source's own name of the object that the stream reads, if it is another one: several streams may read one.
    package var origin: StreamName?
    /// The destination's object: `Contact`.
    package var target: String
    /// Records for which this is not true are left out; `nil` = all are taken.
    package var filter: RecordExpression?
    /// In the order of the pipeline file; each target field once.
    package var fields: [FieldSpec]
    /// Rules that find duplicates among the records of the stream; tried together, they join transitively.
    package var duplicates: [DuplicateRule]
    /// Rules that find records which the destination holds already; the first that matches wins.
    package var targetMatches: [TargetMatchRule]
    /// Whose value stands when both sides changed a field since the last run, unless the field has a rule of its own.
    package var onConflict = ConflictRule.source
    /// What becomes of the destination's record when the source's is gone.
    package var onDelete = DeletionRule.keep
    /// Where the bytes of the source's records go, if they are to be moved.
    package var content: ContentSpec?
    /// How the destination's object is created where it is missing; `nil` = it must be there.
    package var creation: CreationSpec?

    package init(
        stream: StreamName, target: String, filter: RecordExpression? = nil, fields: [FieldSpec],
        duplicates: [DuplicateRule] = [], targetMatches: [TargetMatchRule] = []
    ) {
        self.stream = stream
        self.target = target
        self.filter = filter
        self.fields = fields
        self.duplicates = duplicates
        self.targetMatches = targetMatches
    }

    /// The rule of one field of the destination.
    package func field(_ target: String) -> FieldSpec? { fields.first { $0.target == target } }

    /// Whether a rule needs to know when the source last changed a record.
    package var needsModified: Bool { onConflict == .newest || fields.contains { $0.onConflict == .newest } }

    /// Every field of the source that filter, fields or rules read, sorted: what the extraction must bring.
    package var sourceFields: [String] {
        var names = Set(filter?.fieldNames ?? [])
        for field in fields {
            switch field.origin {
            case .field(let name): names.insert(name)
            case .expression(let expression): names.formUnion(expression.fieldNames)
            case .constant: break
            }
        }
        for rule in duplicates {
            names.formUnion(rule.keys)
            names.formUnion(rule.merge.keys)
        }
        return names.sorted()
    }
}
