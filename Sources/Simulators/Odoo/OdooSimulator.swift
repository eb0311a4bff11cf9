// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezJSON
import MigratezModel
package import MigratezSimulatorKit
package import MigratezSyntheticCRM

/// An Odoo database over HTTP: JSON-2, and JSON-RPC with the session that older clients log in with.
///
/// Written from the vendor's documentation and published source, without a line of the connector's. What is simplified is
/// said where it is. Record rules, several companies and translations are not simulated. The server has no limits on
/// requests; those of the proxy before it come as faults.
package final class OdooSimulator: SimulatorService {
    private let options: OdooOptions
    private let models: [String: ModelDefinition]
    private let store: DocumentStore
    private let crm: SyntheticCRM?
    /// The administrator, whom every key stands for.
    private static let administrator: Int64 = 2

    /// - Parameter crm: what the database is filled with when it is made; `nil` = nothing.
    package init(_ crm: SyntheticCRM? = nil, options: OdooOptions = OdooOptions()) throws {
        self.options = options
        self.crm = crm
        models = Dictionary(
            uniqueKeysWithValues: StandardModels.all.filter { !options.missingModels.contains($0.name) }
                .map { ($0.name, $0) })
        store = try DocumentStore(
            path: options.database,
            objects: models.values.map { model in
                DocumentStore.Object(
                    model.name, indexed: model.indexed, unique: model.name == "ir.model.data" ? ["xmlid"] : [])
            } + AttachmentData.objects)
        let isNew = try store.read { try $0.count("res.users") == 0 }
        guard isNew else { return }
        try store.write { session in
            var seed = DatabaseSeed(environment(session, [:]), crm)
            try seed.fill()
        }
    }

    private func environment(_ session: DocumentSession, _ context: JSONValue) -> Environment {
        Environment(
            models: models, options: options, crm: crm, session: session, now: options.clock.now,
            userID: Self.administrator,
            context: context)
    }

    // MARK: Requests

    package func respond(to request: SimulatorRequest) async -> SimulatorResponse {
        // Source: odoo/odoo, `odoo/http.py`, `DEFAULT_MAX_CONTENT_LENGTH`: werkzeug refuses whatever is longer.
        guard request.body.count <= options.bodyBytesMax else { return Self.tooLarge }
        switch request.path.first {
        case "json" where request.path.dropFirst().first == "2" && options.version >= 19:
            return json2(request)
        case "jsonrpc": return rpc(request) { params throws(OdooFailure) in try service(params) }
        case "web":
            switch request.path.dropFirst() {
            case ["version"] where request.method == .get: return .json(version.serialized())
            case ["webclient", "version_info"]: return rpc(request) { _ in version }
            case ["session", "authenticate"]:
                return rpc(request) { params throws(OdooFailure) in try session(params) }
            default: return notFound
            }
        default: return notFound
        }
    }

    private static let tooLarge = SimulatorResponse(
        status: 413, headers: ["Content-Type": "text/html; charset=utf-8"],
        body: .bytes(Array("<!doctype html><title>413 Request Entity Too Large</title>".utf8)))

    private let notFound = SimulatorResponse(
        status: 404, headers: ["Content-Type": "text/html; charset=utf-8"],
        body: .bytes(Array("<!doctype html><title>404 Not Found</title><h1>Not Found</h1>".utf8)))

    private func json2(_ request: SimulatorRequest) -> SimulatorResponse {
        do throws(OdooFailure) {
            if let name = request.headers["X-Odoo-Database"], name != options.databaseName { return notFound }
            let words = (request.headers["Authorization"] ?? "").split(separator: " ").map(String.init)
            guard words.count == 2, words[0].lowercased() == "bearer", isValid(key: words[1]) else {
                throw OdooFailure.unauthorized()
            }
            return .json(try perform(try MethodCall(json2: request)).serialized())
        } catch {
            return error.response
        }
    }

    private func perform(_ call: MethodCall) throws(OdooFailure) -> JSONValue {
        do {
            return call.isWrite
                ? try store.write { try environment($0, call.context).answer(call) }
                : try store.read { try environment($0, call.context).answer(call) }
        } catch let failure as OdooFailure {
            throw failure
        } catch {
            throw OdooFailure("builtins.RuntimeError", "\(error)", status: 500)
        }
    }

    private func isValid(key: String) -> Bool {
        if let end = options.keysExpireAt, options.clock.now >= end { return false }
        return options.keys.map { $0.contains(key) } ?? true
    }

    // MARK: JSON-RPC

    private func rpc(
        _ request: SimulatorRequest, _ answer: (JSONValue) throws(OdooFailure) -> JSONValue
    ) -> SimulatorResponse {
        guard request.method == .post, let body = try? JSONValue(parsing: request.body) else { return notFound }
        let id = body["id"] ?? .null
        do throws(OdooFailure) {
            let result = try answer(body["params"] ?? [:])
            return .json(
                JSONValue.object([.init("jsonrpc", "2.0"), .init("id", id), .init("result", result)]).serialized())
        } catch {
            return error.rpcResponse(id: id, version: options.version)
        }
    }

    private func service(_ params: JSONValue) throws(OdooFailure) -> JSONValue {
        let arguments = params["args"]?.elements ?? []
        switch (params["service"]?.text, params["method"]?.text) {
        case ("common", "version"): return version
        case ("common", "login"), ("common", "authenticate"):
            guard arguments.count >= 3, arguments[0].text == options.databaseName, let key = arguments[2].text,
                isValid(key: key)
            else { return false }
            return .number(String(Self.administrator))
        case ("object", let method?) where method == "execute_kw" || method == "execute":
            guard arguments.count >= 3, arguments[0].text == options.databaseName, let key = arguments[2].text,
                arguments[1].int.map(Int64.init) == Self.administrator, isValid(key: key)
            else { throw OdooFailure.accessDenied() }
            return try perform(try MethodCall(service: arguments, takesKeywords: method == "execute_kw"))
        default: throw OdooFailure.arguments("no such service or method")
        }
    }

    /// The session of the web client, which clients of JSON-RPC log in with.
    private func session(_ params: JSONValue) throws(OdooFailure) -> JSONValue {
        guard params["db"]?.text == options.databaseName, let key = params["password"]?.text, isValid(key: key) else {
            throw OdooFailure.accessDenied()
        }
        let uid = JSONValue.number(String(Self.administrator))
        return [
            "uid": uid, "db": .string(options.databaseName), "username": params["login"] ?? "",
            "user_context": ["lang": "en_US", "tz": false, "uid": uid],
        ]
    }

    private var version: JSONValue {
        let number = JSONValue.number(String(options.version))
        return [
            "version": .string("\(options.version).0"), "version_info": [number, 0, 0, "final", 0, ""],
            "server_version": .string("\(options.version).0"), "server_serie": .string("\(options.version).0"),
            "server_version_info": [number, 0, 0, "final", 0, ""], "protocol_version": 1,
        ]
    }

    // MARK: The kit

    package func route(of request: SimulatorRequest) -> SimulatorRoute {
        if request.path.first == "json", request.path.count == 4, let call = try? MethodCall(json2: request) {
            return SimulatorRoute("\(call.model) \(call.method)", isWrite: call.isWrite)
        }
        guard request.path.first == "jsonrpc", let body = try? JSONValue(parsing: request.body),
            body["params"]?["service"] == "object",
            let call = try? MethodCall(service: body["params"]?["args"]?.elements ?? [], takesKeywords: true)
        else { return SimulatorRoute("\(request.method.rawValue) \(request.pathText)", isWrite: false) }
        return SimulatorRoute("\(call.model) \(call.method)", isWrite: call.isWrite)
    }

    /// What a proxy before the server says; 401 is the server's own.
    package func failure(status: Int, for request: SimulatorRequest) -> SimulatorResponse {
        if status == 401 { return OdooFailure.unauthorized().response }
        return SimulatorResponse(
            status: status, headers: ["Content-Type": "text/html"],
            body: .bytes(Array("<html><body><h1>\(status)</h1><hr>nginx</body></html>".utf8)))
    }

    package func state() async -> [UInt8] {
        let counts = try? store.read { session in
            JSONValue.object(
                try models.keys.sorted().map { .init($0, .number(String(try session.count($0)))) })
        }
        return (counts ?? [:]).serialized()
    }
}

// MARK: - For checks
extension OdooSimulator {
    /// Every record of a model, archived ones too, as it is stored: absent members are empty, relations are ids.
    package func records(of model: String) throws -> [(id: Int64, values: JSONValue)] {
        try store.read { try $0.documents(model).map { ($0.id, $0.document) } }
    }

    package func count(of model: String) throws -> Int { try store.read { try $0.count(model) } }
}
