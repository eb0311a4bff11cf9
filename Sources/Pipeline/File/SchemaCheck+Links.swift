// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezModel
import MigratezTransform

/// Whether the destination has a place for a link.
extension SchemaCheck {
    mutating func check(_ link: LinkSpec, _ number: Int) {
        let path = ["links", String(number)]
        let ends = link.to.compactMap { plan.transform.object($0)?.target }
        switch link.form {
        case .lookup(let object, let field):
            checkLookup(object, field, to: ends, path)
            checkCircle(link, object, field, path)
        case .junction(let object):
            guard let from = plan.transform.object(link.from)?.target else { return }
            checkJunction(object, from: from, to: ends, link.map, path)
        }
    }

    private mutating func checkLookup(_ object: String, _ name: String, to ends: [String], _ path: [String]) {
        guard let schema = targets[object] else { return }
        guard let field = schema.field(name) else {
            return reportUnknown(
                name, of: schema, path + ["as"], among: schema.fields.filter { $0.kind == .reference })
        }
        // A file's column has no kind of its own: it holds whatever is written into it.
        guard !schema.isOpen else { return }
        guard field.kind == .reference else {
            report(.impossibleLink, path + ["as"], "\(object).\(name) does not refer to another record")
            return
        }
        for end in ends where !field.refersTo.isEmpty && !field.refersTo.contains(end) {
            report(
                .impossibleLink, path + ["to"],
                "\(object).\(name) refers to \(field.refersTo.joined(separator: ", ")), not to \(end)")
        }
    }

    /// A lookup that closes a circle is set when both records exist: the first of them must do without it until then.
    private mutating func checkCircle(_ link: LinkSpec, _ object: String, _ name: String, _ path: [String]) {
        let isDeferred = plan.transform.routes.contains {
            $0.isDeferred && $0.from == link.from && $0.form == link.form
        }
        guard isDeferred, let field = targets[object]?.field(name) else { return }
        if field.isRequired || !field.isUpdateable {
            let reason = field.isRequired ? "must have a value from the start" : "cannot be set later"
            report(
                .linkCycle, path + ["as"],
                "\(object).\(name) \(reason), but its lookup leads back to where it starts: neither record can be first"
            )
        }
    }

    private mutating func checkJunction(
        _ object: String, from: String, to ends: [String], _ map: [String: LinkSpec.EdgeAttribute], _ path: [String]
    ) {
        guard let schema = targets[object] else {
            report(
                .unknownObject, path + ["as"], "the destination has no object '\(object)'",
                suggestion: closest(to: object, among: targets.keys.sorted()))
            return
        }
        for end in [from] + ends
        where !schema.isOpen && !schema.fields.contains(where: { Self.canHold($0, end) }) {
            report(.impossibleLink, path + ["as"], "no field of \(object) refers to \(end)")
        }
        for name in map.keys.sorted() where schema.field(name) == nil {
            reportUnknown(name, of: schema, path + ["map", name])
        }
    }

    /// A reference without a list of objects may point to any.
    private static func canHold(_ field: FieldSchema, _ object: String) -> Bool {
        guard field.kind == .reference, field.isCreateable else { return false }
        // Salesforce links notes and versions of files through the documents that they are (Object Reference).
        let isDocument = ["ContentNote", "ContentVersion"].contains(object)
        let names = isDocument ? [object, "ContentDocument"] : [object]
        return field.refersTo.isEmpty || names.contains { field.refersTo.contains($0) }
    }
}
