// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezSimulatorKit

/// The kinds of records.
enum Entity: String, Sendable, CaseIterable {
    case person = "persons"
    case organization = "organizations"
    case deal = "deals"
    case activity = "activities"
    case product = "products"

    /// `Person`
    var label: String {
        switch self {
        case .person: "Person"
        case .organization: "Organization"
        case .deal: "Deal"
        case .activity: "Activity"
        case .product: "Product"
        }
    }

    /// The path of its fields: `personFields`.
    var fieldsPath: String { label.prefix(1).lowercased() + label.dropFirst() + "Fields" }
}

/// What a request asks for.
enum Operation: Sendable, Equatable {
    case token
    // Version 2
    case list(Entity), archivedDeals, read(Entity, Int64), create(Entity), update(Entity, Int64), delete(Entity, Int64)
    case search(Entity)
    case fields(Entity), createField(Entity)
    case pipelines, stages
    // What version 1 has and version 2 has not
    case notes, note(Int64), createNote, updateNote(Int64), deleteNote(Int64), noteFields
    case files, file(Int64), fileContent(Int64), addFile, renameFile(Int64), deleteFile(Int64), filesOf(Entity, Int64)
    case leads(isArchived: Bool), lead(String), createLead, updateLead(String), deleteLead(String), leadLabels
    case dealProducts, productsOf(Int64), addProduct(Int64), updateProduct(deal: Int64, Int64)
    case removeProduct(deal: Int64, Int64)
    case participants(Int64), addParticipant(Int64), removeParticipant(deal: Int64, Int64)
    case users, user(Int64), ownUser, activityTypes, currencies

    /// `nil` if Pipedrive has no such route, or none for what is simulated.
    init?(_ request: SimulatorRequest) {
        var path = request.path
        if path == ["oauth", "token"] {
            guard request.method == .post else { return nil }
            self = .token
            return
        }
        if path.first == "api" { path.removeFirst() }
        let operation: Operation? =
            switch path.first {
            case "v2": Operation.current(request.method, Array(path.dropFirst()))
            case "v1": Operation.former(request.method, Array(path.dropFirst()))
            default: nil
            }
        guard let operation else { return nil }
        self = operation
    }

    private static func current(_ method: SimulatorRequest.Method, _ path: [String]) -> Operation? {
        guard let first = path.first else { return nil }
        if method == .get, path == ["pipelines"] { return .pipelines }
        if method == .get, path == ["stages"] { return .stages }
        if path.count == 1, let entity = Entity.allCases.first(where: { $0.fieldsPath == first }) {
            switch method {
            case .get: return .fields(entity)
            // Fields of activities cannot be made (the reference has no such operation).
            case .post where entity != .activity: return .createField(entity)
            default: return nil
            }
        }
        guard let entity = Entity(rawValue: first) else { return nil }
        if entity == .deal, path.dropFirst().contains("products") { return products(method, path) }
        switch (method, path.count) {
        case (.get, 1): return .list(entity)
        case (.post, 1): return .create(entity)
        case (.get, 2) where path[1] == "archived" && entity == .deal: return .archivedDeals
        case (.get, 2) where path[1] == "search" && entity != .activity: return .search(entity)
        case (.get, 2): return Int64(path[1]).map { .read(entity, $0) }
        case (.patch, 2): return Int64(path[1]).map { .update(entity, $0) }
        case (.delete, 2): return Int64(path[1]).map { .delete(entity, $0) }
        default: return nil
        }
    }

    /// `deals/products`, `deals/1/products`, `deals/1/products/2`
    private static func products(_ method: SimulatorRequest.Method, _ path: [String]) -> Operation? {
        if path.count == 2 { return method == .get ? .dealProducts : nil }
        guard path.count > 2, path[2] == "products", let deal = Int64(path[1]) else { return nil }
        switch (method, path.count) {
        case (.get, 3): return .productsOf(deal)
        case (.post, 3): return .addProduct(deal)
        case (.patch, 4): return Int64(path[3]).map { .updateProduct(deal: deal, $0) }
        case (.delete, 4): return Int64(path[3]).map { .removeProduct(deal: deal, $0) }
        default: return nil
        }
    }

    private static func former(_ method: SimulatorRequest.Method, _ path: [String]) -> Operation? {
        switch (method, path.first, path.count) {
        case (.get, "notes", 1): return .notes
        case (.post, "notes", 1): return .createNote
        case (.get, "notes", 2): return Int64(path[1]).map { .note($0) }
        case (.put, "notes", 2): return Int64(path[1]).map { .updateNote($0) }
        case (.delete, "notes", 2): return Int64(path[1]).map { .deleteNote($0) }
        case (.get, "leads", 1): return .leads(isArchived: false)
        case (.get, "leads", 2): return path[1] == "archived" ? .leads(isArchived: true) : .lead(path[1])
        case (.post, "leads", 1): return .createLead
        case (.patch, "leads", 2): return .updateLead(path[1])
        case (.delete, "leads", 2): return .deleteLead(path[1])
        case (.get, "leadLabels", 1): return .leadLabels
        case (.get, "noteFields", 1): return .noteFields
        case (.get, "files", 1): return .files
        case (.post, "files", 1): return .addFile
        case (.get, "files", 2): return Int64(path[1]).map { .file($0) }
        case (.put, "files", 2): return Int64(path[1]).map { .renameFile($0) }
        case (.delete, "files", 2): return Int64(path[1]).map { .deleteFile($0) }
        case (.get, "files", 3) where path[2] == "download": return Int64(path[1]).map { .fileContent($0) }
        case (.get, let name?, 3) where path[2] == "files":
            guard let entity = Entity(rawValue: name), entity != .activity, let id = Int64(path[1]) else { return nil }
            return .filesOf(entity, id)
        case (.get, "users", 1): return .users
        case (.get, "users", 2): return path[1] == "me" ? .ownUser : Int64(path[1]).map { .user($0) }
        case (.get, "activityTypes", 1): return .activityTypes
        case (.get, "currencies", 1): return .currencies
        case (_, "deals", 3) where path[2] == "participants":
            guard let deal = Int64(path[1]) else { return nil }
            return method == .get ? .participants(deal) : method == .post ? .addParticipant(deal) : nil
        case (.delete, "deals", 4) where path[2] == "participants":
            guard let deal = Int64(path[1]), let id = Int64(path[3]) else { return nil }
            return .removeParticipant(deal: deal, id)
        default: return nil
        }
    }
}

extension Operation {
    /// What it costs of the day's tokens: `x-token-cost` in the OpenAPI descriptions of both versions.
    var cost: Int {
        switch self {
        case .token: 0
        case .read: 1
        case .note, .lead, .file, .user, .ownUser: 2
        case .delete, .removeProduct: 3
        case .create, .update, .createField, .pipelines, .stages, .addProduct, .updateProduct: 5
        case .deleteNote, .deleteLead, .deleteFile, .removeParticipant: 6
        case .list, .fields, .dealProducts, .productsOf, .createNote, .updateNote, .createLead, .updateLead, .addFile,
            .renameFile, .participants,
            .addParticipant:
            10
        case .archivedDeals, .search, .notes, .noteFields, .files, .filesOf, .fileContent, .users, .activityTypes,
            .currencies, .leads, .leadLabels:
            20
        }
    }

    var isWrite: Bool {
        switch self {
        case .create, .update, .delete, .createField, .createNote, .updateNote, .deleteNote, .addFile, .renameFile,
            .deleteFile, .createLead, .updateLead, .deleteLead, .addProduct, .updateProduct, .removeProduct,
            .addParticipant, .removeParticipant:
            true
        default: false
        }
    }

    /// The name in the journal.
    var name: String {
        switch self {
        case .token: "token"
        case .list(let entity): "list \(entity.rawValue)"
        case .archivedDeals: "list archived deals"
        case .read(let entity, _): "read \(entity.rawValue)"
        case .create(let entity): "create \(entity.rawValue)"
        case .update(let entity, _): "update \(entity.rawValue)"
        case .delete(let entity, _): "delete \(entity.rawValue)"
        case .search(let entity): "search \(entity.rawValue)"
        case .fields(let entity): "fields of \(entity.rawValue)"
        case .createField(let entity): "create field of \(entity.rawValue)"
        case .pipelines: "pipelines"
        case .stages: "stages"
        case .notes: "list notes"
        case .note: "read notes"
        case .createNote: "create notes"
        case .updateNote: "update notes"
        case .deleteNote: "delete notes"
        case .leads(let isArchived): isArchived ? "list archived leads" : "list leads"
        case .lead: "read leads"
        case .createLead: "create leads"
        case .updateLead: "update leads"
        case .deleteLead: "delete leads"
        case .leadLabels: "lead labels"
        case .noteFields: "fields of notes"
        case .files, .filesOf: "list files"
        case .file: "read files"
        case .fileContent: "download files"
        case .addFile: "create files"
        case .renameFile: "update files"
        case .deleteFile: "delete files"
        case .dealProducts, .productsOf: "list products of deals"
        case .addProduct: "add product of a deal"
        case .updateProduct: "update product of a deal"
        case .removeProduct: "remove product of a deal"
        case .participants: "list participants"
        case .addParticipant: "add participant"
        case .removeParticipant: "remove participant"
        case .users, .user: "users"
        case .ownUser: "own user"
        case .activityTypes: "activity types"
        case .currencies: "currencies"
        }
    }
}
