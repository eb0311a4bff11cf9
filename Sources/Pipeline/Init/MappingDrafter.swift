// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezModel

/// Makes a draft of a mapping from what both sides say about themselves.
struct MappingDrafter {
    let sourceConnector: String
    let targetConnector: String
    /// By stream, in the order to write.
    let sources: [(stream: StreamName, schema: ObjectSchema)]
    let targets: [String: ObjectSchema]
    /// Whether the source can tell links from one object to another.
    let hasLinks: (StreamName, StreamName) -> Bool

    var draft = DraftMapping()
    /// Fields of the destination's objects that say how long something took.
    private var durations: Set<String> = []

    init(
        sourceConnector: String, targetConnector: String, sources: [(stream: StreamName, schema: ObjectSchema)],
        targets: [String: ObjectSchema], hasLinks: @escaping (StreamName, StreamName) -> Bool
    ) {
        self.sourceConnector = sourceConnector
        self.targetConnector = targetConnector
        self.sources = sources
        self.targets = targets
        self.hasLinks = hasLinks
    }

    mutating func make() -> DraftMapping {
        for (stream, schema) in sources {
            guard let form = ObjectPairs.target(of: stream.text, in: targetConnector),
                let target = targets[form.object]
            else { continue }
            // A file without what is in it is no file.
            if form.concept == "file", schema.content == nil || target.content == nil { continue }
            var object = object(stream, schema, target)
            if let mark = form.mark { object.set(mark.field, to: mark.value) }
            let read = CRMVocabulary.form(ofStream: stream.text, in: sourceConnector)
            if schema.content != nil { object.content = target.content?.field }
            object.origin = read?.origin
            object.filter = read?.mark?.filter
            draft.objects.append(object)
        }
        for from in draft.objects {
            for to in draft.objects where from.stream != to.stream && hasLinks(from.stream, to.stream) {
                if let link = link(from, to) { add(link) }
            }
        }
        return draft
    }

    // MARK: Fields

    private mutating func object(
        _ stream: StreamName, _ source: ObjectSchema, _ target: ObjectSchema
    ) -> DraftMapping.Object {
        // A destination that takes any field gets the source's own names.
        if target.fields.isEmpty {
            let values = source.fields.filter { Self.isValue($0) }
            let own = values.filter(\.isCreateable)
            let fields = (own.isEmpty ? values : own)
                .map { DraftMapping.Field(target: Self.plainName($0.name), rule: YAMLText.scalar($0.name)) }
            return DraftMapping.Object(
                stream: stream, target: target.name, fields: fields, unmapped: [], matchKeys: [], mergeKeys: [])
        }
        var assigned = FieldMatching.assignment(
            from: source.fields.filter {
                !Self.keyFields.contains($0.name) && !isOwnProbability($0) && !isListOfIDs($0)
            },
            to: target.fields.filter {
                !Self.keyFields.contains($0.name) && !isOther($0) && $0.name != target.content?.field
            })
        let concept = ObjectMeaning.concept(of: stream.text)
        for pair in FieldRoles.pairs(concept, from: sourceConnector, source, to: targetConnector)
        where target.field(pair.target)?.isCreateable == true {
            assigned[pair.target] = FieldCandidate(
                source: pair.source, target: pair.target, certainty: 90, reason: "both are the \(pair.role.rawValue)")
            if pair.role == .duration { durations.insert(pair.target) }
        }
        var fields: [DraftMapping.Field] = []
        var used: Set<String> = []
        // What must have a value comes first.
        for field in target.fields.filter(\.isRequired) + target.fields.filter({ !$0.isRequired }) {
            if let candidate = assigned[field.name], let origin = source.field(candidate.source),
                let rule = rule(origin, field, stream, source, candidate)
            {
                fields.append(rule)
                used.insert(origin.name)
            } else if field.isRequired, let (rule, parts) = fullNameRule(field, target, source) {
                fields.append(rule)
                used.formUnion(parts)
            } else if let rule = namePartRule(field, stream, source) {
                fields.append(rule)
            } else if field.isRequired, field.isCreateable, field.kind != .reference {
                fields.append(placeholder(field, for: source))
            }
        }
        let unmapped = source.fields.filter { !used.contains($0.name) && $0.kind != .id }
        let email = target.fields.first { $0.kind == .email && assigned[$0.name] != nil }
        let website = target.fields.first { FieldMeaning($0.name).concept == "website" && assigned[$0.name] != nil }
        let key = ObjectMeaning.concept(of: stream.text) == "company" ? website : email
        return DraftMapping.Object(
            stream: stream, target: target.name, fields: fields, unmapped: unmapped,
            matchKeys: key.map { [$0.name] } ?? [],
            mergeKeys: key.flatMap { assigned[$0.name]?.source }.map { [$0] } ?? [])
    }

    private mutating func rule(
        _ source: FieldSchema, _ target: FieldSchema, _ stream: StreamName, _ schema: ObjectSchema,
        _ candidate: FieldCandidate
    ) -> DraftMapping.Field? {
        var parts = ["from: \(YAMLText.scalar(source.name, inFlow: true))"]
        if FieldMatching.isPerson(target) {
            parts.append("person: true")
            return DraftMapping.Field(
                target: target.name, rule: "{ \(parts.joined(separator: ", ")) }",
                remark: candidate.certainty < 100 ? candidate.reason : nil)
        }
        if durations.contains(target.name),
            let expression = FieldRoles.conversion(of: source.name, from: sourceConnector, to: targetConnector)
        {
            return DraftMapping.Field(
                target: target.name, rule: "{ expr: '\(expression)', on_error: \"null\" }", remark: "units differ")
        }
        if let rule = wholeSecondsRule(source, target) { return rule }
        switch target.kind {
        case .bool, .integer, .decimal, .date:
            parts.append("type: \(target.kind.rawValue)")
            parts.append("on_error: \"null\"")
        case .dateTime: parts += ["type: datetime", "on_error: \"null\""]
        case .email: parts += ["trim: true", "lower: true", "type: email", "on_error: \"null\""]
        case .choice, .choices:
            if let map = valueMap(source, target, stream) {
                parts.append("values: \(map)")
            } else if target.isRestricted, !target.options.isEmpty {
                return nil
            }
        case .longText where holdsHTML(source, in: sourceConnector):
            let isKept = sourceConnector != "odoo" || holdsHTML(target, in: targetConnector)
            parts.append(isKept ? "html: sanitize" : "html: text")
        case .longText where targetConnector == "odoo" && holdsHTML(target, in: targetConnector):
            guard Self.isIdentifier(source.name) else { return nil }
            let markup = "concat(\"<p>\", htmlEscape(\(source.name)), \"</p>\")"
            parts = ["expr: 'has(\(source.name)) ? \(markup) : \"\"'"]
        default:
            if let map = labelMap(source, stream) { parts.append("values: \(map)") }
        }
        if let value = filledIn(target, schema) { parts.append("default: \(YAMLText.scalar(value, inFlow: true))") }
        // Markup that is cut off in the middle would not be markup any more.
        let isText = target.kind == .text || target.kind == .url || target.kind == .longText
        if isText, !holdsHTML(source, in: sourceConnector), let length = target.lengthMax {
            parts.append("max: \(length)")
            parts.append("truncate: true")
        }
        if target.isRequired, target.kind == .date || target.kind == .dateTime {
            parts.append("default: '${run.date}'")
        } else if target.isRequired {
            if let rule = lastNameRule(source, target, schema) { return rule }
            parts.append(target.kind == .text ? "default: \"(no name)\"" : "required: true")
        }
        let rule =
            parts.count == 1 && parts[0].hasPrefix("from:")
            ? YAMLText.scalar(source.name) : "{ \(parts.joined(separator: ", ")) }"
        return DraftMapping.Field(
            target: target.name, rule: rule, remark: candidate.certainty < 100 ? candidate.reason : nil)
    }

    /// What the destination puts where nothing is sent: said here, so that `verify` finds what was sent. Of a deal of
    /// Pipedrive's a stage that is not told is the first one of its pipeline, so where the source knows several that is left
    /// to it. Numbers of Odoo's are never empty.
    private func filledIn(_ target: FieldSchema, _ source: ObjectSchema) -> String? {
        switch (targetConnector, target.name) {
        case ("pipedrive", "value"): return "0"
        case ("pipedrive", "stage_id")
        where !source.fields.contains(where: { FieldMeaning($0.name).spelling == "pipeline" }):
            return target.options.first { $0.isActive }?.value
        case ("odoo", "stage_id"), ("odoo", "priority"): return target.options.first?.value
        case ("odoo", _) where !target.isRequired && [.integer, .decimal].contains(target.kind): return "0"
        default: return nil
        }
    }

    /// Some keep whole seconds: what they are cut off to is said here, so that `verify` finds what was sent.
    private func wholeSecondsRule(_ source: FieldSchema, _ target: FieldSchema) -> DraftMapping.Field? {
        guard ["pipedrive", "odoo", "dynamics", "zoho"].contains(targetConnector), target.kind == .dateTime,
            Self.isIdentifier(source.name)
        else { return nil }
        let expression = "formatDate(\(source.name), \"yyyy-MM-dd''T''HH:mm:ss''Z''\")"
        return DraftMapping.Field(
            target: target.name,
            rule: "{ expr: '\(expression)', on_error: \"null\"\(target.isRequired ? ", default: '${run.date}'" : "") }",
            remark: "in whole seconds")
    }

    /// Somebody without a last name is known by the first part of their address.
    private func lastNameRule(
        _ source: FieldSchema, _ target: FieldSchema, _ schema: ObjectSchema
    ) -> DraftMapping.Field? {
        guard FieldMeaning(target.name).concept == "last name",
            let email = schema.fields.first(where: { FieldMeaning($0.name).concept == "e-mail address" }),
            [source.name, email.name].allSatisfy(Self.isIdentifier)
        else { return nil }
        let expression = "has(\(source.name)) ? \(source.name) : emailLocal(\(email.name))"
        let length = target.lengthMax.map { ", max: \($0), truncate: true" } ?? ""
        return DraftMapping.Field(
            target: target.name, rule: "{ expr: '\(expression)', required: true, trim: true\(length) }",
            remark: "without one, the first part of the address stands in")
    }

    /// A person's whole name is put together where the source has its parts only; gives back the fields that it takes.
    private func fullNameRule(
        _ target: FieldSchema, _ object: ObjectSchema, _ source: ObjectSchema
    ) -> (DraftMapping.Field, [String])? {
        guard FieldMeaning(target.name).concept == "name", ObjectMeaning.concept(of: object.name) == "contact" else {
            return nil
        }
        let parts = ["first name", "last name"].compactMap { concept in
            source.fields.first { FieldMeaning($0.name).concept == concept && Self.isIdentifier($0.name) }?.name
        }
        guard parts.count == 2 else { return nil }
        let length = target.lengthMax.map { ", max: \($0), truncate: true" } ?? ""
        let field = DraftMapping.Field(
            target: target.name,
            rule: "{ expr: \"trim(concat(\(parts[0]), ' ', \(parts[1])))\", default: \"(no name)\"\(length) }")
        return (field, parts)
    }

    /// Odoo has one field for a person's name: it is taken apart at its first space.
    private func namePartRule(
        _ target: FieldSchema, _ stream: StreamName, _ source: ObjectSchema
    ) -> DraftMapping.Field? {
        guard sourceConnector == "odoo", ObjectMeaning.concept(of: stream.text) == "contact", target.isCreateable,
            source.field("name") != nil
        else { return nil }
        let length = target.lengthMax.map { ", max: \($0), truncate: true" } ?? ""
        switch FieldMeaning(target.name).concept {
        case "first name":
            return DraftMapping.Field(
                target: target.name,
                rule: "{ expr: 'contains(name, \" \") ? before(name, \" \") : \"\"'\(length) }",
                remark: "what stands before the first space")
        case "last name":
            let standIn = target.isRequired ? ", default: \"(no name)\"" : ""
            return DraftMapping.Field(
                target: target.name,
                rule: "{ expr: 'contains(name, \" \") ? after(name, \" \") : name'\(standIn)\(length) }",
                remark: "what stands after the first space")
        default: return nil
        }
    }

    /// Whether a field has the name of another thing: Odoo's `type` tells kinds of addresses apart.
    private func isOther(_ field: FieldSchema) -> Bool {
        targetConnector == "odoo" && sourceConnector != "odoo" && field.name == "type"
    }

    /// Whether an expression can name the field.
    private static func isIdentifier(_ name: String) -> Bool {
        name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
    }

    /// Deals of some have a probability of their own where somebody set one; others have that of their stage, which
    /// destinations know by themselves.
    private func isOwnProbability(_ field: FieldSchema) -> Bool {
        switch sourceConnector {
        case "pipedrive": field.name == "probability"
        case "dynamics": field.name == "closeprobability"
        default: false
        }
    }

    /// Odoo's lists of ids say something as links only.
    private func isListOfIDs(_ field: FieldSchema) -> Bool { sourceConnector == "odoo" && field.kind == .other }

    /// A required field that no field of the source fits.
    private func placeholder(_ field: FieldSchema, for source: ObjectSchema) -> DraftMapping.Field {
        let value: String
        switch field.kind {
        // Minutes and seconds of a call of Zoho's.
        case .text where targetConnector == "zoho" && field.name == "Call_Duration": value = "\"00:00\""
        case .bool: value = "\"false\""
        case .integer, .decimal: value = "\"0\""
        case .date, .dateTime: value = "'${run.date}'"
        case .choice, .choices:
            value = YAMLText.scalar(field.options.first { $0.isActive }?.value ?? "(not given)", inFlow: true)
        default: value = YAMLText.scalar(source.label, inFlow: true)
        }
        return DraftMapping.Field(
            target: field.name, rule: "{ const: \(value) }", remark: "required, and no field of the source fits: check")
    }

    private func holdsHTML(_ field: FieldSchema, in connector: String) -> Bool {
        if connector == "odoo" { return ["body", "comment", "description", "note"].contains(field.name) }
        if connector == "pipedrive", field.name == "note" { return true }
        return field.name.hasSuffix("_body") || field.name.lowercased() == "content"
    }

    /// The fields in which destinations hold our key: a source that was written by us says nothing with them.
    private static let keyFields = Set(Connectors.capabilities.compactMap { $0.destination?.upsertKey })

    /// Whether a field says something by itself: ids, references and files do not.
    private static func isValue(_ field: FieldSchema) -> Bool {
        switch field.kind {
        case .id, .binary: false
        case .reference: FieldMatching.isPerson(field)
        default: !keyFields.contains(field.name)
        }
    }

    static func plainName(_ name: String) -> String {
        String(name.map { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") ? $0 : "_" })
    }

    // MARK: Links

    private func link(_ from: DraftMapping.Object, _ to: DraftMapping.Object) -> DraftMapping.Link? {
        if let junction = ObjectPairs.junction(from: from.target, to: to.target, in: targetConnector) {
            return DraftMapping.Link(
                from: from.stream, to: [to.stream], form: junction,
                options: ["hubspot", "zoho"].contains(targetConnector) ? attributes(of: junction) : "")
        }
        guard let schema = targets[from.target] else { return nil }
        if schema.fields.isEmpty {
            if ObjectPairs.isManyToMany(from: from.stream, to: to.stream) {
                return DraftMapping.Link(
                    from: from.stream, to: [to.stream], form: "\(from.target)_to_\(to.target)",
                    options: ", on_missing: skip, map: { label: label, primary: primary }")
            }
            return DraftMapping.Link(
                from: from.stream, to: [to.stream], form: "\(from.target).\(linkField(from, to))",
                options: ", on_missing: empty")
        }
        if let name = ObjectPairs.lookup(from: from.target, to: to.target, in: targetConnector) {
            guard schema.field(name)?.refersTo.contains(to.target) == true else { return nil }
            return DraftMapping.Link(
                from: from.stream, to: [to.stream], form: "\(from.target).\(name)",
                options: ", choose: primary, on_missing: empty")
        }
        // A field named after the other object is the one that people mean; one to the same object is a hierarchy.
        let fields = schema.fields.filter {
            $0.kind == .reference && $0.isCreateable && $0.refersTo.contains(to.target)
                && Self.isNamed($0.name, after: to.target)
        }
        guard let field = fields.first else { return nil }
        return DraftMapping.Link(
            from: from.stream, to: [to.stream], form: "\(from.target).\(field.name)",
            options: ", choose: primary, on_missing: empty")
    }

    private static func isNamed(_ field: String, after object: String) -> Bool {
        if FieldMeaning(field).spelling == FieldMeaning(object).spelling { return true }
        let concept = ObjectMeaning.concept(of: object)
        return concept != nil && ObjectMeaning.concept(of: field) == concept
    }

    /// A field that may lead to several objects is one link to any of them.
    private mutating func add(_ link: DraftMapping.Link) {
        let isField = link.form.contains(".")
        guard isField, let place = draft.links.firstIndex(where: { $0.from == link.from && $0.form == link.form })
        else {
            draft.links.append(link)
            return
        }
        draft.links[place].to += link.to
    }

    /// The field of a destination that takes any: a contact of HubSpot's has the name of a company besides.
    private func linkField(_ from: DraftMapping.Object, _ to: DraftMapping.Object) -> String {
        var name = "\(to.stream)_id"
        while from.fields.contains(where: { $0.target == name }) { name += "_" }
        return name
    }

    /// What the object that joins two others takes of the link itself. A name that people gave to links is one of a list
    /// that both sides must have.
    private func attributes(of junction: String) -> String {
        guard ["hubspot", "salesforce", "dynamics", "zoho"].contains(sourceConnector), let schema = targets[junction]
        else {
            return ", on_missing: skip"
        }
        var map: [String] = []
        if sourceConnector == "hubspot", schema.field("label") != nil { map.append("label: label") }
        if targetConnector == "zoho", schema.field("Role") != nil { map.append("Role: label") }
        if schema.field("primary") != nil { map.append("primary: primary") }
        return ", on_missing: skip" + (map.isEmpty ? "" : ", map: { \(map.joined(separator: ", ")) }")
    }
}
