// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezJSON
import MigratezModel
package import MigratezSimulatorKit
package import MigratezSyntheticCRM

/// A server that speaks Zoho CRM's REST interface (v6 to v8) over records in SQLite.
///
/// Written from the vendor's public documentation, without a line of the connector's; the stricter reading is taken where
/// it says nothing. Searches, e-mails, fields that hold files, lead conversion and custom modules are not simulated: they are
/// answered 404. The methods besides `respond` are for checks: they see what is stored, without requests.
package final class ZohoSimulator: SimulatorService {
    private let organisation: Organisation
    /// Where the bytes of its files come from.
    private let crm: SyntheticCRM?

    /// - Parameters:
    ///   - crm: what an organisation without records is filled with; `nil` = it stays empty.
    ///   - databasePath: a file that keeps the records, or continues with those that it has; `nil` forgets them.
    package init(
        _ crm: SyntheticCRM? = nil, options: ZohoOptions = ZohoOptions(), databasePath: String? = nil
    ) throws {
        organisation = try Organisation(options: options, databasePath: databasePath)
        self.crm = crm
        if let crm { try SyntheticFilling(organisation, crm).fill() }
    }

    package func respond(to request: SimulatorRequest) async -> SimulatorResponse {
        let path = request.path
        if path == ["oauth", "v2", "token"], request.method == .post {
            return organisation.tokens.respond(to: request)
        }
        let response = organisation.credits.underWay(
            max: organisation.options.concurrencyMax
        ) { () -> SimulatorResponse in
            do {
                return try answer(request, path)
            } catch let failure as ZohoFailure {
                return failure.response
            } catch {
                return ZohoFailure(500, "INTERNAL_ERROR", "Internal Server Error").response
            }
        }
        return response ?? ZohoFailure.tooManyAtOnce.response
    }

    private func answer(_ request: SimulatorRequest, _ path: [String]) throws -> SimulatorResponse {
        guard let operation = Operation.of(request.method, path, versions: organisation.options.versions) else {
            throw ZohoFailure.invalidURL
        }
        let user = try organisation.tokens.user(of: request)
        if let scopes = organisation.options.scopes, !scopes.contains(operation.scope) {
            throw ZohoFailure.scopeMismatch
        }
        let body = try Self.body(of: request)
        let now = organisation.options.clock.now
        let (isRefused, remaining) = organisation.credits.take(
            operation.credits(
                rows: (body["data"] ?? body["ids"])?.elements.count ?? 0, queryLimit: Self.limit(of: body)), at: now)
        var response: SimulatorResponse
        do {
            guard !isRefused else { throw ZohoFailure.noCredits }
            // By themselves: what a job did stays, whatever becomes of this request.
            if organisation.bulkQueue.hasDue(at: now) {
                try organisation.store.write { session in
                    try bulkJobs(session, organisation.userID(at: user), now).settle()
                }
            }
            response = try organisation.store.write { session in
                try perform(operation, request, body, session, userID: organisation.userID(at: user), now: now)
            }
        } catch let failure as ZohoFailure {
            response = failure.response
        }
        if let remaining { response.headers["X-API-CREDITS-REMAINING"] = String(max(0, remaining)) }
        return response
    }

    private func bulkJobs(_ session: DocumentSession, _ userID: String, _ now: Timestamp) -> BulkJobs {
        BulkJobs(organisation: organisation, session: session, userID: userID, now: now)
    }

    private static func body(of request: SimulatorRequest) throws -> JSONValue {
        let isForm = request.headers["Content-Type"]?.lowercased().hasPrefix("multipart/form-data") == true
        guard !request.body.isEmpty, !isForm else { return .null }
        guard let body = try? JSONValue(parsing: request.body) else {
            throw ZohoFailure(400, "INVALID_REQUEST", "unable to process your request")
        }
        return body
    }

    /// What a query asks for at most; 200 where it does not say.
    private static func limit(of body: JSONValue) -> Int {
        guard let query = body["select_query"]?.text.flatMap({ try? COQLParser.query($0) }) else { return 200 }
        return query.limit
    }

    private func perform(
        _ operation: Operation, _ request: SimulatorRequest, _ body: JSONValue, _ session: DocumentSession,
        userID: String, now: Timestamp
    ) throws -> SimulatorResponse {
        let settings = OrganisationSettings(organisation: organisation, session: session, request: request, now: now)
        let roles = ContactRoles(organisation: organisation, session: session, request: request, now: now)
        let files = RecordAttachments(
            organisation: organisation, session: session, request: request, userID: userID, now: now)
        func listing(_ name: String) throws -> RecordListing {
            RecordListing(
                organisation: organisation, session: session, module: try organisation.module(name), request: request,
                now: now)
        }
        func writing(_ name: String) throws -> RecordWriting {
            let module = try organisation.module(name)
            // Rows of a subform are written with the record that they belong to.
            guard module.parent == nil else { throw ZohoFailure.invalidModule }
            return RecordWriting(
                organisation: organisation, session: session, module: module, userID: userID, now: now)
        }
        let jobs = bulkJobs(session, userID, now)
        switch operation {
        case .tagging(let name, let removes):
            let table = RecordTable(
                organisation: organisation, session: session, module: try organisation.module(name))
            return try RecordTagging(table: table, now: now).change(body, removes: removes)
        case .upload: return try BulkWriting(jobs: jobs).upload(request)
        case .bulkRead: return try BulkReading(jobs: jobs).create(body)
        case .bulkReadStatus(let id): return try BulkReading(jobs: jobs).status(id)
        case .bulkReadResult(let id): return try BulkReading(jobs: jobs).result(id)
        case .bulkWrite: return try BulkWriting(jobs: jobs).create(body)
        case .bulkWriteStatus(let id): return try BulkWriting(jobs: jobs).status(id, request)
        case .bulkWriteResult(let id): return try BulkWriting(jobs: jobs).result(id)
        case .modules: return settings.modules()
        case .module(let name): return try settings.module(name)
        case .fields: return try settings.fields()
        case .fieldCreation: return try settings.createFields(body)
        case .layouts: return try settings.layouts()
        case .pipelines: return try settings.pipelines()
        case .users: return try settings.users(userID)
        case .org: return settings.org()
        case .contactRoles: return roles.catalogue()
        case .query: return try COQLRun(organisation: organisation, session: session).answer(body)
        case .list(let name): return try listing(name).list()
        case .single(let name, let id): return try listing(name).single(id)
        case .count(let name): return try listing(name).count()
        case .deleted(let name): return try listing(name).deleted()
        case .related(_, let id, let list):
            guard list == "Notes" else { throw ZohoFailure.invalidURL }
            return try listing(list).list(.member("Parent_Id", .equals, .string(id)))
        case .insert(let name): return try writing(name).write(.insert, body)
        case .update(let name): return try writing(name).write(.update, body)
        case .updateSingle(let name, let id): return try writing(name).write(.update, body, id: id)
        case .upsert(let name): return try writing(name).write(.upsert, body)
        case .delete(let name): return try writing(name).delete(request.queryList("ids"))
        case .deleteSingle(let name, let id): return try writing(name).delete([id])
        case .dealRoles(let id): return try roles.list(of: id)
        case .dealRolesPut(let id): return try roles.put(id, body)
        case .dealRolesDelete(let id): return try roles.delete(id)
        case .attachments(let name, let id): return try files.list(name, id)
        case .attachmentUpload(let name, let id): return try files.upload(name, id)
        case .attachmentContent(let name, let id, let file): return try files.content(name, id, file, crm)
        case .attachmentDelete(let name, let id, let file):
            return try files.delete(name, id, file.map { [$0] } ?? request.queryList("ids"))
        }
    }

    package func route(of request: SimulatorRequest) -> SimulatorRoute {
        if request.path.first == "oauth" { return SimulatorRoute("token", isWrite: false) }
        let versions = organisation.options.versions
        guard let operation = Operation.of(request.method, request.path, versions: versions) else {
            return SimulatorRoute("\(request.method.rawValue) unknown", isWrite: false)
        }
        return SimulatorRoute(operation.name, isWrite: operation.isWrite)
    }

    package func failure(status: Int, for request: SimulatorRequest) -> SimulatorResponse {
        switch status {
        case 401: ZohoFailure.invalidToken.response
        case 429: ZohoFailure.tooManyAtOnce.response
        default: ZohoFailure(status, "INTERNAL_ERROR", "Internal Server Error").response
        }
    }

    /// Records that are not deleted, by module.
    package func state() async -> [UInt8] {
        let counts = try? organisation.store.read { session in
            try organisation.modules.map { ($0.name, try session.count($0.name)) }
        }
        return JSONValue.object((counts ?? []).map { .init($0.0, .number(String($0.1))) }).serialized()
    }
}

// MARK: - For checks
extension ZohoSimulator {
    /// Records of a module that are not deleted.
    package func count(of module: String) throws -> Int {
        try organisation.store.read { try $0.count(module) }
    }

    /// The records of a module as they are stored, by id: lookups and people by their ids.
    package func records(of module: String) throws -> [String: JSONValue] {
        try organisation.store.read { session in
            Dictionary(
                try session.documents(module).map { (String($0.id), $0.document) }, uniquingKeysWith: { $1 })
        }
    }

    /// Who takes part in deals: deal, contact, and the role's name if there is one.
    package func contactRoles() throws -> [(deal: String, contact: String, role: String?)] {
        let links = try organisation.store.read { try $0.documents(Organisation.Table.contactRoles) }
        return links.compactMap { link in
            guard let deal = link.document["deal"]?.text, let contact = link.document["contact"]?.text else {
                return nil
            }
            let role = link.document["role"]?.text
            let number = StandardModules.contactRoles.indices.first { ContactRoles.roleID($0) == role }
            return (deal, contact, number.map { StandardModules.contactRoles[$0] })
        }
    }

    /// The attachments that are not deleted, by id: `module`, `record`, `File_Name`, and `origin`, the index of the synthetic
    /// file.
    package func attachments() throws -> [String: JSONValue] {
        try organisation.store.read { session in
            Dictionary(
                try session.documents(Organisation.Table.attachments).map { (String($0.id), $0.document) },
                uniquingKeysWith: { $1 })
        }
    }

    /// The bytes of an attachment that somebody uploaded.
    package func content(ofAttachment id: String) throws -> [UInt8]? {
        try organisation.store.read { try $0.content(Organisation.Table.attachments, Int64(id) ?? 0) }
    }

    /// The id of the user at that place of the options.
    package func userID(at index: Int) -> String { organisation.userID(at: index) }
}
