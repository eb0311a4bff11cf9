// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezYAML

/// Objects with their lists, fields and links.
extension DefinitionReader {
    mutating func objects(_ node: YAMLNode?) -> [ObjectPlan] {
        let members = node?.members ?? []
        let names = members.map(\.key)
        return members.compactMap { member in
            guard let stream = StreamName(member.key) else {
                check.report(
                    .wrongForm, member.keyPosition, "'\(member.key)' becomes part of file names",
                    remedy: "Use letters, digits, _ and -, at most 64 of them")
                return nil
            }
            return object(member.value, stream, names)
        }
    }

    private mutating func object(_ node: YAMLNode, _ stream: StreamName, _ objects: [String]) -> ObjectPlan? {
        let lookups = lookups(node["lookups"])
        let known = lookups.map(\.name)
        let lists = (node["read"]?.elements ?? []).compactMap { list($0, allowing: known) }
        guard !lists.isEmpty, let byID = byID(node["by_id"], known) else { return nil }
        let fields = fields(node["fields"], objects)
        let id = path(node["id"]) ?? RecordPath(steps: [.member("id")])
        if let node = node["id"], id.lastName == nil {
            check.report(.wrongForm, node.position, "the path of an id must end with the name of a member")
        }
        if let modified = node["modified"], let name = modified.text,
            !fields.contains(where: { $0.schema.name == name })
        {
            check.report(
                .unknownField, modified.position, "'\(name)' is not one of the object's fields",
                suggestion: closest(to: name, among: fields.map(\.schema.name)))
        }
        return ObjectPlan(
            stream: stream, label: node["label"]?.text ?? stream.text, lists: lists, lookups: lookups, id: id,
            modified: node["modified"]?.text, total: total(node["total"]), byID: byID,
            fields: fields, discovery: node["discover"].flatMap { discovery($0) },
            links: links(node["links"], objects),
            write: write(node["write"], fields: fields.map(\.schema.name), lookups: known))
    }

    // MARK: Lists

    /// - Parameter names: placeholders beside those of the paging.
    mutating func list(_ node: YAMLNode, allowing names: [String]) -> ListPlan? {
        let paging = paging(node["paging"] ?? defaults?["paging"])
        guard let request = request(node, allowing: names + paging.placeholders) else { return nil }
        if let needed = paging.neededPlaceholder, !request.placeholders.contains(needed) {
            check.report(
                .missingKey, node.position,
                "no part of the request holds {\(needed)}, so every page would be the first",
                remedy: "Put {\(needed)} into query, body or path, as the vendor wants it")
        }
        return ListPlan(
            request: request, paging: paging, list: members(node["list"] ?? defaults?["list"], "list"),
            record: members(node["record"] ?? defaults?["record"], "record"))
    }

    mutating func paging(_ node: YAMLNode?) -> Paging {
        guard let node else { return .none }
        let window = window(node["window"])
        let size = node["page_size"]?.text.flatMap { Int($0) } ?? 100
        return Paging(
            kind: pagingKind(node, hasWindow: window != nil), pageRecordsMax: size, more: path(node["more"]),
            pageCount: path(node["pages"]), window: window)
    }

    private mutating func pagingKind(_ node: YAMLNode, hasWindow: Bool) -> Paging.Kind {
        switch node["kind"]?.text {
        case "page": return .page(first: node["first"]?.text.flatMap { Int($0) } ?? 1)
        case "offset": return .offset
        case "cursor", "next_link":
            guard let at = path(node["at"]) else {
                check.report(
                    .missingKey, node.position, "'at' is missing: where an answer holds what leads to the next page")
                return .none
            }
            return node["kind"]?.text == "cursor" ? .cursor(at) : .nextLink(at)
        case "link_header": return .linkHeader
        case "keyset":
            if !hasWindow {
                check.report(.missingKey, node.position, "'window' is missing: the field that pages are begun by")
            }
            return .keyset
        default: return .none
        }
    }

    private func window(_ node: YAMLNode?) -> Paging.Window? {
        guard let node, let field = path(node["field"]), let start = node["start"], let text = start.text else {
            return nil
        }
        let isNumber = start.isPlain && Int(text) != nil
        return Paging.Window(
            field: field, start: isNumber ? .number(text) : .string(text),
            recordsMax: node["records"]?.text.flatMap { Int($0) } ?? 1,
            isDescending: node["descending"]?.text == "true", isInclusive: node["inclusive"]?.text != "false")
    }

    private mutating func total(_ node: YAMLNode?) -> TotalPlan? {
        guard let node else { return nil }
        let isExact = node["exact"]?.text == "true"
        if let header = node["header"]?.text { return TotalPlan(place: .header(header), isExact: isExact) }
        guard let at = path(node["at"]) else { return missing("at", in: node, "where the answer holds the number") }
        return TotalPlan(place: .path(at), isExact: isExact)
    }

    private mutating func byID(_ node: YAMLNode?, _ known: [String]) -> ByIDPlan? {
        guard let node else { return nil }
        let batchMax = node["batch"]?.text.flatMap { Int($0) }
        let placeholder = batchMax == nil ? "id" : "ids"
        guard let request = request(node, allowing: known + [placeholder]) else { return nil }
        if !request.placeholders.contains(placeholder) {
            check.report(.missingKey, node.position, "no part of the request holds {\(placeholder)}")
        }
        return ByIDPlan(
            request: request, batchMax: batchMax ?? 1, list: members(node["list"], "list"),
            record: members(node["record"] ?? defaults?["record"], "record"))
    }

    mutating func lookups(_ node: YAMLNode?) -> [LookupPlan] {
        (node?.members ?? []).compactMap { member in
            guard let request = request(member.value, allowing: []), let value = path(member.value["value"]) else {
                return nil
            }
            return LookupPlan(
                name: member.key, request: request, list: path(member.value["list"]) ?? .whole,
                conditions: conditions(member.value["where"]), value: value)
        }
    }

    private mutating func conditions(_ node: YAMLNode?) -> [LookupPlan.Condition] {
        (node?.members ?? []).compactMap { member in
            guard let path = RecordPath(member.key) else {
                check.report(.wrongForm, member.keyPosition, "'\(member.key)' is not a path")
                return nil
            }
            return LookupPlan.Condition(path: path, text: member.value.text ?? "")
        }
    }

    // MARK: Fields

    private mutating func fields(_ node: YAMLNode?, _ objects: [String]) -> [FieldPlan] {
        (node?.members ?? []).map { member in
            let value = member.value
            let kind = (value.text ?? value["kind"]?.text).flatMap(FieldSchema.Kind.init) ?? .other
            let options = (value["options"]?.elements ?? []).compactMap(\.text)
            let target = value["refers_to"]
            if let target, let name = target.text, name != "owner", !objects.contains(name) {
                check.report(
                    .unknownObject, target.position, "there is no object '\(name)'",
                    suggestion: closest(to: name, among: objects + ["owner"]))
            }
            let schema = FieldSchema(
                name: member.key, label: value["label"]?.text ?? Self.label(of: member.key), kind: kind,
                options: options.map { .init(value: $0, label: $0) }, isRestricted: !options.isEmpty,
                refersTo: target?.text.map { [$0] } ?? [])
            return FieldPlan(schema: schema, at: paths(value["at"]))
        }
    }

    /// `first_name` is called `First name`.
    private static func label(of name: String) -> String {
        let words = name.split { $0 == "_" || $0 == "." }.joined(separator: " ")
        return words.prefix(1).uppercased() + words.dropFirst()
    }

    private mutating func discovery(_ node: YAMLNode) -> DiscoveryPlan? {
        let lookups = lookups(node["lookups"])
        guard let request = request(node, allowing: lookups.map(\.name)), let list = path(node["list"]),
            let name = pathTemplate(node["name"])
        else { return nil }
        if name.placeholders.count != 1, let node = node["name"] {
            check.report(.wrongForm, node.position, "the name of a discovered field has one placeholder")
        }
        let options = node["options"].flatMap { node in
            path(node["list"]).map {
                DiscoveryPlan.OptionsPlan(
                    list: $0, value: path(node["value"]) ?? .whole,
                    label: path(node["label"]) ?? path(node["value"]) ?? .whole)
            }
        }
        var kinds: [String: FieldSchema.Kind] = [:]
        for member in node["kinds"]?.members ?? [] {
            kinds[member.key] = member.value.text.flatMap(FieldSchema.Kind.init)
        }
        return DiscoveryPlan(
            request: request, lookups: lookups, list: list, conditions: conditions(node["where"]), name: name,
            label: pathTemplate(node["label"]) ?? name, at: places(node["at"], of: name), kind: path(node["kind"]),
            kinds: kinds, isUnique: path(node["unique"]), options: options)
    }

    private mutating func places(_ node: YAMLNode?, of name: TextTemplate) -> [TextTemplate] {
        guard let node else { return [] }
        return node.elements.compactMap { element in
            guard let template = element.text.flatMap({ TextTemplate($0) }) else { return nil }
            for placeholder in template.placeholders where !name.placeholders.contains(placeholder) {
                check.report(
                    .badReference, element.position, "only the placeholder of the field's name may stand here",
                    suggestion: name.placeholders.first)
            }
            return template
        }
    }

    // MARK: Links

    private mutating func links(_ node: YAMLNode?, _ objects: [String]) -> [LinkPlan] {
        var links: [LinkPlan] = []
        for member in node?.members ?? [] {
            guard objects.contains(member.key), let to = StreamName(member.key) else {
                check.report(
                    .unknownObject, member.keyPosition, "there is no object '\(member.key)' to link to",
                    suggestion: closest(to: member.key, among: objects))
                continue
            }
            for element in member.value.elements { if let link = link(element, to: to) { links.append(link) } }
        }
        return links
    }

    private mutating func link(_ node: YAMLNode, to: StreamName) -> LinkPlan? {
        let id = path(node["id"]) ?? .whole
        let conditions = conditions(node["where"])
        let (primary, label) = (path(node["primary"]), path(node["label"]))
        if let asked = node["request"] {
            if let at = node["at"] {
                check.report(.conflict, at.position, "a link is either at a place in the record or asked for")
            }
            let paging = paging(asked["paging"] ?? defaults?["paging"])
            guard let request = request(asked, allowing: paging.placeholders + ["id"]) else { return nil }
            return LinkPlan(
                to: to, request: request, paging: paging,
                list: RecordPath(
                    steps: members(asked["list"] ?? defaults?["list"], "list").map { .member($0) } + [.every]),
                id: id, conditions: conditions, isPrimary: primary, label: label)
        }
        guard let at = path(node["at"]) else {
            return missing("at", in: node, "where the record holds the link; or 'request'")
        }
        return LinkPlan(
            to: to, request: nil, paging: .none, list: at, id: id, conditions: conditions, isPrimary: primary,
            label: label)
    }
}
