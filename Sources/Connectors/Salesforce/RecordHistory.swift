// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezTransport
import Synchronization

/// What became of records after they were written: who changed them last, and who refers to them.
struct RecordHistory: Sendable {
    let api: SalesforceAPI
    let catalog: SchemaCatalog
    let reader: RecordReader
    let children: ChildObjects
    /// The user on whose behalf this connector works; `nil` if the login did not say.
    let ownUser: String?

    /// By id. Objects without these fields (links of documents) are not in the answer.
    func lastChanges(object: String, ids: [String]) async throws -> [String: LastChange] {
        let holder = object == ContentNote.object ? ContentNote.storageObject : object
        let names = ["LastModifiedDate", "LastModifiedById", "CreatedById"]
        let schema = try await catalog.metadata(of: holder).schema
        guard names.allSatisfy({ schema.field($0) != nil }) else { return [:] }
        let records =
            try await ContentNote.isDocument(object)
            ? reader.documents(ids: ids, fields: names) : reader.read(object: object, ids: ids, fields: names)
        var changes: [String: LastChange] = [:]
        for record in records {
            let values = record.fields.withUnsafeBufferPointer { JSONValue(validated: $0) }
            guard let time = values["LastModifiedDate"]?.text.flatMap(InstantText.timestamp),
                let user = values["LastModifiedById"]?.text.map(SalesforceID.canonical)
            else { continue }
            // Without a name of our own: whoever created the record, which was us.
            let us = ownUser ?? values["CreatedById"]?.text.map(SalesforceID.canonical)
            changes[record.id] = LastChange(at: time, isOurs: user == us)
        }
        return changes
    }

    /// For each of the records that others refer to: the object of one that does.
    func referrers(object: String, ids: [String]) async throws -> [String: String] {
        if ContentNote.isDocument(object) { return try await sharedDocuments(ids) }
        var found: [String: String] = [:]
        for child in try await children.of(object, api) {
            let rest = ids.filter { found[$0] == nil }
            guard !rest.isEmpty else { break }
            let head = "SELECT \(child.field) FROM \(child.object) WHERE \(child.field) IN "
            for group in SOQL.groups(rest.map(SOQL.literal), overhead: PercentEncoding.length(head) + 400) {
                try await api.query(head + SOQL.list(group)) { record in
                    guard let id = record[child.field]?.text else { return }
                    found[SalesforceID.canonical(id)] = child.object
                }
            }
        }
        return found
    }

    /// A document is always linked to its owner; links to other records mean that somebody still shows it.
    private func sharedDocuments(_ ids: [String]) async throws -> [String: String] {
        var found: [String: String] = [:]
        let head =
            "SELECT ContentDocumentId,LinkedEntityId FROM \(ContentDocumentLink.object) WHERE ContentDocumentId IN "
        for group in SOQL.groups(ids.map(SOQL.literal), overhead: PercentEncoding.length(head) + 400) {
            try await api.query(head + SOQL.list(group)) { record in
                guard let document = record["ContentDocumentId"]?.text, let entity = record["LinkedEntityId"]?.text,
                    !entity.hasPrefix(Self.userPrefix), !entity.hasPrefix(Self.libraryPrefix)
                else { return }
                found[SalesforceID.canonical(document)] = ContentDocumentLink.object
            }
        }
        return found
    }

    /// What ids of users and of content libraries begin with (Salesforce Help, "Standard Field Record ID Prefix").
    private static let userPrefix = "005"
    private static let libraryPrefix = "058"
}

/// The fields of other objects that refer to an object, asked for once.
final class ChildObjects: Sendable {
    struct Child: Sendable, Hashable {
        var object: String
        var field: String
    }

    private struct State {
        var objects: Set<String>?
        var children: [String: [Child]] = [:]
    }

    private let state = Mutex(State())
    /// What the platform keeps beside records of single objects, and deletes with them: the people of an activity, the
    /// task that shows an e-mail, the prices of a product.
    private static let parts: [String: Set<String>] = [
        "Task": ["TaskRelation", EmailMessage.object], "Event": ["EventRelation"],
        EmailMessage.object: [EmailMessage.relation], ProductPrices.object: [ProductPrices.entries],
    ]
    /// Objects that the platform keeps beside every record by itself; they go with it.
    private static let companions = ["Share", "History", "Feed", "Tag", "ChangeEvent", "Event__e"]

    /// The children of `object` that people work with.
    func of(_ object: String, _ api: SalesforceAPI) async throws -> [Child] {
        if let known = state.withLock({ $0.children[object] }) { return known }
        let objects = try await workable(api)
        let answer = try await api.json(api.request(.get, "/sobjects/\(object)/describe", endpointClass: "describe"))
        var children: [Child] = []
        for relationship in answer["childRelationships"]?.elements ?? [] {
            guard let name = relationship["childSObject"]?.text, let field = relationship["field"]?.text,
                objects.contains(name), SOQL.isName(name), SOQL.isName(field),
                Self.parts[object]?.contains(name) != true,
                !children.contains(Child(object: name, field: field))
            else { continue }
            children.append(Child(object: name, field: field))
        }
        let found = children
        state.withLock { $0.children[object] = found }
        return found
    }

    /// The objects whose records people make, change and delete (REST API Developer Guide, "Describe Global").
    private func workable(_ api: SalesforceAPI) async throws -> Set<String> {
        if let known = state.withLock({ $0.objects }) { return known }
        let answer = try await api.json(api.request(.get, "/sobjects", endpointClass: "describe"))
        var names: Set<String> = []
        for object in answer["sobjects"]?.elements ?? [] {
            guard let name = object["name"]?.text, !Self.companions.contains(where: name.hasSuffix),
                ["queryable", "createable", "deletable"].allSatisfy({ object[$0]?.bool == true })
            else { continue }
            names.insert(name)
        }
        let found = names
        state.withLock { $0.objects = found }
        return found
    }
}
