// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// The links from records of one object to records of another.
///
/// A field that refers to the other object is a link; the one that is named after it (`AccountId`, else the platform's own,
/// else the first) is the primary one, and others carry their name as a label. Objects that join two, each row of which is
/// a link, are known by name.
///
/// Source: Object Reference, "OpportunityContactRole", "AccountContactRelation", "CampaignMember", "ContentDocumentLink",
/// "Task" and "Event" (WhoId and WhatId), "TaskRelation", "EventRelation", "EmailMessageRelation".
struct LinkSurvey: Sendable {
    /// Records whose links are asked for at once.
    static let recordsMax = 500

    let api: SalesforceAPI
    let from: ObjectMetadata
    let to: ObjectMetadata
    let catalog: SchemaCatalog

    /// An object each of whose rows joins two records.
    struct Junction: Sendable {
        var object: String
        /// The objects that it joins; `nil` = any.
        var from: String
        var to: String?
        var fromField: String
        var toField: String
        var label: String?
        var primary: String?
        /// Rows that are of another kind, or say what a field of the record says, too, are left out.
        var filter: String?
        /// Whether it joins activities: the platform may have archived them, so that only `queryAll` shows its rows, and
        /// what an activity names itself is among them.
        var isOfActivity = false
    }

    static let junctions = [
        Junction(
            object: "OpportunityContactRole", from: "Opportunity", to: "Contact", fromField: "OpportunityId",
            toField: "ContactId", label: "Role", primary: "IsPrimary"),
        Junction(
            object: "AccountContactRelation", from: "Contact", to: "Account", fromField: "ContactId",
            toField: "AccountId", label: "Roles", filter: "IsDirect = false"),
        Junction(
            object: "CampaignMember", from: "Campaign", to: "Contact", fromField: "CampaignId", toField: "ContactId",
            label: "Status"),
        Junction(
            object: "CampaignMember", from: "Campaign", to: "Lead", fromField: "CampaignId", toField: "LeadId",
            label: "Status"),
        activity("Task", to: "Contact"), activity("Task", to: "Lead"),
        activity("Event", to: "Contact", label: "Status"), activity("Event", to: "Lead", label: "Status"),
        email(to: "Contact"), email(to: "Lead"),
        Junction(
            object: ContentDocumentLink.object, from: ContentNote.object, to: nil, fromField: "ContentDocumentId",
            toField: "LinkedEntityId"),
        Junction(
            object: ContentDocumentLink.object, from: SalesforceFile.object, to: nil, fromField: "ContentDocumentId",
            toField: "LinkedEntityId"),
    ]

    /// Where several people may be related to an activity ("Shared Activities"), the one that it names itself is only the
    /// first of them.
    private static func activity(_ from: String, to: String, label: String? = nil) -> Junction {
        Junction(
            object: from + "Relation", from: from, to: to, fromField: from + "Id", toField: "RelationId", label: label,
            filter: "IsDeleted = false AND IsWhat = false", isOfActivity: true)
    }

    private static func email(to: String) -> Junction {
        Junction(
            object: EmailMessage.relation, from: EmailMessage.object, to: to, fromField: "EmailMessageId",
            toField: "RelationId", label: "RelationType")
    }

    /// Whether an object joins the two, so that their links cost requests.
    static func isJoined(_ from: String, _ to: String) -> Bool { junction(from, to) != nil }

    private static func junction(_ from: String, _ to: String) -> Junction? {
        junctions.first { $0.from == from && ($0.to == nil || $0.to == to) }
    }

    /// - Throws: `notSupported` if nothing connects the two objects in this direction.
    func edges(of records: [(id: String, bytes: ArraySlice<UInt8>)]) async throws -> [Edge] {
        let fields = fields
        var junction = Self.junction(from.schema.name, to.schema.name)
        // Many orgs do not have every object: relations of contacts to several accounts are switched on by somebody.
        if let object = junction?.object, try await !isThere(object) { junction = nil }
        guard !fields.isEmpty || junction != nil else {
            throw MigratezError(
                .notSupported, "nothing of \(from.schema.name) refers to \(to.schema.name)", remedy: .fixConfiguration,
                hint: "turn the link round, or name the object that joins the two as an object of its own")
        }
        var edges: [Edge] = []
        for field in fields {
            for edge in try MemberLink(field: field.name).edges(of: records) where isOfTarget(edge.to) {
                var edge = edge
                edge.to = SalesforceID.canonical(edge.to)
                edge.isPrimary = field.isPrimary
                edge.label = field.isPrimary ? nil : field.name
                edges.append(edge)
            }
        }
        guard let junction else { return edges }
        let known = junction.isOfActivity ? Set(edges.map { [$0.from, $0.to] }) : []
        edges += try await self.edges(by: junction, of: records.map(\.id)).filter { !known.contains([$0.from, $0.to]) }
        return edges
    }

    /// What the links may be labelled with: the names of the fields that are not the primary one, and the choices of the
    /// field that tells what a row of the joining object is. A row that has several of them is as many links.
    func labels() async throws -> [String] {
        let names = fields.filter { !$0.isPrimary }.map(\.name)
        guard let junction = Self.junction(from.schema.name, to.schema.name), let label = junction.label,
            try await isThere(junction.object)
        else { return names }
        return names + (try await catalog.metadata(of: junction.object).schema.field(label)?.options ?? []).map(\.value)
    }

    private func isThere(_ object: String) async throws -> Bool {
        do {
            _ = try await catalog.metadata(of: object)
            return true
        } catch let error as MigratezError where error.code == .requestRefused {
            return false
        }
    }

    /// Fields of the record that may hold such a link.
    private var fields: [(name: String, isPrimary: Bool)] {
        let names = from.schema.fields.filter { field in
            from.linkFields.contains(field.name) && field.refersTo.contains(to.schema.name)
        }.map(\.name)
        let primary =
            names.first { $0 == to.schema.name + "Id" } ?? names.first { !$0.hasSuffix("__c") } ?? names.first
        return names.map { ($0, $0 == primary) }
    }

    /// A field that may refer to several objects holds the ids of all of them.
    private func isOfTarget(_ id: String) -> Bool { to.keyPrefix.map(id.hasPrefix) ?? true }

    private func edges(by junction: Junction, of ids: [String]) async throws -> [Edge] {
        var columns = [RecordSelection.id, junction.fromField, junction.toField]
        columns += [junction.label, junction.primary].compactMap(\.self)
        let head =
            "SELECT \(columns.joined(separator: ",")) FROM \(junction.object) WHERE "
            + (junction.filter.map { "\($0) AND " } ?? "") + "\(junction.fromField) IN "
        var hasSeveralLabels = false
        if let label = junction.label {
            let field = try await catalog.metadata(of: junction.object).schema.field(label)
            hasSeveralLabels = field?.kind == .choices
        }
        var edges: [Edge] = []
        for group in SOQL.groups(ids.map(SOQL.literal), overhead: PercentEncoding.length(head) + 400) {
            try Task.checkCancellation()
            try await api.query(head + SOQL.list(group), includesArchived: junction.isOfActivity) { row in
                guard let start = row[junction.fromField]?.text, let end = row[junction.toField]?.text,
                    isOfTarget(end)
                else { return }
                let text = junction.label.flatMap { row[$0]?.text } ?? ""
                // The values of a list of several stand in one text, `A;B`.
                let labels = hasSeveralLabels ? text.split(separator: ";").map(String.init) : [text]
                for label in labels.isEmpty ? [""] : labels {
                    edges.append(
                        Edge(
                            from: SalesforceID.canonical(start), to: SalesforceID.canonical(end),
                            isPrimary: junction.primary.flatMap { row[$0]?.bool } ?? false,
                            label: label.isEmpty ? nil : label))
                }
            }
        }
        return edges
    }
}

extension ObjectMetadata {
    /// The fields that link a record with others: what refers to people, to the kind of record or to a merged one's
    /// survivor does not.
    var linkFields: Set<String> {
        let unlinked: Set = ["User", "Group", "RecordType", "Profile", "UserRole"]
        return Set(
            schema.fields.filter { field in
                // Where a file was published first is one of its links.
                field.kind == .reference && !["MasterRecordId", "FirstPublishLocationId"].contains(field.name)
                    && !Self.auditFieldNames.contains(field.name) && !unlinked.isSuperset(of: field.refersTo)
            }.map(\.name))
    }
}
