// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezSimulatorKit

/// What a request asks for.
enum Operation: Equatable {
    case modules, module(String), fields, fieldCreation, layouts, pipelines, users, org, contactRoles
    case list(String), single(String, id: String), count(String), deleted(String), query
    case insert(String), update(String), updateSingle(String, id: String), upsert(String), delete(String)
    case deleteSingle(String, id: String)
    case related(String, id: String, list: String), dealRoles(id: String), dealRolesPut(id: String)
    case dealRolesDelete(id: String)
    case attachments(String, id: String), attachmentUpload(String, id: String)
    case attachmentContent(String, id: String, file: String), attachmentDelete(String, id: String, file: String?)
    case tagging(String, removes: Bool)
    case upload, bulkRead, bulkReadStatus(id: String), bulkReadResult(id: String)
    case bulkWrite, bulkWriteStatus(id: String), bulkWriteResult(id: String)

    /// - Parameters:
    ///   - path: the whole one.
    ///   - versions: those that there are.
    static func of(
        _ method: SimulatorRequest.Method, _ path: [String], versions: Set<String>
    ) -> Operation? {
        if path.starts(with: ["v2", "crm", Organisation.zgid, "bulk-write"]), path.count == 6, method == .get {
            return .bulkWriteResult(id: path[4])
        }
        guard path.count > 2, path[0] == "crm" else { return nil }
        guard path[1] == "bulk" else {
            return versions.contains(path[1]) ? Operation(method, Array(path.dropFirst(2))) : nil
        }
        guard versions.contains(path[2]) else { return nil }
        switch (method, path.count - 3, path.dropFirst(3).first) {
        case (.post, 1, "read"): return .bulkRead
        case (.get, 2, "read"): return .bulkReadStatus(id: path[4])
        case (.get, 3, "read") where path[5] == "result": return .bulkReadResult(id: path[4])
        case (.post, 1, "write"): return .bulkWrite
        case (.get, 2, "write"): return .bulkWriteStatus(id: path[4])
        default: return nil
        }
    }

    /// - Parameter path: behind `/crm/v8`.
    private init?(_ method: SimulatorRequest.Method, _ path: [String]) {
        switch (method, path.count, path.first) {
        case (.get, 2, "settings") where path[1] == "modules": self = .modules
        case (.get, 3, "settings") where path[1] == "modules": self = .module(path[2])
        case (.get, 2, "settings") where path[1] == "fields": self = .fields
        case (.post, 2, "settings") where path[1] == "fields": self = .fieldCreation
        case (.get, 2, "settings") where path[1] == "layouts": self = .layouts
        case (.get, 2, "settings") where path[1] == "pipeline": self = .pipelines
        case (_, _, "settings"): return nil
        case (.get, 1, "users"): self = .users
        case (.get, 1, "org"): self = .org
        case (.post, 1, "coql"): self = .query
        case (.post, 1, "upload"): self = .upload
        case (.get, 2, "Contacts") where path[1] == "roles": self = .contactRoles
        case (.get, 3, "Deals") where path[2] == "Contact_Roles": self = .dealRoles(id: path[1])
        case (.put, 3, "Deals") where path[2] == "Contact_Roles": self = .dealRolesPut(id: path[1])
        case (.delete, 3, "Deals") where path[2] == "Contact_Roles": self = .dealRolesDelete(id: path[1])
        case (.get, 3, let name?) where path[2] == "Attachments": self = .attachments(name, id: path[1])
        case (.post, 3, let name?) where path[2] == "Attachments": self = .attachmentUpload(name, id: path[1])
        case (.delete, 3, let name?) where path[2] == "Attachments":
            self = .attachmentDelete(name, id: path[1], file: nil)
        case (.get, 4, let name?) where path[2] == "Attachments":
            self = .attachmentContent(name, id: path[1], file: path[3])
        case (.delete, 4, let name?) where path[2] == "Attachments":
            self = .attachmentDelete(name, id: path[1], file: path[3])
        case (.get, 1, let name?): self = .list(name)
        case (.post, 1, let name?): self = .insert(name)
        case (.put, 1, let name?): self = .update(name)
        case (.delete, 1, let name?): self = .delete(name)
        case (.post, 2, let name?) where path[1] == "upsert": self = .upsert(name)
        case (.get, 2, let name?) where path[1] == "deleted": self = .deleted(name)
        case (.get, 2, let name?): self = .single(name, id: path[1])
        case (.put, 2, let name?): self = .updateSingle(name, id: path[1])
        case (.delete, 2, let name?): self = .deleteSingle(name, id: path[1])
        case (.get, 3, let name?) where path[1...] == ["actions", "count"]: self = .count(name)
        case (.post, 3, let name?) where path[1] == "actions" && ["add_tags", "remove_tags"].contains(path[2]):
            self = .tagging(name, removes: path[2] == "remove_tags")
        case (.get, 3, let name?): self = .related(name, id: path[1], list: path[2])
        default: return nil
        }
    }

    /// For the journal.
    var name: String {
        switch self {
        case .modules, .module: "settings/modules"
        case .fields: "settings/fields"
        case .fieldCreation: "create settings/fields"
        case .layouts: "settings/layouts"
        case .pipelines: "settings/pipeline"
        case .users: "users"
        case .org: "org"
        case .contactRoles: "contact roles"
        case .list, .single: "records"
        case .count: "count"
        case .deleted: "deleted"
        case .query: "coql"
        case .insert: "insert"
        case .update, .updateSingle: "update"
        case .upsert: "upsert"
        case .delete, .deleteSingle: "delete"
        case .related, .dealRoles: "related"
        case .attachments: "attachments"
        case .attachmentUpload: "upload attachment"
        case .attachmentContent: "download attachment"
        case .attachmentDelete: "delete attachments"
        case .tagging: "tags"
        case .upload: "upload"
        case .bulkRead, .bulkReadStatus: "bulk read"
        case .bulkReadResult: "download bulk read"
        case .bulkWrite, .bulkWriteStatus: "bulk write"
        case .bulkWriteResult: "download bulk write"
        case .dealRolesPut: "put related"
        case .dealRolesDelete: "delete related"
        }
    }

    var isWrite: Bool {
        switch self {
        case .fieldCreation, .insert, .update, .updateSingle, .upsert, .delete, .deleteSingle, .dealRolesPut,
            .dealRolesDelete, .attachmentUpload, .attachmentDelete, .upload, .bulkWrite, .tagging:
            true
        default: false
        }
    }

    /// The scope that the vendor asks for.
    var scope: String {
        switch self {
        case .modules, .module, .fields, .fieldCreation, .layouts, .pipelines: "ZohoCRM.settings.ALL"
        case .users: "ZohoCRM.users.READ"
        case .org: "ZohoCRM.org.READ"
        case .query: "ZohoCRM.coql.READ"
        case .upload, .bulkRead, .bulkReadStatus, .bulkReadResult, .bulkWrite, .bulkWriteStatus, .bulkWriteResult:
            "ZohoCRM.bulk.ALL"
        default: "ZohoCRM.modules.ALL"
        }
    }

    /// Credits that a call costs (zoho.com/crm/developer, "API Limits"): one for ten rows that are written and for fifty
    /// that are tagged, for a query by its limit.
    func credits(rows: Int, queryLimit: Int) -> Int {
        switch self {
        case .insert, .update, .upsert: max(1, (rows + 9) / 10)
        case .query: queryLimit <= 200 ? 1 : queryLimit <= 1_000 ? 2 : 3
        case .deleted: 2
        case .tagging: max(1, (rows + 49) / 50)
        case .bulkRead: 50
        case .bulkWrite: 500
        default: 1
        }
    }
}
