// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezModel
import MigratezTransform

/// Whether a field of the destination can take what its rule gives.
extension SchemaCheck {
    mutating func check(_ field: FieldSpec, to target: FieldSchema, of object: ObjectSpec, _ path: [String]) {
        let name = "\(object.target).\(target.name)"
        if !target.isCreateable {
            report(
                .readOnlyField, path, "\(name) cannot be set when a record is created",
                remedy: field.isAudit
                    ? "The account needs the right to set audit fields"
                    : "Leave it out; the destination fills it itself")
        }
        if field.isPerson, target.kind != .reference {
            report(.notAPerson, path + ["person"], "\(name) does not refer to a person")
        } else if !field.isPerson, target.kind == .reference, field.valueMap == nil, case .field = field.origin {
            report(
                .incompatibleTypes, path, "\(name) refers to another record, which the source's value is not",
                remedy: "Use 'person: true' for people, or a link for records")
        } else {
            checkType(field, target, name, object, path)
        }
        if let charactersMax = field.charactersMax, let lengthMax = target.lengthMax, charactersMax > lengthMax {
            report(
                .valueTooLong, path + ["max"], "\(name) holds \(lengthMax) characters, fewer than \(charactersMax)",
                severity: .warning)
        }
        for (text, place) in texts(of: field, path) { check(text, target, name, place) }
    }

    private func sourceField(_ field: FieldSpec, _ object: ObjectSpec) -> FieldSchema? {
        guard case .field(let name) = field.origin, field.valueMap == nil else { return nil }
        return sources[object.stream]?.field(name)
    }

    // MARK: Types

    private mutating func checkType(
        _ field: FieldSpec, _ target: FieldSchema, _ name: String, _ object: ObjectSpec, _ path: [String]
    ) {
        if let type = field.type {
            guard !Self.accepts(target.kind, type) else { return }
            report(
                .incompatibleTypes, path + ["type"],
                "\(name) (\(target.kind.rawValue)) cannot take the type \(type.rawValue)",
                suggestion: Self.type(for: target.kind)?.rawValue)
        } else if let source = sourceField(field, object), let needed = Self.type(for: target.kind),
            !Self.fits(source.kind, target.kind)
        {
            report(
                .incompatibleTypes, path,
                "\(name) (\(target.kind.rawValue)) cannot take '\(source.name)' (\(source.kind.rawValue)) as it is",
                remedy: "Give it 'type: \(needed.rawValue)'")
        } else if let type = resultType(of: field, object), !Self.fits(type, target.kind) {
            report(
                .incompatibleTypes, path + ["expr"],
                "\(name) (\(target.kind.rawValue)) cannot take what the expression gives, \(type.noun)")
        }
    }

    /// What an expression gives that nothing changes on its way.
    private func resultType(of field: FieldSpec, _ object: ObjectSpec) -> ExpressionType? {
        guard case .expression(let expression) = field.origin, field.valueMap == nil, !field.isPerson else {
            return nil
        }
        let schema = sources[object.stream]
        return ExpressionCheck.type(of: expression, vars: plan.transform.vars) { schema?.field($0) }
    }

    /// Whether the result of an expression can be the value of a field; a text may say anything.
    private static func fits(_ type: ExpressionType, _ kind: FieldSchema.Kind) -> Bool {
        switch type {
        case .number: ![.bool, .date, .dateTime, .time].contains(kind)
        case .bool: ![.integer, .decimal, .date, .dateTime, .time].contains(kind)
        case .date: ![.bool, .integer, .decimal].contains(kind)
        default: true
        }
    }

    /// The type that values for a kind of field must have; `nil` if any text will do.
    private static func type(for kind: FieldSchema.Kind) -> FieldSpec.ValueType? {
        switch kind {
        case .bool: .bool
        case .integer: .integer
        case .decimal: .decimal
        case .date: .date
        case .dateTime: .dateTime
        default: nil
        }
    }

    private static func accepts(_ kind: FieldSchema.Kind, _ type: FieldSpec.ValueType) -> Bool {
        switch kind {
        case .bool: type == .bool
        case .integer: type == .integer
        case .decimal: type == .decimal || type == .integer
        case .date: type == .date
        case .dateTime: type == .dateTime || type == .date
        case .email: type == .email || type == .text
        case .reference, .id, .binary: type == .text
        default: true
        }
    }

    /// Whether values of one kind can be copied into a field of another as they are.
    private static func fits(_ source: FieldSchema.Kind, _ target: FieldSchema.Kind) -> Bool {
        source == target || source == .other || (target == .decimal && source == .integer)
            || (target == .dateTime && source == .date)
    }

    // MARK: Texts from the file

    /// The texts that the file itself gives for a field, with their places.
    private func texts(of field: FieldSpec, _ path: [String]) -> [(text: String, place: [String])] {
        var texts: [(text: String, place: [String])] = []
        if case .constant(let template) = field.origin, let text = template.literal {
            texts.append((text, path + ["const"]))
        }
        if let text = field.fallback?.literal, !text.isEmpty { texts.append((text, path + ["default"])) }
        guard let name = field.valueMap, let map = plan.transform.values[name] else { return texts }
        for (from, to) in map.entries.sorted(by: { $0.key < $1.key }) where !to.isEmpty {
            let place = ["values", name, "map", from]
            texts.append((to, plan.marks.position(of: place) == nil ? ["values", name, "file"] : place))
        }
        if case .use(let text) = map.otherwise { texts.append((text, ["values", name, "otherwise", "use"])) }
        return texts
    }

    private mutating func check(_ text: String, _ target: FieldSchema, _ name: String, _ place: [String]) {
        let isChoice = target.kind == .choice || target.kind == .choices
        if isChoice, target.isRestricted, !target.options.isEmpty {
            let active = target.options.filter(\.isActive).map(\.value)
            for part in target.kind == .choices ? text.split(separator: ";").map(String.init) : [text]
            where !active.contains(part) {
                report(
                    .valueNotAllowed, place, "'\(part)' is not a value of \(name)",
                    suggestion: closest(to: part, among: active))
            }
        } else if let lengthMax = target.lengthMax, text.utf16.count > lengthMax {
            report(
                .valueTooLong, place, "the text has \(text.utf16.count) characters, \(name) holds \(lengthMax)")
        }
    }
}
