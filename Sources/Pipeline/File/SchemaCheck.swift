// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezConnectorKit
package import MigratezModel
import MigratezTransform

/// Checks a plan against what both sides really have: the second half of `lint`, once they can be asked.
///
/// All findings come together, each at its place in the file. Where a schema is open (a file takes any field), only a
/// likely slip is pointed out.
package struct SchemaCheck {
    let plan: PipelinePlan
    let sources: [StreamName: ObjectSchema]
    let targets: [String: ObjectSchema]
    /// Members of the source's records beside their fields, which expressions may read, too.
    let recordMembers: Set<String>
    var diagnostics: [Diagnostic] = []

    private init(
        plan: PipelinePlan, sources: [StreamName: ObjectSchema], targets: [String: ObjectSchema],
        recordMembers: Set<String>
    ) {
        self.plan = plan
        self.sources = sources
        self.targets = targets
        self.recordMembers = recordMembers
    }

    /// All findings, in the order of the file.
    ///
    /// - Parameters:
    ///   - creating: fields that the run will create in the destination first.
    package static func check(
        _ plan: PipelinePlan, sources: [StreamName: ObjectSchema], targets: [String: ObjectSchema],
        creating: [FieldCreation] = [],
        recordMembers: Set<String> = ["id", "archived", "archivedAt", "createdAt", "updatedAt", "url"]
    ) -> [Diagnostic] {
        var targets = targets
        for creation in creating where targets[creation.object]?.field(creation.field.name) == nil {
            targets[creation.object]?.fields.append(creation.field)
        }
        var check = SchemaCheck(plan: plan, sources: sources, targets: targets, recordMembers: recordMembers)
        for object in plan.transform.objects { check.check(object) }
        for (number, link) in plan.transform.links.enumerated() { check.check(link, number) }
        return check.diagnostics.inFileOrder
    }

    mutating func report(
        _ code: ErrorCode, _ path: [String], _ message: String, suggestion: String? = nil, remedy: String? = nil,
        severity: Diagnostic.Severity = .error
    ) {
        report(code, at: plan.marks[path], message, suggestion: suggestion, remedy: remedy, severity: severity)
    }

    mutating func report(
        _ code: ErrorCode, at position: FilePosition, _ message: String, suggestion: String? = nil,
        remedy: String? = nil, severity: Diagnostic.Severity = .error
    ) {
        let diagnostic = Diagnostic(
            file: plan.file, position: position, severity: severity, code: code, message: message,
            suggestion: suggestion, remedy: remedy)
        // A value map that several fields use would be reported once for each.
        if !diagnostics.contains(diagnostic) { diagnostics.append(diagnostic) }
    }

    private mutating func check(_ object: ObjectSpec) {
        let path = ["objects", object.stream.text]
        checkSourceFields(object, path)
        guard let schema = targets[object.target] else {
            report(
                .unknownObject, path + ["to"], "the destination has no object '\(object.target)'",
                suggestion: closest(to: object.target, among: targets.keys.sorted()))
            return
        }
        for field in object.fields {
            let place = path + ["fields", field.target]
            guard let target = schema.field(field.target) else {
                reportUnknown(field.target, of: schema, place)
                continue
            }
            check(field, to: target, of: object, place)
        }
        for (number, rule) in object.targetMatches.enumerated() {
            for key in rule.keys where schema.field(key) == nil {
                reportUnknown(key, of: schema, path + ["dedupe", "against_target", String(number), "keys"])
            }
        }
        checkRequired(object, schema, path)
        checkContent(object, schema, path)
    }

    /// A field that the destination's object does not list; one that takes any field is told of a likely slip only.
    mutating func reportUnknown(
        _ name: String, of schema: ObjectSchema, _ path: [String], among candidates: [FieldSchema]? = nil
    ) {
        let suggestion = closest(to: name, among: (candidates ?? schema.fields).map(\.name))
        guard !schema.isOpen || suggestion != nil else { return }
        report(
            .unknownField, path, "unknown field '\(name)' of \(schema.name) in the destination",
            suggestion: suggestion, severity: schema.isOpen ? .warning : .error)
    }

    /// A field that must have a value needs a rule, a default for empty values being the author's affair: a record
    /// without a value is rejected and counted.
    private mutating func checkRequired(_ object: ObjectSpec, _ schema: ObjectSchema, _ path: [String]) {
        for target in schema.fields where target.isRequired && target.isCreateable {
            let isLinked = plan.transform.links.contains {
                $0.from == object.stream && $0.form == .lookup(object: object.target, field: target.name)
            }
            if object.field(target.name) == nil, !isLinked, object.content?.target != target.name {
                report(
                    .requiredFieldUnmapped, path + ["fields"],
                    "\(object.target) needs a value for '\(target.name)', and objects.\(object.stream) gives none",
                    remedy: "Map it, or give a 'const'")
            }
        }
    }

    // MARK: Source fields

    private mutating func checkSourceFields(_ object: ObjectSpec, _ path: [String]) {
        guard let schema = sources[object.stream], !schema.fields.isEmpty else { return }
        if let filter = object.filter { check(filter, for: .filter, path + ["where"], object, schema) }
        for field in object.fields {
            let place = path + ["fields", field.target]
            switch field.origin {
            case .field(let name):
                let isShort = plan.marks.position(of: place + ["from"]) == nil
                checkName(name, at: plan.marks[isShort ? place : place + ["from"]], object, schema)
            case .expression(let expression): check(expression, for: .value, place + ["expr"], object, schema)
            case .constant: break
            }
        }
        for (number, rule) in object.duplicates.enumerated() {
            let place = path + ["dedupe", "within", String(number)]
            for key in rule.keys { checkName(key, at: plan.marks[place + ["keys"]], object, schema) }
            for field in rule.merge.keys.sorted() {
                checkName(field, at: plan.marks[place + ["merge", field]], object, schema)
            }
        }
    }

    /// Of a source whose records may have other fields than those that were seen, only a likely slip is pointed out.
    private mutating func checkName(
        _ name: String, at position: FilePosition, _ object: ObjectSpec, _ schema: ObjectSchema
    ) {
        guard schema.field(name) == nil, !recordMembers.contains(name) else { return }
        let suggestion = closest(to: name, among: schema.fields.map(\.name))
        guard !schema.isOpen || suggestion != nil else { return }
        report(
            .unknownField, at: position, "unknown field '\(name)' in \(object.stream)", suggestion: suggestion,
            severity: schema.isOpen ? .warning : .error)
    }

    /// The fields of an expression must exist, and values of their types must go together.
    private mutating func check(
        _ expression: RecordExpression, for purpose: ExpressionCheck.Purpose, _ path: [String], _ object: ObjectSpec,
        _ schema: ObjectSchema
    ) {
        for mention in expression.fieldMentions {
            checkName(
                mention.name, at: plan.scalars.position(of: mention.offset, inScalarAt: plan.marks[path]), object,
                schema)
        }
        let vars = plan.transform.vars
        for failure in ExpressionCheck.failures(in: expression, for: purpose, vars: vars, field: schema.field) {
            report(
                .incompatibleTypes, at: plan.scalars.position(of: failure.offset, inScalarAt: plan.marks[path]),
                failure.message, suggestion: failure.suggestion)
        }
    }
}
