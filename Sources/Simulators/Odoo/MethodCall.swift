// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezSimulatorKit

/// One call of a method, whichever interface it came by: all arguments by name.
struct MethodCall: Sendable {
    var model: String
    var method: String
    var ids: [Int64] = []
    var arguments: [JSONValue.Member] = []
    var context: JSONValue = [:]

    subscript(name: String) -> JSONValue? { arguments.last { $0.key == name }?.value }

    /// `POST /json/2/{model}/{method}`: `ids` and `context` beside the arguments (odoo/odoo, `addons/rpc`, `json2.py`).
    init(json2 request: SimulatorRequest) throws(OdooFailure) {
        guard request.method == .post, request.path.count == 4 else {
            throw OdooFailure(
                "werkzeug.exceptions.NotFound", "Did you mean POST /json/2/<model>/<method>?", status: 404)
        }
        guard let body = try? JSONValue(parsing: request.body), case .object(let members) = body else {
            throw OdooFailure(
                "werkzeug.exceptions.BadRequest", "could not parse the body as json", status: 400)
        }
        model = request.path[2]
        method = request.path[3]
        for member in members {
            switch member.key {
            case "ids": ids = MethodCall.ids(member.value)
            case "context": context = member.value
            default: arguments.append(member)
            }
        }
    }

    /// `execute_kw(db, uid, key, model, method, args, kwargs)` and `execute(db, uid, key, model, method, *args)`.
    init(service arguments: [JSONValue], takesKeywords: Bool) throws(OdooFailure) {
        guard arguments.count >= 5, let model = arguments[3].text, let method = arguments[4].text else {
            throw OdooFailure.arguments("missing a required argument")
        }
        self.model = model
        self.method = method
        var positional = takesKeywords ? arguments.dropFirst(5).first?.elements ?? [] : Array(arguments.dropFirst(5))
        if takesKeywords, arguments.count > 6 {
            for member in arguments[6].members {
                if member.key == "context" { context = member.value } else { self.arguments.append(member) }
            }
        }
        guard let signature = MethodSignature.all[method] else { return }
        if signature.isOnRecords {
            if !positional.isEmpty { ids = MethodCall.ids(positional.removeFirst()) }
        }
        guard positional.count <= signature.parameters.count else {
            throw OdooFailure.arguments("too many positional arguments")
        }
        for (name, value) in zip(signature.parameters, positional) { self.arguments.append(.init(name, value)) }
    }

    /// Whether it changes something.
    var isWrite: Bool { ["create", "write", "unlink", "load"].contains(method) }

    private static func ids(_ value: JSONValue) -> [Int64] {
        (value.elements.isEmpty ? [value] : value.elements).compactMap { $0.int.map(Int64.init) }
    }
}

/// What a method takes.
struct MethodSignature: Sendable {
    /// Whether it is called on records, which are given by their ids.
    var isOnRecords = false
    /// In their order.
    var parameters: [String]
    var required: Set<String> = []

    /// Methods that anybody may call, by name.
    static let all: [String: MethodSignature] = [
        "search": .init(parameters: ["domain", "offset", "limit", "order"], required: ["domain"]),
        "search_count": .init(parameters: ["domain", "limit"], required: ["domain"]),
        "search_read": .init(parameters: ["domain", "fields", "offset", "limit", "order"]),
        "read": .init(isOnRecords: true, parameters: ["fields", "load"]),
        "create": .init(parameters: ["vals_list"], required: ["vals_list"]),
        "write": .init(isOnRecords: true, parameters: ["vals"], required: ["vals"]),
        "unlink": .init(isOnRecords: true, parameters: []),
        "load": .init(parameters: ["fields", "data"], required: ["fields", "data"]),
        "fields_get": .init(parameters: ["allfields", "attributes"]),
        "default_get": .init(parameters: ["fields"], required: ["fields"]),
        "has_access": .init(isOnRecords: true, parameters: ["operation"], required: ["operation"]),
        "check_access_rights": .init(parameters: ["operation", "raise_exception"], required: ["operation"]),
        "context_get": .init(parameters: []),
    ]

    func check(_ call: MethodCall) throws(OdooFailure) {
        if !isOnRecords, !call.ids.isEmpty {
            throw OdooFailure.arguments("cannot call \(call.model).\(call.method) with ids")
        }
        if let unknown = call.arguments.first(where: { !parameters.contains($0.key) }) {
            throw OdooFailure.arguments("got an unexpected keyword argument '\(unknown.key)'")
        }
        if let missing = required.sorted().first(where: { call[$0] == nil }) {
            throw OdooFailure.arguments("missing a required argument: '\(missing)'")
        }
    }
}

extension Environment {
    /// Carries out a call.
    func answer(_ call: MethodCall) throws -> JSONValue {
        let model = try model(call.model)
        guard let signature = MethodSignature.all[call.method],
            call.method != "context_get" || call.model == "res.users"
        else {
            throw OdooFailure.unknownMethod(call.model, call.method)
        }
        try signature.check(call)
        if options.deniedModels.contains(call.model), !["has_access", "check_access_rights"].contains(call.method) {
            throw OdooFailure.access(call.model, call.isWrite ? "modify" : "access")
        }
        switch call.method {
        case "search": return .array(try found(call).map { .number(String($0.id)) })
        case "search_count": return .number(String(try count(call.model, call["domain"] ?? [])))
        case "search_read": return try read(call.model, try found(call), names(call["fields"]))
        case "read":
            return try read(
                call.model, try documents(call.model, call.ids), names(call["fields"]),
                namesRelations: call["load"].map { $0 == "_classic_read" } ?? true)
        case "create":
            let values = call["vals_list"] ?? []
            if case .object = values { return .number(String(try create(call.model, [values])[0])) }
            return .array(try create(call.model, values.elements).map { .number(String($0)) })
        case "write":
            try write(call.model, call.ids, call["vals"] ?? [:])
            return true
        case "unlink":
            try unlink(call.model, call.ids)
            return true
        case "load":
            var load = try Load(self, model, fields: names(call["fields"]))
            return try load.run(call["data"]?.elements ?? [])
        case "fields_get": return describe(model, call)
        case "default_get":
            let wanted = Set(names(call["fields"]))
            return .object(
                model.fields.compactMap { field in
                    field.defaultValue.flatMap { wanted.contains(field.name) ? .init(field.name, $0) : nil }
                })
        case "has_access", "check_access_rights": return .bool(!options.deniedModels.contains(call.model))
        default: return ["lang": "en_US", "tz": false, "uid": .number(String(userID))]
        }
    }

    private func found(_ call: MethodCall) throws -> [StoredDocument] {
        let limit = call["limit"]?.int ?? 0
        return try search(
            call.model, call["domain"] ?? [], order: call["order"]?.text, offset: call["offset"]?.int ?? 0,
            limit: limit > 0 ? limit : nil)
    }

    private func describe(_ model: ModelDefinition, _ call: MethodCall) -> JSONValue {
        let wanted = Set(names(call["allfields"]))
        let attributes = Set(names(call["attributes"]))
        return .object(
            model.fields.filter { wanted.isEmpty || wanted.contains($0.name) }.map { field in
                let members = field.description.members.filter { attributes.isEmpty || attributes.contains($0.key) }
                return .init(field.name, .object(members))
            })
    }

    private func names(_ value: JSONValue?) -> [String] { (value?.elements ?? []).compactMap(\.text) }
}
