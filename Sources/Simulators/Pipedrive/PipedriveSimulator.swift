// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezJSON
import MigratezModel
package import MigratezSimulatorKit
package import MigratezSyntheticCRM

/// A Pipedrive company over HTTP, filled from a synthetic CRM or empty.
///
/// Speaks version 2 and what only version 1 has, with the vendor's paging, token costs, limits and error bodies as the
/// public documentation gives them. Where that is silent, the stricter reading is simulated. Lists show a write at once;
/// search lags behind by `searchLag`. Lists can be sorted by id, and by time of change in ascending order.
package final class PipedriveSimulator: SimulatorService {
    package let options: PipedriveOptions
    let store: DocumentStore
    let users: [User]
    let crm: SyntheticCRM
    private let authorization: Authorization
    private let allowances: Allowances

    /// - Parameter crm: what the company holds at first; its owners are the company's people.
    /// - Throws: if the database cannot be opened or filled.
    package init(_ crm: SyntheticCRM, options: PipedriveOptions = PipedriveOptions()) throws {
        self.options = options
        authorization = Authorization(options)
        allowances = Allowances(options)
        users = User.all(of: crm)
        self.crm = crm
        store = try DocumentStore(path: options.database, objects: StoredObject.all(of: crm))
        let isFilled = try store.read { try $0.count(StoredObject.fields) > 0 }
        if !isFilled { try Seeding(crm).fill(store, at: options.clock.now) }
    }

    package func route(of request: SimulatorRequest) -> SimulatorRoute {
        guard let operation = Operation(request) else {
            return SimulatorRoute("\(request.method.rawValue) unknown", isWrite: false)
        }
        return SimulatorRoute(operation.name, isWrite: operation.isWrite)
    }

    package func respond(to request: SimulatorRequest) async -> SimulatorResponse {
        do throws(PipedriveFailure) {
            guard let operation = Operation(request) else {
                throw PipedriveFailure(404, nil, "Unknown method .")
            }
            if operation == .token { return try authorization.token(for: request) }
            try authorization.check(request)
            return limited(request, operation)
        } catch {
            return error.response
        }
    }

    package func failure(status: Int, for request: SimulatorRequest) -> SimulatorResponse {
        status == 429 ? PipedriveFailure.tooMany.response : PipedriveFailure(status, nil, "simulated fault").response
    }

    /// How many records that are not deleted the company has: `persons`, `organizations`, `deals`, `activities`, `notes`,
    /// `files`, `leads`, `deal_products`.
    package func count(of object: String) throws -> Int { try store.read { try $0.count(object) } }

    /// Every record of the kind that is not deleted, as the company stores it, with its id.
    package func records(of object: String) throws -> [(id: Int64, fields: JSONValue)] {
        try store.read { try $0.documents(object).map { ($0.id, $0.document) } }
    }

    package func state() async -> [UInt8] {
        let names =
            Entity.allCases.map(\.rawValue) + [
                StoredObject.notes, StoredObject.files, StoredObject.leads, StoredObject.dealProducts,
                StoredObject.participants,
            ]
        let counts = (try? store.read { session in try names.map { ($0, try session.count($0)) } }) ?? []
        var members = counts.map { JSONValue.Member($0.0, .number(String($0.1))) }
        members.append(.init("tokens_used", .number(String(allowances.used))))
        return JSONValue.object(members).serialized()
    }

    private func limited(_ request: SimulatorRequest, _ operation: Operation) -> SimulatorResponse {
        let (isGranted, headers) = allowances.take(cost: operation.cost)
        var response: SimulatorResponse
        if isGranted {
            do {
                response = try perform(operation, request)
            } catch let failure as PipedriveFailure {
                response = failure.response
            } catch {
                response = PipedriveFailure(500, nil, "\(error)").response
            }
        } else {
            response = PipedriveFailure.tooMany.response
        }
        for (name, value) in headers { response.headers[name] = value }
        return response
    }

    private func perform(_ operation: Operation, _ request: SimulatorRequest) throws -> SimulatorResponse {
        switch operation {
        case .token: try authorization.token(for: request)
        case .list(let entity): try list(entity, request)
        case .archivedDeals: try list(.deal, request, isArchived: true)
        case .read(let entity, let id): try read(entity, id, request)
        case .create(let entity): try create(entity, request)
        case .update(let entity, let id): try update(entity, id, request)
        case .delete(let entity, let id): try delete(entity, id)
        case .search(let entity): try search(entity, request)
        case .fields(let entity): try fields(entity, request)
        case .createField(let entity): try createField(entity, request)
        case .pipelines: try Pipelines.pipelines(request)
        case .stages: try Pipelines.stages(request)
        case .notes: try notes(request)
        case .note(let id): try note(id)
        case .createNote: try createNote(request)
        case .updateNote(let id): try updateNote(id, request)
        case .deleteNote(let id): try deleteNote(id)
        case .leads(let isArchived): try leads(request, isArchived: isArchived)
        case .lead(let id): try lead(id)
        case .createLead: try createLead(request)
        case .updateLead(let id): try updateLead(id, request)
        case .deleteLead(let id): try deleteLead(id)
        case .leadLabels: .data(LeadLabel.json)
        case .noteFields: noteFields()
        case .files: try files(request)
        case .filesOf(let entity, let id): try files(of: entity, id, request)
        case .file(let id): try file(id, request)
        case .fileContent(let id): try fileContent(id)
        case .addFile: try addFile(request)
        case .renameFile(let id): try renameFile(id, request)
        case .deleteFile(let id): try deleteFile(id)
        case .dealProducts: try dealProducts(request)
        case .productsOf(let deal): try products(of: deal, request)
        case .addProduct(let deal): try addProduct(to: deal, request)
        case .updateProduct(let deal, let id): try updateProduct(id, of: deal, request)
        case .removeProduct(let deal, let id): try removeProduct(id, of: deal)
        case .participants(let deal): try participants(of: deal, request)
        case .addParticipant(let deal): try addParticipant(to: deal, request)
        case .removeParticipant(let deal, let id): try removeParticipant(id, from: deal)
        case .users: .data(.array(users.map { $0.json(isOwn: $0.id == User.ownID) }))
        case .user(let id): try user(id)
        case .ownUser: try ownUser()
        case .activityTypes: .data(ActivityType.json)
        case .currencies: .data(Currency.json)
        }
    }
}

extension SimulatorResponse {
    /// A success: `{"success":true,"data":…}`.
    static func data(_ data: JSONValue, _ more: [JSONValue.Member] = [], status: Int = 200) -> SimulatorResponse {
        .json(
            JSONValue.object([.init("success", true), .init("data", data)] + more).serialized(), status: status)
    }
}
