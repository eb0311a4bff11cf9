// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit

/// Creates, changes and deletes records by the platform's rules.
struct RecordWriter {
    let environment: Environment
    let session: DocumentSession
    let now: Timestamp

    private var keys: KeyIndex { KeyIndex(session: session) }
    private var bodies: DocumentBodies { DocumentBodies(environment: environment, session: session) }

    /// The record that has the id.
    func record(_ table: TableDefinition, _ id: String) throws -> StoredDocument {
        guard
            let record = try session.documents(
                table.name, where: .member(table.primaryID, .equals, .string(id)), limit: 1
            ).first
        else { throw APIFailure.noSuchRecord(table.name, id) }
        return record
    }

    // MARK: Creating

    /// - Parameter keyValues: what an alternate key in the address says.
    /// - Returns: the id.
    func create(
        _ draft: RecordDraft, id wanted: String? = nil, keyValues: [(property: String, value: JSONValue)] = []
    ) throws -> String {
        let table = draft.table
        for column in table.columns
        where column.isRequired && column.name != "ownerid" && column.defaultValue == nil {
            guard draft.value(column.property)?.isNull == false else {
                throw APIFailure.invalidArgument("The required field '\(column.name)' is missing.")
            }
        }
        var document = JSONValue.object([])
        for (property, value) in keyValues + draft.values where !value.isNull { document.set(property, to: value) }
        for column in table.columns where draft.value(column.property) == nil {
            if let value = column.defaultValue { document.set(column.property, to: value) }
        }
        try checkAttachment(draft)
        try setState(of: table, draft, on: &document)
        let time = DateForm.text(now)
        // The platform swaps the two: the earlier time is shown as the time of creation (crm-apis: Dynamics, section 9).
        let earlier = document["overriddencreatedon"]
        document.set("createdon", to: earlier ?? .string(time))
        document.set("overriddencreatedon", to: earlier == nil ? nil : .string(time))
        document.set("modifiedon", to: .string(time))
        for name in ["_createdby_value", "_modifiedby_value"] {
            document.set(name, to: .string(Environment.applicationUser))
            document.set(name + RecordView.lookupType, to: "systemuser")
        }
        if document["_ownerid_value"] == nil, table.column("ownerid") != nil {
            document.set("_ownerid_value", to: .string(Environment.applicationUser))
            document.set("_ownerid_value" + RecordView.lookupType, to: "systemuser")
        }
        try checkOwner(document)
        Self.deriveName(of: table, &document)
        try checkCatalogue(&document, of: table, before: nil)
        let id = try insert(
            document, of: table, id: wanted ?? draft.value(table.primaryID)?.text, body: draft.documentBody)
        try enter(draft.parties, in: table, id)
        if table.name == "connection" { try reciprocate(document, id) }
        return id
    }

    private func insert(
        _ document: JSONValue, of table: TableDefinition, id wanted: String?, body: JSONValue? = nil
    ) throws -> String {
        // The number is known only when the row is there.
        let number = try session.insert(table.name, .object([]), at: now)
        let id = wanted ?? RecordID.guid(code: table.code, number: number)
        var document = document
        document.set(table.primaryID, to: .string(id))
        if let body { try bodies.put(body, of: id, on: &document, at: now) }
        do {
            try session.replace(table.name, number, with: document, at: now)
        } catch is DocumentStore.Conflict {
            throw APIFailure(412, "0x80040237", "A record with matching key values already exists.")
        }
        try keys.hold(document, of: table, id: id, at: now)
        return id
    }

    /// A record begins in its first state; only a reason that belongs to it can be given.
    private func setState(of table: TableDefinition, _ draft: RecordDraft, on document: inout JSONValue) throws {
        guard let reasons = table.column("statuscode")?.choices,
            let first = reasons.first(where: { $0.state == table.firstState })
        else { return }
        if let wanted = draft.value("statuscode")?.int,
            !reasons.contains(where: { $0.value == wanted && $0.state == table.firstState })
        {
            throw Self.wrongReason(wanted, table)
        }
        document.set("statecode", to: .number(String(table.firstState)))
        document.set("statuscode", to: draft.value("statuscode") ?? .number(String(first.value)))
    }

    /// Every connection has a counterpart that leads the other way (Microsoft Learn, "Connection tables").
    private func reciprocate(_ document: JSONValue, _ id: String) throws {
        var other = document
        for suffix in ["id_value", "roleid_value"] {
            for type in ["", RecordView.lookupType] {
                other.set("_record1\(suffix)\(type)", to: document["_record2\(suffix)\(type)"])
                other.set("_record2\(suffix)\(type)", to: document["_record1\(suffix)\(type)"])
            }
        }
        guard let table = environment.table("connection") else { return }
        for key in try keys.keys(of: table) {
            if let property = table.column(key.column)?.property { other.set(property, to: nil) }
        }
        other.set("ismaster", to: false)
        other.set("_relatedconnectionid_value", to: .string(id))
        let counterpart = try insert(other, of: table, id: nil)
        var first = try record(table, id)
        first.document.set("ismaster", to: true)
        first.document.set("_relatedconnectionid_value", to: .string(counterpart))
        try session.replace(table.name, first.id, with: first.document, at: now)
    }

    // MARK: Changing

    func update(_ draft: RecordDraft, id: String) throws {
        let table = draft.table
        let stored = try record(table, id)
        var document = stored.document
        let state = document["statecode"]?.int ?? 0
        let newState = draft.value("statecode")?.int
        if state != 0, table.closesByMessage || table.isActivity, newState != 0 {
            throw APIFailure.invalidArgument("The \(table.name) is closed and cannot be changed.")
        }
        if let newState, newState != 0, table.closesByMessage {
            throw APIFailure.invalidArgument("An \(table.name) is closed by its own messages.")
        }
        for (property, value) in draft.values { document.set(property, to: value.isNull ? nil : value) }
        if newState != nil || draft.value("statuscode") != nil {
            try move(&document, table, to: newState ?? state, draft)
        }
        try checkOwner(document)
        try checkCatalogue(&document, of: table, before: stored.document)
        if let body = draft.documentBody { try bodies.put(body, of: id, on: &document, at: now) }
        try save(document, stored, table, id)
        try enter(draft.parties, in: table, id)
    }

    /// Those who take part in an activity now: whoever was named before is not, unless they are named again (Microsoft
    /// Learn, "Associate table rows on create"). `nil` leaves them as they are.
    private func enter(_ parties: [RecordDraft]?, in activity: TableDefinition, _ id: String) throws {
        guard let parties else { return }
        let table = StandardTables.activityParty
        let before = try session.documents(table.name, where: .member("_activityid_value", .equals, .string(id)))
        for party in before { try session.erase(table.name, party.id) }
        for party in parties {
            guard party.value("participationtypemask")?.int != nil,
                party.value("_partyid_value")?.text != nil || party.value("addressused")?.text != nil
            else { throw APIFailure.invalidArgument("A party has no role, or is nobody.") }
            let key = ("_activityid_value", JSONValue.string(id))
            let type = ("_activityid_value" + RecordView.lookupType, JSONValue.string(activity.name))
            _ = try create(party, keyValues: [key, type])
        }
    }

    /// The answer to `WinOpportunity` and `LoseOpportunity`.
    func close(_ table: TableDefinition, _ id: String, state: Int, reason: Int) throws {
        let stored = try record(table, id)
        var document = stored.document
        guard document["statecode"]?.int == 0 else {
            throw APIFailure.invalidArgument("The \(table.name) is closed and cannot be changed.")
        }
        let reasons = table.column("statuscode")?.choices ?? []
        // -1 is the state's own reason.
        let wanted = reason == -1 ? reasons.first { $0.state == state }?.value ?? reason : reason
        guard reasons.contains(where: { $0.value == wanted && $0.state == state }) else {
            throw Self.wrongReason(wanted, table)
        }
        document.set("statecode", to: .number(String(state)))
        document.set("statuscode", to: .number(String(wanted)))
        try save(document, stored, table, id)
    }

    private func save(_ document: JSONValue, _ stored: StoredDocument, _ table: TableDefinition, _ id: String) throws {
        var document = document
        document.set("modifiedon", to: .string(DateForm.text(now)))
        document.set("_modifiedby_value", to: .string(Environment.applicationUser))
        Self.deriveName(of: table, &document)
        try session.replace(table.name, stored.id, with: document, at: now)
        try keys.hold(document, of: table, id: id, at: now)
    }

    private func move(
        _ document: inout JSONValue, _ table: TableDefinition, to state: Int, _ draft: RecordDraft
    ) throws {
        let reasons = (table.column("statuscode")?.choices ?? []).filter { $0.state == state }
        guard let first = reasons.first else { throw Self.wrongReason(state, table) }
        if let wanted = draft.value("statuscode")?.int {
            guard reasons.contains(where: { $0.value == wanted }) else { throw Self.wrongReason(wanted, table) }
        } else {
            document.set("statuscode", to: .number(String(first.value)))
        }
        document.set("statecode", to: .number(String(state)))
    }

    private static func wrongReason(_ reason: Int, _ table: TableDefinition) -> APIFailure {
        APIFailure(400, "0x80048408", "\(reason) is not a valid status code for this state of the \(table.name)")
    }

    // MARK: Deleting

    /// Deletes a record with what goes along with it: notes and activities about it, connections, and what an opportunity
    /// or a price list consists of.
    func delete(_ table: TableDefinition, _ id: String) throws {
        let stored = try record(table, id)
        try checkDeletion(of: stored.document, table, id)
        try session.erase(table.name, stored.id)
        try keys.release(id)
        if DocumentBodies.tables.contains(table.name) { try bodies.remove(id) }
        for child in environment.allTables {
            for column in child.columns where column.isCreatable && column.name != "ownerid" {
                guard column.targets.contains(where: { $0.table == table.name }) else { continue }
                let children = try session.documents(
                    child.name, where: .member(column.property, .equals, .string(id)))
                for record in children {
                    guard let childID = record.document[child.primaryID]?.text else { continue }
                    if Self.cascades(column, of: child) {
                        // It may have gone with its counterpart.
                        if try session.document(child.name, record.id) != nil { try delete(child, childID) }
                    } else {
                        var document = record.document
                        document.set(column.property, to: nil)
                        document.set(column.property + RecordView.lookupType, to: nil)
                        try session.replace(child.name, record.id, with: document, at: now)
                    }
                }
            }
        }
        if table.name == "connection", let other = stored.document["_relatedconnectionid_value"]?.text,
            let counterpart = try? record(table, other)
        {
            try session.erase(table.name, counterpart.id)
            try keys.release(other)
        }
    }

    /// Whether a record goes with the one that the column refers to.
    private static func cascades(_ column: ColumnDefinition, of table: TableDefinition) -> Bool {
        if ["regardingobjectid", "objectid", "record1id", "record2id", "activityid"].contains(column.name) {
            return true
        }
        switch (table.name, column.name) {
        case ("opportunityproduct", "opportunityid"), ("uom", "uomscheduleid"): return true
        case ("productpricelevel", "productid"), ("productpricelevel", "pricelevelid"): return true
        default: return false
        }
    }

    // MARK: Rules

    /// Whether a closed e-mail takes an attachment is not said; the stricter reading is that it is read-only.
    private func checkAttachment(_ draft: RecordDraft) throws {
        guard draft.table.name == StandardTables.attachment.name,
            let owner = draft.value("_objectid_value" + RecordView.lookupType)?.text.flatMap({ environment.table($0) }),
            let id = draft.value("_objectid_value")?.text
        else { return }
        guard draft.value("objecttypecode")?.text == owner.name else {
            throw APIFailure.invalidArgument("objecttypecode is not the table of objectid.")
        }
        guard try record(owner, id).document["statecode"]?.int == 0 else {
            throw APIFailure.invalidArgument("The \(owner.name) is closed and cannot be changed.")
        }
    }

    private func checkOwner(_ document: JSONValue) throws {
        guard document["_ownerid_value" + RecordView.lookupType]?.text == "systemuser",
            let owner = document["_ownerid_value"]?.text, let users = environment.table("systemuser"),
            let user = try? record(users, owner), user.document["isdisabled"]?.bool == true
        else { return }
        throw APIFailure(
            403, "0x80040225",
            "The specified user(Id = \(owner), type=8) is disabled. Consider enabling this user.")
    }

    private static func deriveName(of table: TableDefinition, _ document: inout JSONValue) {
        guard let name = table.column("fullname"), !name.isCreatable else { return }
        let parts = ["firstname", "lastname"].compactMap { document[$0]?.text }
        document.set("fullname", to: parts.isEmpty ? nil : .string(parts.joined(separator: " ")))
    }
}
