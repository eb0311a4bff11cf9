// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import MigratezTransform
import MigratezYAML

/// `objects:` with their fields and duplicate rules.
extension PlanReader {
    mutating func readObjects(_ top: Section) -> [ObjectSpec] {
        guard let section = section(top, "objects") else { return [] }
        if section.members.isEmpty { report(.missingKey, section.position, "objects must name at least one object") }
        return section.members.compactMap { member in
            guard let stream = StreamName(member.key) else {
                report(
                    .wrongForm, member.keyPosition, "the object name '\(member.key)' becomes part of file names",
                    remedy: "Use \(FileKeys.nameForm)")
                return nil
            }
            return readObject(member.value, stream: stream)
        }
    }

    private mutating func readObject(_ node: YAMLNode, stream: StreamName) -> ObjectSpec? {
        guard
            let section = section(
                node, path: ["objects", stream.text], name: "objects.\(stream)", .section(FileKeys.object))
        else { return nil }
        let filter = expression(section, "where")
        var fields: [FieldSpec] = []
        for member in entries(section, "fields") {
            if let field = readField(member, object: stream.text) { fields.append(field) }
        }
        if let node = section["fields"], case .mapping(let members) = node.content, members.isEmpty {
            report(.missingKey, node.position, "\(section.name).fields must map at least one field")
        }
        let rules = readDedupe(section)
        // Without a target there is nothing to say about the object, but its name is known to links all the same.
        var object = ObjectSpec(
            stream: stream, target: text(section, "to") ?? "", filter: filter, fields: fields,
            duplicates: rules.within, targetMatches: rules.againstTarget)
        object.origin = readOrigin(of: section)
        object.onConflict = choice(section, "on_conflict", ConflictRule.self) ?? delta.onConflict
        object.onDelete = choice(section, "on_delete", DeletionRule.self) ?? delta.onDelete
        object.content = readContent(section)
        object.creation = readCreation(section, object)
        if let content = object.content, object.field(content.target) != nil {
            report(
                .conflict, section.position(of: "content"),
                "'\(content.target)' takes the content and is mapped under \(section.name).fields, too",
                remedy: "Leave it out of the fields")
        }
        return object
    }

    private mutating func readOrigin(of object: Section) -> StreamName? {
        guard let name = text(object, "from") else { return nil }
        let origin = StreamName(name)
        if origin == nil {
            report(
                .wrongForm, object.position(of: "from"), "\(object.name).from cannot be the name of an object",
                remedy: "Use \(FileKeys.nameForm)")
        }
        return origin
    }

    private mutating func readCreation(_ section: Section, _ object: ObjectSpec) -> CreationSpec? {
        guard let node = section["create"] else { return nil }
        var creation = CreationSpec()
        switch node.content {
        case .mapping:
            guard let words = self.section(section, "create") else { return nil }
            creation = CreationSpec(
                label: text(words, "label"), plural: text(words, "plural"), display: text(words, "display"))
            if let display = creation.display, object.field(display) == nil {
                report(
                    .unknownField, words.position(of: "display"),
                    "'\(display)' is not mapped under \(section.name).fields",
                    suggestion: closest(to: display, among: object.fields.map(\.target)))
            }
        case .scalar:
            guard bool(section, "create") == true else { return nil }
        case .sequence:
            let form = section.form(of: "create", as: .bool)
            report(
                .wrongForm, node.position,
                "\(section.name(of: "create")) must be \(form.description), not \(node.kindName)")
            return nil
        }
        if let targetConnector, !catalog.creators.contains(targetConnector) {
            report(
                .notSupported, section.position(of: "create"), "objects are not created in \(targetConnector)",
                remedy: "Create '\(object.target)' there by hand and take 'create' out")
        }
        return creation
    }

    private mutating func readContent(_ object: Section) -> ContentSpec? {
        guard let node = object["content"] else { return nil }
        guard case .mapping = node.content else { return text(object, "content").map { ContentSpec(target: $0) } }
        guard let section = section(object, "content"), let target = text(section, "to") else { return nil }
        return ContentSpec(target: target, bytesMax: size(section, "max"))
    }

    // MARK: Fields

    private mutating func readField(_ member: YAMLNode.Member, object: String) -> FieldSpec? {
        let path = ["objects", object, "fields", member.key]
        let name = "objects.\(object).fields.\(member.key)"
        if case .scalar(let source) = member.value.content, !member.value.isNull {
            marks.set(path, member.value.position)
            return FieldSpec(target: member.key, origin: .field(source))
        }
        guard let section = section(member.value, path: path, name: name, .section(FileKeys.field)) else { return nil }
        guard let origin = readOrigin(section) else { return nil }
        var field = FieldSpec(target: member.key, origin: origin)
        field.fallback = template(section, "default")
        field.isTrimmed = bool(section, "trim") ?? false
        let isLower = bool(section, "lower") ?? false
        let isUpper = bool(section, "upper") ?? false
        if isLower, isUpper { reportConflict(section, "lower", "upper") }
        field.letterCase = isLower ? .lower : isUpper ? .upper : nil
        field.charactersMax = count(section, "max")
        field.isTruncated = bool(section, "truncate") ?? false
        field.type = choice(section, "type", FieldSpec.ValueType.self)
        checkTexts(of: field, section)
        field.onError = choice(section, "on_error", FieldSpec.OnError.self) ?? .reject
        field.phoneRegion = readRegion(section)
        field.html = choice(section, "html", FieldSpec.HTMLTreatment.self)
        field.valueMap = readMapName(section)
        field.isPerson = bool(section, "person") ?? false
        if field.isPerson, field.valueMap != nil { reportConflict(section, "values", "person") }
        field.isAudit = bool(section, "audit") ?? false
        field.isRequired = bool(section, "required") ?? false
        field.onConflict = choice(section, "on_conflict", ConflictRule.self)
        return field
    }

    /// A text that the file gives for every record must be of the field's type itself.
    private mutating func checkTexts(of field: FieldSpec, _ section: Section) {
        guard let type = field.type else { return }
        var texts = [("default", field.fallback?.literal)]
        if case .constant(let template) = field.origin { texts.append(("const", template.literal)) }
        for case (let key, let text?) in texts where !text.isEmpty && !type.accepts(text) {
            report(
                .wrongForm, section.position(of: key),
                "\(section.name(of: key)) must be of the type \(type.rawValue), not '\(text)'")
        }
    }

    mutating func reportConflict(_ section: Section, _ first: String, _ second: String) {
        report(
            .conflict, section.position(of: second), "'\(first)' and '\(second)' of \(section.name) exclude each other")
    }

    private mutating func readOrigin(_ section: Section) -> FieldSpec.Origin? {
        if let name = text(section, "from") { return .field(name) }
        if let text = template(section, "const") { return .constant(text) }
        return expression(section, "expr").map { .expression($0) }
    }

    private mutating func readRegion(_ section: Section) -> String? {
        guard let region = text(section, "phone") else { return nil }
        let regions = section.form(of: "phone").words
        if regions.contains(region) { return region }
        report(
            .notSupported, section.position(of: "phone"),
            "phone numbers of the region '\(region)' are not supported yet",
            suggestion: closest(to: region, among: regions), remedy: "There are: " + regions.joined(separator: ", "))
        return nil
    }

    private mutating func readMapName(_ section: Section) -> String? {
        guard let name = text(section, "values") else { return nil }
        if valueMaps[name] != nil { return name }
        report(
            .unknownValueMap, section.position(of: "values"), "there is no value map '\(name)' under 'values:'",
            suggestion: closest(to: name, among: valueMaps.keys.sorted()))
        return nil
    }

    // MARK: Duplicates

    private mutating func readDedupe(_ object: Section) -> (within: [DuplicateRule], againstTarget: [TargetMatchRule]) {
        guard let section = section(object, "dedupe") else { return ([], []) }
        var within: [DuplicateRule] = []
        for (number, node) in elements(section, "within").enumerated() {
            guard let rule = self.section(node, number, of: section, "within") else { continue }
            within.append(readWithin(rule))
        }
        var against: [TargetMatchRule] = []
        for (number, node) in elements(section, "against_target").enumerated() {
            guard let rule = self.section(node, number, of: section, "against_target") else { continue }
            let onMatch = choice(rule, "on_match", TargetMatchRule.OnMatch.self) ?? .fillBlanks
            against.append(TargetMatchRule(keys: readKeys(rule), onMatch: onMatch))
        }
        return (within, against)
    }

    private mutating func readWithin(_ rule: Section) -> DuplicateRule {
        if rule["score"] != nil {
            report(
                .notSupported, rule.position(of: "score"), "scored matching is not supported yet",
                remedy: "Use exact keys with 'keep:', or leave this rule out")
        }
        var merge: [String: DuplicateRule.Merge] = [:]
        if let section = section(rule, "merge") {
            for member in section.members {
                merge[member.key] = choice(section, member.key, DuplicateRule.Merge.self)
            }
        }
        let keep = choice(rule, "keep", DuplicateRule.Survivor.self) ?? .mostComplete
        return DuplicateRule(keys: readKeys(rule), keep: keep, merge: merge)
    }

    private mutating func readKeys(_ rule: Section) -> [String] {
        let keys = texts(rule, "keys")
        if keys.isEmpty, let node = rule["keys"], !diagnostics.contains(where: { $0.position == node.position }) {
            report(.missingKey, node.position, "\(rule.name).keys must name at least one field")
        }
        return keys
    }
}
