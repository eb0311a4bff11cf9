// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezConnectorKit
package import MigratezModel
import MigratezTransform

/// What a plan says of objects that are to be created.
extension PipelinePlan {
    /// The destination's objects that a run may have created, sorted.
    package var createdTargets: [String] {
        Set(transform.objects.filter { $0.creation != nil }.map(\.target)).sorted()
    }

    /// The objects that the plan has created where the destination lacks them, in the order of the file, each with the
    /// stream that says so.
    ///
    /// The fields are those that the plan fills, of the kinds that their rules give: what a rule does not say, the
    /// source's field does. Several streams may fill one object.
    package func wantedObjects(
        _ sources: [StreamName: ObjectSchema]
    ) -> [(stream: StreamName, creation: ObjectCreation)] {
        var wanted: [(stream: StreamName, creation: ObjectCreation)] = []
        for object in transform.objects {
            guard let creation = object.creation, !wanted.contains(where: { $0.creation.object == object.target })
            else { continue }
            let label = creation.label ?? sources[object.stream]?.label ?? object.target
            wanted.append(
                (
                    object.stream,
                    ObjectCreation(
                        object: object.target, label: label, plural: creation.plural ?? label,
                        displayField: creation.display, fields: fields(of: object.target, sources),
                        linkedWith: partners(of: object.target))
                ))
        }
        return wanted
    }

    /// The objects whose records are joined with those of `target` by records of their own.
    private func partners(of target: String) -> [String] {
        var names: [String] = []
        for route in transform.routes where !route.isLookup {
            guard let from = transform.object(route.from)?.target, let to = transform.object(route.to)?.target else {
                continue
            }
            let partner = from == target ? to : to == target ? from : nil
            if let partner, !names.contains(partner) { names.append(partner) }
        }
        return names
    }

    private func fields(of target: String, _ sources: [StreamName: ObjectSchema]) -> [FieldSchema] {
        var fields: [FieldSchema] = []
        /// A field that several streams fill takes what each of them gives.
        func add(_ field: FieldSchema) {
            guard let place = fields.firstIndex(where: { $0.name == field.name }) else { return fields.append(field) }
            guard fields[place].kind == field.kind else {
                fields[place] = FieldSchema(name: field.name, label: fields[place].label, kind: .text)
                return
            }
            fields[place].options += field.options.filter { option in
                !fields[place].options.contains { $0.value == option.value }
            }
        }
        for object in transform.objects where object.target == target {
            for field in object.fields { add(created(field, sources[object.stream])) }
            for link in transform.links where link.from == object.stream {
                guard case .lookup(target, let name) = link.form else { continue }
                add(
                    FieldSchema(
                        name: name, label: name, kind: .reference,
                        refersTo: link.to.compactMap { transform.object($0)?.target }))
            }
        }
        return fields
    }

    /// The field that can take what the rule gives.
    private func created(_ field: FieldSpec, _ source: ObjectSchema?) -> FieldSchema {
        var known: FieldSchema?
        if case .field(let name) = field.origin { known = source?.field(name) }
        var made = FieldSchema(name: field.target, label: known?.label ?? field.target, kind: .text)
        if field.isPerson {
            made.kind = .reference
        } else if let type = field.type {
            made.kind = FieldSchema.Kind(type)
        } else if let options = options(of: field, known) {
            made.kind = known?.kind == .choices ? .choices : .choice
            made.options = options
            made.isRestricted = true
        } else if field.valueMap == nil {
            made.kind = kind(of: field, known, source)
        }
        return made
    }

    /// The kind that the origin has; a fixed list that is no longer one after its rule is a text.
    private func kind(of field: FieldSpec, _ known: FieldSchema?, _ source: ObjectSchema?) -> FieldSchema.Kind {
        if field.html != nil { return .longText }
        if field.phoneRegion != nil { return .phone }
        switch field.origin {
        case .constant: return .text
        case .expression(let expression):
            switch ExpressionCheck.type(of: expression, vars: transform.vars, field: { source?.field($0) }) {
            case .number: return .decimal
            case .bool: return .bool
            default: return .text
            }
        case .field:
            switch known?.kind {
            case .longText, .email, .phone, .url, .bool, .integer, .decimal, .date, .dateTime:
                return known?.kind ?? .text
            case .text, .choice, .choices, .time, .reference, .id, .binary, .other, nil: return .text
            }
        }
    }

    /// Everything that the rule can give, if that is a fixed list.
    private func options(of field: FieldSpec, _ known: FieldSchema?) -> [FieldSchema.Option]? {
        guard field.letterCase == nil, field.html == nil, field.phoneRegion == nil, field.charactersMax == nil else {
            return nil
        }
        let isList = (known?.kind == .choice || known?.kind == .choices) && known?.isRestricted == true
        var options = isList ? known?.options ?? [] : []
        if let name = field.valueMap {
            // How the parts of a list of several are translated is the destination's affair.
            guard let map = transform.values[name], known?.kind != .choices else { return nil }
            if map.otherwise == .keep, !isList { return nil }
            options = map.otherwise == .keep ? options.filter { map.entries[$0.value] == nil } : []
            var values = Set(map.entries.values)
            if case .use(let text) = map.otherwise { values.insert(text) }
            options += values.subtracting(options.map(\.value)).filter { !$0.isEmpty }.sorted()
                .map { FieldSchema.Option(value: $0, label: $0) }
        }
        guard !options.isEmpty, let fallback = field.fallback else { return options.isEmpty ? nil : options }
        guard let text = fallback.literal else { return nil }
        if !text.isEmpty, !options.contains(where: { $0.value == text }) {
            options.append(.init(value: text, label: text))
        }
        return options
    }
}

extension FieldSchema.Kind {
    /// The kind of field that values of the type are for.
    fileprivate init(_ type: FieldSpec.ValueType) {
        self =
            switch type {
            case .text: .text
            case .email: .email
            case .bool: .bool
            case .decimal: .decimal
            case .integer: .integer
            case .date: .date
            case .dateTime: .dateTime
            }
    }
}
