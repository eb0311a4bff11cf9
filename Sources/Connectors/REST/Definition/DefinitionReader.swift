// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
package import MigratezModel
import MigratezTransport
import MigratezYAML

/// Reads definitions and says all that is wrong with them.
///
/// First the form of every key is checked (`DefinitionCheck`), then what keys say together. A definition with findings is
/// never handed out.
package struct DefinitionReader {
    /// What reading gave: a definition, unless there were errors; and every finding, in the order of the file.
    package struct Reading: Sendable {
        package var definition: RESTDefinition?
        package var diagnostics: [Diagnostic]

        /// The definition, or one error that carries all findings as its message.
        package func get() throws(MigratezError) -> RESTDefinition {
            if let definition { return definition }
            throw MigratezError(
                .invalidSetting, diagnostics.map(\.description).joined(separator: "\n"), remedy: .fixConfiguration)
        }
    }

    var check: DefinitionCheck
    /// The settings' names, which every request may use as placeholders.
    var settingNames: [String] = []
    var defaults: YAMLNode?

    private init(_ check: DefinitionCheck) { self.check = check }

    /// - Parameter file: how the text is called in findings.
    package static func read(_ text: String, file: String) -> Reading {
        var yaml = YAMLReader(file: file, text: text)
        guard let node = yaml.read() else { return Reading(definition: nil, diagnostics: yaml.diagnostics) }
        var check = DefinitionCheck(file: file)
        check.check(node, .section(DefinitionKeys.definition), "the definition")
        var reader = DefinitionReader(check)
        // What keys say together is asked only where each of them can be read.
        var definition = check.diagnostics.isEmpty ? reader.definition(node) : nil
        let diagnostics = (yaml.diagnostics + reader.check.diagnostics).inFileOrder
        if diagnostics.hasErrors { definition = nil }
        return Reading(definition: definition, diagnostics: diagnostics)
    }

    private mutating func definition(_ node: YAMLNode) -> RESTDefinition? {
        let settings = (node["settings"]?.members ?? []).map { member in
            RESTDefinition.Setting(
                name: member.key, summary: member.value["summary"]?.text ?? "",
                isRequired: member.value["required"]?.text == "true", otherwise: member.value["default"]?.text)
        }
        settingNames = settings.map(\.name)
        defaults = node["defaults"]
        checkName(node)
        guard let baseURL = template(node["base_url"], allowing: []), let identity = identity(node["identity"]) else {
            return nil
        }
        let headers = (node["headers"]?.members ?? []).compactMap { member in
            template(member.value, allowing: []).map { RESTDefinition.Header(name: member.key, value: $0) }
        }
        return RESTDefinition(
            name: node["name"]?.text ?? "", label: node["label"]?.text ?? "", baseURL: baseURL, settings: settings,
            headers: headers, auth: (node["auth"]?.elements ?? []).compactMap { authentication($0) },
            limits: limits(node["limits"]), errors: errors(node["errors"]), identity: identity,
            people: (node["people"]?.elements ?? []).compactMap { people($0) },
            objects: objects(node["objects"]))
    }

    private mutating func checkName(_ node: YAMLNode) {
        guard let name = node["name"], let text = name.text else { return }
        let isName = text.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5F }
        guard !isName || StreamName(text) == nil else { return }
        check.report(
            .wrongForm, name.position, "the name '\(text)' becomes part of row keys",
            remedy: "Use a-z, 0-9 and _, at most 64 of them")
    }

    // MARK: Access

    private mutating func authentication(_ node: YAMLNode) -> Authentication? {
        let kind = node["kind"]?.text ?? ""
        let secrets = ["auth.key", "auth.user", "auth.password"]
        switch kind {
        case "header", "query":
            guard let name = node["name"]?.text else {
                return missing("name", in: node, "a way '\(kind)' needs the name of the header or item")
            }
            guard let value = template(node["value"], otherwise: "{auth.key}", allowing: secrets) else { return nil }
            return kind == "query" ? .query(name: name, value: value) : .header(name: name, value: value)
        case "basic":
            guard let user = template(node["user"], otherwise: "{auth.user}", allowing: secrets),
                let password = template(node["password"], otherwise: "{auth.password}", allowing: secrets)
            else { return nil }
            return .basic(user: user, password: password)
        case "bearer": return .bearer
        default:
            guard let address = node["token_url"] else {
                return missing("token_url", in: node, "a way '\(kind)' needs the address where tokens are asked for")
            }
            guard let url = template(address, allowing: []) else { return nil }
            return kind == "refresh_token"
                ? .refreshToken(url: url) : .clientCredentials(url: url, scope: node["scope"]?.text)
        }
    }

    private func limits(_ node: YAMLNode?) -> RESTLimits {
        let (window, allowance) = (node?["window"], node?["allowance"])
        return RESTLimits(
            budget: node?["requests"]?.text.flatMap { try? RateBudget(parsing: $0) },
            windowRemaining: header(window?["remaining"]), windowReset: header(window?["reset"]),
            allowanceLimit: header(allowance?["limit"]), allowanceRemaining: header(allowance?["remaining"]))
    }

    /// `HEADER` or `HEADER[item]`
    private func header(_ node: YAMLNode?) -> RESTLimits.Source? {
        guard let text = node?.text else { return nil }
        guard let open = text.firstIndex(of: "["), text.hasSuffix("]") else {
            return RESTLimits.Source(header: text, item: nil)
        }
        let item = text[text.index(after: open)...].dropLast()
        return RESTLimits.Source(header: String(text[..<open]), item: String(item))
    }

    private func errors(_ node: YAMLNode?) -> RESTErrorTable {
        RESTErrorTable(
            code: paths(node?["code"]), wait: path(node?["wait"]), text: path(node?["text"]),
            field: path(node?["field"]),
            rules: (node?["rules"]?.elements ?? []).compactMap { rule in
                guard let meaning = rule["means"]?.text.flatMap(RESTErrorTable.Meaning.init) else { return nil }
                return RESTErrorTable.Rule(
                    status: rule["status"]?.text.flatMap { Int($0) }, vendorCode: rule["code"]?.text,
                    meaning: meaning, hint: rule["hint"]?.text)
            })
    }

    private mutating func identity(_ node: YAMLNode?) -> RESTDefinition.Identity? {
        guard let node, let request = request(node, allowing: []), let text = pathTemplate(node["text"]) else {
            return nil
        }
        return RESTDefinition.Identity(request: request, text: text, user: path(node["user"]))
    }

    private mutating func people(_ node: YAMLNode) -> RESTDefinition.PeopleList? {
        let lookups = lookups(node["lookups"])
        guard let list = list(node, allowing: lookups.map(\.name)), let id = paths(node["id"]) else { return nil }
        var active = RESTDefinition.Activity.all(true)
        if let at = path(node["active"]?["at"]) {
            active = .having(at, (node["active"]?["is"]?.elements ?? []).compactMap(\.text))
        } else if let text = node["active"]?.text {
            active = .all(text == "true")
        }
        return RESTDefinition.PeopleList(
            list: list, lookups: lookups, id: id, email: paths(node["email"]), active: active)
    }

    // MARK: Pieces

    mutating func missing<T>(_ key: String, in node: YAMLNode, _ why: String) -> T? {
        check.report(.missingKey, node.position, "'\(key)' is missing: \(why)")
        return nil
    }

    func path(_ node: YAMLNode?) -> RecordPath? { node?.text.flatMap { RecordPath($0) } }

    func paths(_ node: YAMLNode?) -> RecordPaths? {
        guard let node else { return nil }
        return RecordPaths(paths: node.elements.compactMap { path($0) })
    }

    /// A path that leads through members only, as lists do that are found while a page is read.
    mutating func members(_ node: YAMLNode?, _ what: String, otherwise: [String] = []) -> [String] {
        guard let node, let path = path(node) else { return otherwise }
        guard let members = path.members else {
            check.report(.wrongForm, node.position, "\(what) must be a path of names only")
            return otherwise
        }
        return members
    }

    mutating func template(
        _ node: YAMLNode?, otherwise: String? = nil, allowing names: [String]
    ) -> TextTemplate? {
        guard let text = node?.text ?? otherwise, let template = TextTemplate(text) else { return nil }
        if let node { checkPlaceholders(template.placeholders, names, node.position) }
        return template
    }

    /// A template whose placeholders are paths, or settings.
    mutating func pathTemplate(_ node: YAMLNode?) -> TextTemplate? {
        guard let node, let template = node.text.flatMap({ TextTemplate($0) }) else { return nil }
        for name in template.placeholders where RecordPath(name) == nil {
            check.report(.wrongForm, node.position, "'\(name)' is not a path")
        }
        return template
    }

    mutating func checkPlaceholders(_ used: [String], _ names: [String], _ position: FilePosition) {
        let known = names + settingNames
        for name in used where !known.contains(name) {
            check.report(
                .badReference, position, "nothing is known of a placeholder '\(name)' here",
                suggestion: closest(to: name, among: known),
                remedy: known.isEmpty ? nil : "There are: \(known.joined(separator: ", "))")
        }
    }

    /// - Parameter method: what it is unless the node says another one.
    mutating func request(
        _ node: YAMLNode, allowing names: [String], otherwise method: HTTPMethod = .get
    ) -> RequestTemplate? {
        guard let path = template(node["path"], allowing: names) else { return nil }
        var request = RequestTemplate(path: path)
        request.method = node["method"]?.text.flatMap(HTTPMethod.init) ?? method
        for item in node["query"]?.members ?? [] {
            if let value = template(item.value, allowing: names) {
                request.query.append(RequestTemplate.QueryItem(name: item.key, value: value))
            }
        }
        if let body = node["body"] {
            if request.method == .get || request.method == .delete {
                check.report(
                    .conflict, body.position, "a \(request.method.rawValue) has no body", remedy: "Write 'method: POST'"
                )
            }
            request.body = self.body(body)
            checkPlaceholders(request.body?.placeholders ?? [], names, body.position)
        }
        return request
    }

    /// A scalar without quotes that JSON knows as a number, a truth value or `null` is one.
    func body(_ node: YAMLNode) -> BodyTemplate {
        switch node.content {
        case .mapping(let members): return .object(members.map { .init(key: $0.key, value: body($0.value)) })
        case .sequence(let elements): return .array(elements.map { body($0) })
        case .scalar(let text):
            if node.isNull { return .literal("null") }
            if node.isPlain, (try? JSONValue(parsing: Array(text.utf8))) != nil { return .literal(text) }
            return TextTemplate(text).map { .text($0) } ?? .literal("null")
        }
    }
}
