// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
import MigratezSyntheticCRM

/// Writing records and attributes.
///
/// Source: Attio's OpenAPI document, version 2.0.0: create, assert (`PUT …/records?matching_attribute=`), overwrite (`PUT`),
/// append (`PATCH`) and delete records; create attributes. Where it does not say what a refusal is called, the name is one of
/// those that it gives to refusals of the same kind.
extension AttioVendor {
    /// The table of the attributes that somebody added.
    static let addedAttributes = "attributes"
    /// Attributes of Attio's own whose values no two records share.
    static let uniqueSlugs = ["companies": ["domains"], "people": ["email_addresses"]]
    private static let listSlugs: Set = ["domains", "email_addresses", "phone_numbers", "associated_people"]

    /// What an attribute is, as far as writing has to know.
    private struct Attribute {
        var slug: String
        var isUnique: Bool
    }

    // MARK: Attributes

    func createAttribute(
        _ table: String, _ body: JSONValue, _ session: DocumentSession, _ now: Timestamp
    ) throws -> VendorAnswer {
        let data = body["data"] ?? .null
        for name in [
            "title", "description", "api_slug", "type", "is_required", "is_unique", "is_multiselect", "config",
        ]
        where data[name] == nil {
            throw VendorFailure(400, "validation_type", "\(name) is required")
        }
        guard let slug = data["api_slug"]?.text, let title = data["title"]?.text, let type = data["type"]?.text,
            ["text", "number", "checkbox", "date", "timestamp", "select"].contains(type)
        else { throw VendorFailure(400, "validation_type", "this is no attribute") }
        guard try !slugs(table, session).contains(where: { $0.slug == slug }) else {
            throw VendorFailure(409, "slug_conflict", "there is an attribute with this slug")
        }
        let isUnique = data["is_unique"]?.bool ?? false
        let shown = Self.attribute(table, slug, title, type, isUnique: isUnique)
        try session.insert(
            Self.addedAttributes, ["table": .string(table), "slug": .string(slug), "shown": shown], at: now)
        return VendorAnswer(["data": shown])
    }

    /// Those that somebody added, as they are shown.
    func added(_ table: String, _ session: DocumentSession) throws -> [JSONValue] {
        try session.documents(
            Self.addedAttributes, where: .member("table", .equals, .string(table)), order: .id, offset: 0, limit: 1_000
        ).compactMap { $0.document["shown"] }
    }

    private func slugs(_ table: String, _ session: DocumentSession) throws -> [Attribute] {
        let own = Self.valueSlugs(table).map {
            Attribute(slug: $0, isUnique: Self.uniqueSlugs[table]?.contains($0) == true)
        }
        return try own
            + added(table, session).compactMap { shown in
                shown["api_slug"]?.text.map { Attribute(slug: $0, isUnique: shown["is_unique"]?.bool == true) }
            }
    }

    // MARK: Records

    func createRecord(
        _ table: String, _ body: JSONValue, _ session: DocumentSession, _ now: Timestamp
    ) throws -> VendorAnswer {
        let values = try checked(table, body, session, now)
        try refuseShared(values, table, session, except: nil)
        let number = try session.insert(table, [:], at: now)
        return try save(table, number, [], values, session, now, created: now)
    }

    /// Creates a record, or puts values in the place of those of the one that has the same value of a unique attribute.
    func assertRecord(
        _ table: String, matching slug: String?, _ body: JSONValue, _ session: DocumentSession, _ now: Timestamp
    ) throws -> VendorAnswer {
        guard let slug, try slugs(table, session).contains(where: { $0.slug == slug && $0.isUnique }) else {
            throw VendorFailure(400, "invalid_matching_attribute", "matching_attribute must be a unique attribute")
        }
        let values = try checked(table, body, session, now)
        guard let wanted = values.first(where: { $0.key == slug })?.value.elements.first.map(Self.plain) else {
            throw VendorFailure(400, "missing_value", "the matching attribute has no value")
        }
        guard let there = try holders(table, slug, wanted, session).first else {
            return try createRecord(table, body, session, now)
        }
        return try change(table, there, values, session, now)
    }

    /// - Parameter appends: whether elements of lists are added to those that are there.
    func updateRecord(
        _ table: String, _ there: StoredDocument, _ body: JSONValue, appends: Bool, _ session: DocumentSession,
        _ now: Timestamp
    ) throws -> VendorAnswer {
        var values = try checked(table, body, session, now)
        if appends {
            for place in values.indices where Self.listSlugs.contains(values[place].key) {
                let known = there.document["values"]?[values[place].key]?.elements ?? []
                let plain = Set(known.map(Self.plain))
                values[place].value = .array(
                    known + values[place].value.elements.filter { !plain.contains(Self.plain($0)) })
            }
        }
        return try change(table, there, values, session, now)
    }

    private func change(
        _ table: String, _ there: StoredDocument, _ values: [JSONValue.Member], _ session: DocumentSession,
        _ now: Timestamp
    ) throws -> VendorAnswer {
        try refuseShared(values, table, session, except: there.id)
        let changed = Set(values.map(\.key))
        let kept = (there.document["values"]?.members ?? []).filter { !changed.contains($0.key) }
        return try save(table, there.id, kept, values, session, now, created: there.createdAt)
    }

    private func save(
        _ table: String, _ number: Int64, _ kept: [JSONValue.Member], _ values: [JSONValue.Member],
        _ session: DocumentSession, _ now: Timestamp, created: Timestamp
    ) throws -> VendorAnswer {
        let shown = Self.record(table, Int(number), .object(kept + values), created)
        let unique = try slugs(table, session).filter(\.isUnique).map(\.slug)
        try session.replace(table, number, with: Self.kept(shown, unique), at: now)
        return VendorAnswer(["data": shown])
    }

    /// Values come in a short form: `"name": "Acme"`, `"domains": ["acme.test"]`; `null` and an empty list clear.
    private func checked(
        _ table: String, _ body: JSONValue, _ session: DocumentSession, _ now: Timestamp
    ) throws -> [JSONValue.Member] {
        guard let values = body["data"]?["values"], case .object(let members) = values else {
            throw VendorFailure(400, "validation_type", "data.values is required")
        }
        let known = Set(try slugs(table, session).map(\.slug))
        return try members.map { member in
            guard known.contains(member.key) else {
                throw VendorFailure(400, "value_not_found", "Cannot find attribute with slug/ID \"\(member.key)\".")
            }
            let given =
                if case .array(let elements) = member.value { elements } else {
                    member.value == .null ? [] : [member.value]
                }
            for value in given { try check(member.key, value, table, session) }
            return .init(member.key, .array(given.map { Self.entry(member.key, $0, now) }))
        }
    }

    private func check(_ slug: String, _ value: JSONValue, _ table: String, _ session: DocumentSession) throws {
        func invalid(_ what: String) -> VendorFailure { VendorFailure(400, "validation_type", what) }
        switch slug {
        case "name" where table == "people":
            guard ["first_name", "last_name", "full_name"].allSatisfy({ value[$0]?.text != nil }) else {
                throw invalid("a name needs first_name, last_name and full_name")
            }
        case "company", "associated_company", "associated_people":
            let target = slug == "associated_people" ? "people" : "companies"
            let id = value["target_record_id"]?.text ?? value.text ?? ""
            guard (try? found(target, id, session)) != nil else {
                throw VendorFailure(400, "value_not_found", "Cannot find the record that \(slug) refers to.")
            }
        case "owner":
            let id = value["referenced_actor_id"]?.text ?? value.text
            guard owners.contains(where: { Self.id(0, $0.id) == id }) else {
                throw VendorFailure(400, "value_not_found", "Cannot find the workspace member.")
            }
        case "stage":
            guard DealPipeline.all.flatMap(\.stages).contains(where: { $0.id == value.text }) else {
                throw VendorFailure(400, "value_not_found", "Cannot find the status.")
            }
        case "email_addresses":
            guard (value["email_address"] ?? value).text?.contains("@") == true else {
                throw invalid("this is no e-mail address")
            }
        case "value":
            guard value.text.flatMap(Double.init) != nil || value["currency_value"] != nil else {
                throw invalid("this is no amount")
            }
        case "primary_location": break
        default: guard value.text != nil else { throw invalid("\(slug) must be a text") }
        }
    }

    private func refuseShared(
        _ values: [JSONValue.Member], _ table: String, _ session: DocumentSession, except id: Int64?
    ) throws {
        for attribute in try slugs(table, session) where attribute.isUnique {
            for value in values.first(where: { $0.key == attribute.slug })?.value.elements ?? [] {
                let others = try holders(table, attribute.slug, Self.plain(value), session)
                guard others.allSatisfy({ $0.id == id }) else {
                    throw VendorFailure(
                        400, "uniqueness_conflict",
                        "The value \"\(Self.plain(value))\" provided for attribute \"\(attribute.slug)\" conflicts.")
                }
            }
        }
    }

    private func holders(
        _ table: String, _ slug: String, _ value: String, _ session: DocumentSession
    ) throws -> [StoredDocument] {
        try session.documents(
            table, where: .member("kept_\(slug)", .contains, .string("|\(value.lowercased())|")), order: .id, offset: 0,
            limit: 10)
    }

    // MARK: Filters

    /// The records that a filter leaves, in the order of their creation: `{"slug": value}`, `{"slug": {"$in": […]}}`,
    /// several slugs all of them.
    func filtered(
        _ table: String, _ filter: JSONValue, _ limit: Int, _ offset: Int, _ session: DocumentSession
    ) throws -> VendorAnswer {
        let attributes = try slugs(table, session)
        var conditions: [(slug: String, values: Set<String>)] = []
        for member in filter.members {
            guard attributes.contains(where: { $0.slug == member.key }) else {
                throw VendorFailure(400, "unknown_filter_attribute_slug", "Unknown attribute slug: \(member.key).")
            }
            let wanted = member.value["$in"]?.elements ?? [member.value["$eq"] ?? member.value]
            conditions.append((member.key, Set(wanted.map { Self.plain($0).lowercased() })))
        }
        var condition = DocumentCondition.all
        if let first = conditions.first, attributes.contains(where: { $0.slug == first.slug && $0.isUnique }) {
            condition = .or(
                first.values.sorted().map { .member("kept_\(first.slug)", .contains, .string("|\($0)|")) })
        }
        let found = try session.documents(
            table, where: condition, order: .member("created_at"), offset: 0, limit: 1_000_000
        ).filter { stored in
            conditions.allSatisfy { condition in
                (stored.document["values"]?[condition.slug]?.elements ?? []).contains {
                    condition.values.contains(Self.plain($0).lowercased())
                }
            }
        }
        return VendorAnswer(["data": .array(found.dropFirst(offset).prefix(limit).map { Self.shown($0.document) })])
    }

    // MARK: Forms

    /// The text of an entry, or of a value in its short form.
    private static func plain(_ value: JSONValue) -> String {
        for name in [
            "value", "email_address", "domain", "phone_number", "full_name", "target_record_id", "referenced_actor_id",
            "currency_value",
        ] {
            if let text = value[name]?.text { return text }
        }
        return value["status"]?["title"]?.text ?? value["option"]?["title"]?.text ?? value.text ?? ""
    }

    /// A record with what it is found by beside what is shown of it.
    static func kept(_ shown: JSONValue, _ unique: [String]) -> JSONValue {
        .object(
            shown.members
                + unique.compactMap { slug in
                    let values = (shown["values"]?[slug]?.elements ?? []).map { plain($0).lowercased() }
                    guard !values.isEmpty else { return nil }
                    return .init("kept_\(slug)", .string("|" + values.joined(separator: "|") + "|"))
                })
    }

    static func shown(_ document: JSONValue) -> JSONValue {
        .object(document.members.filter { !$0.key.hasPrefix("kept_") })
    }
}
