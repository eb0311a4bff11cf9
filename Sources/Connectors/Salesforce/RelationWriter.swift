// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// Writes, reads and takes away roles that contacts have in accounts (`AccountContactRelation`).
///
/// The platform keeps one relation between a contact and an account, whatever it is called: its roles are one list, and a
/// second relation of the same two is refused. To a pipeline each role is a link of its own. So a row adds the roles that it
/// names to those that are there, and its id tells them besides the relation. Reading and writing are two steps: no two calls
/// write relations at once (the route says so). Which relations were not there is noted before.
///
/// Source: Object Reference, "AccountContactRelation" (`Roles`, a multi-select picklist; `IsDirect`).
struct RelationWriter: Sendable {
    static let object = "AccountContactRelation"
    static let roles = "Roles"
    private static let ends = ["AccountId", "ContactId"]
    private static let notePrefix = "relations "

    let collections: CollectionWriter
    let reader: RecordReader

    /// The relation of two records.
    private struct Pair: Hashable {
        var account: String
        var contact: String
        var text: String { "\(account):\(contact)" }
    }

    /// A relation that is there.
    private struct Relation {
        var id: String
        var roles: [String]
        /// Made by the platform of the account that the contact names itself; it cannot be deleted.
        var isDirect: Bool
    }

    /// What is said of a relation that is there.
    private struct Change {
        var relation: Relation
        var wishes: [Wish]
        /// Whether it was made for one of the same rows.
        var isOurs: Bool
    }

    /// A row, understood.
    private struct Wish {
        var row: Batch.Row
        var target: RelationID?
        var roles: [String]
        /// What it says besides its roles.
        var others: [JSONValue.Member]
    }

    // MARK: Writing

    func write(_ rows: [Batch.Row], intent: any WriteIntent) async throws -> [Receipt] {
        let held = try await relations(of: Set(rows.compactMap { try? Self.pair($0) }))
        let made = Set(
            rows.filter { $0.targetID == nil }.compactMap { try? Self.pair($0) }.filter { held[$0] == nil }
                .map(\.text))
        if !made.isEmpty { try await intent.note(Self.notePrefix + made.sorted().joined(separator: ",")) }
        var (receipts, together) = try await attempt(rows, held, made)
        // Rows that were refused together are written one by one, so that a bad one does not take the others with it.
        for row in together {
            let held = try await relations(of: [try Self.pair(row)])
            receipts += try await attempt([row], held, made).receipts
        }
        return receipts
    }

    /// - Parameters:
    ///   - held: the relations that there are.
    ///   - made: the pairs that had none before.
    /// - Returns: receipts, and the rows that were refused with others of the same relation.
    private func attempt(
        _ rows: [Batch.Row], _ held: [Pair: Relation], _ made: Set<String>
    ) async throws -> (receipts: [Receipt], together: [Batch.Row]) {
        var receipts: [Receipt] = []
        var new: [(pair: Pair, wish: Wish)] = []
        var known: [Wish] = []
        for row in rows {
            do {
                let wish = try Self.wish(row)
                if wish.target == nil { new.append((try Self.pair(row), wish)) } else { known.append(wish) }
            } catch {
                receipts.append(Receipt(key: row.key, result: .rejected(error)))
            }
        }
        var order: [Pair] = []
        let byPair = Dictionary(grouping: new, by: \.pair)
        for (pair, _) in new where !order.contains(pair) { order.append(pair) }
        var additions: [(row: Batch.Row, wishes: [Wish])] = []
        var changes: [Change] = []
        for pair in order {
            let wishes = (byPair[pair] ?? []).map(\.wish)
            if let relation = held[pair] {
                changes.append(Change(relation: relation, wishes: wishes, isOurs: made.contains(pair.text)))
            } else {
                additions.append((Self.row(wishes, roles: [], references: wishes[0].row.references), wishes))
            }
        }
        receipts += try await add(additions)
        receipts += try await change(changes)
        let groups = additions.map(\.wishes) + changes.map(\.wishes)
        let shared = Set(groups.filter { $0.count > 1 }.flatMap { $0 }.map(\.row.key))
        let refused = Set(receipts.filter { $0.isRejected && shared.contains($0.key) }.map(\.key))
        receipts.removeAll { refused.contains($0.key) }
        return (try await receipts + change(known: known), rows.filter { refused.contains($0.key) })
    }

    private func add(_ additions: [(row: Batch.Row, wishes: [Wish])]) async throws -> [Receipt] {
        guard !additions.isEmpty else { return [] }
        let answers = try await collections.send(
            additions.map(\.row), CollectionRequest(object: Self.object, operation: .insert))
        return zip(additions, answers).flatMap { addition, answer in
            addition.wishes.map { wish in
                switch answer {
                case .created(let id), .updated(let id):
                    Receipt(
                        key: wish.row.key,
                        result: .created(id: RelationID(record: id, isOurs: true, roles: wish.roles).text))
                case .refused(let refusals):
                    Receipt(key: wish.row.key, result: .rejected(SalesforceRefusal.rejection(refusals)))
                }
            }
        }
    }

    /// Adds roles to relations that are there.
    private func change(_ changes: [Change]) async throws -> [Receipt] {
        let updates = changes.compactMap { change -> Batch.Row? in
            let (relation, wishes) = (change.relation, change.wishes)
            let isNothingNew = wishes.allSatisfy { wish in
                wish.others.isEmpty && wish.roles.allSatisfy(relation.roles.contains)
            }
            return isNothingNew ? nil : Self.row(wishes, roles: relation.roles, id: relation.id)
        }
        let refused = try await refused(updates)
        return changes.flatMap { change in
            let relation = change.relation
            return change.wishes.map { wish in
                if let rejection = refused[relation.id] {
                    return Receipt(key: wish.row.key, result: .rejected(rejection))
                }
                let id = RelationID(record: relation.id, isOurs: change.isOurs, roles: wish.roles).text
                let wasThere = wish.roles.allSatisfy(relation.roles.contains)
                return Receipt(key: wish.row.key, result: wasThere ? .updated(id: id) : .created(id: id))
            }
        }
    }

    /// Rows whose relation is known: their former roles give way to those that they name.
    private func change(known wishes: [Wish]) async throws -> [Receipt] {
        guard !wishes.isEmpty else { return [] }
        let held = try await relations(Set(wishes.compactMap(\.target?.record)).sorted())
        var receipts: [Receipt] = []
        var rolesNow = held.mapValues(\.roles)
        var updates: [String: Batch.Row] = [:]
        for wish in wishes {
            guard let target = wish.target, let roles = rolesNow[target.record] else {
                receipts.append(Receipt(key: wish.row.key, result: .rejected(Rejection(.recordDeleted))))
                continue
            }
            let isSaid = wish.row.fields.withUnsafeBufferPointer { JSONValue(validated: $0) }[Self.roles] != nil
            let former = isSaid ? target.roles ?? roles : []
            let rest = roles.filter { !former.contains($0) }
            let row = Self.row([wish], roles: rest, id: target.record)
            rolesNow[target.record] = rest + wish.roles.filter { !rest.contains($0) }
            updates[target.record] = row
            let id = RelationID(
                record: target.record, isOurs: target.isOurs, roles: isSaid ? wish.roles : target.roles)
            receipts.append(Receipt(key: wish.row.key, result: .updated(id: id.text)))
        }
        let refused = try await refused(updates.sorted { $0.key < $1.key }.map(\.value))
        return receipts.map { receipt in
            guard case .updated(let id) = receipt.result, let record = RelationID(id)?.record,
                let rejection = refused[record]
            else { return receipt }
            return Receipt(key: receipt.key, result: .rejected(rejection))
        }
    }

    /// - Returns: what was said against changes, by relation.
    private func refused(_ updates: [Batch.Row]) async throws -> [String: Rejection] {
        guard !updates.isEmpty else { return [:] }
        let answers = try await collections.send(
            updates, CollectionRequest(object: Self.object, operation: .update, leavesOut: Set(Self.ends)))
        var refused: [String: Rejection] = [:]
        for (row, answer) in zip(updates, answers) {
            if case .refused(let refusals) = answer, let id = row.targetID {
                refused[id] = SalesforceRefusal.rejection(refusals)
            }
        }
        return refused
    }

    // MARK: What became of rows

    func resolve(_ rows: [Batch.Row], note: String?) async throws -> [Receipt] {
        let wishes = rows.filter { $0.targetID == nil }.compactMap { row -> (pair: Pair, wish: Wish)? in
            guard let pair = try? Self.pair(row), let wish = try? Self.wish(row) else { return nil }
            return (pair, wish)
        }
        let noted = note.flatMap { $0.hasPrefix(Self.notePrefix) ? $0.dropFirst(Self.notePrefix.count) : nil }
        let ours = Set((noted ?? "").split(separator: ",").map(String.init))
        let held = try await relations(of: Set(wishes.map(\.pair)))
        return wishes.compactMap { pair, wish in
            guard let relation = held[pair], wish.roles.allSatisfy(relation.roles.contains) else { return nil }
            let id = RelationID(record: relation.id, isOurs: ours.contains(pair.text), roles: wish.roles)
            return Receipt(key: wish.row.key, result: .created(id: id.text))
        }
    }

    // MARK: Reading and taking away

    /// Each with its own roles, so far as it has them still.
    func read(_ ids: [String], fields: [String]) async throws -> [ReadBack] {
        let known = ids.compactMap { RelationID($0) }
        let names = fields + (fields.contains(Self.roles) ? [] : [Self.roles])
        let found = Dictionary(
            try await reader.read(object: Self.object, ids: Set(known.map(\.record)).sorted(), fields: names)
                .map { ($0.id, $0.fields) }, uniquingKeysWith: { $1 })
        return known.compactMap { id in
            guard let fields = found[id.record] else { return nil }
            let record = fields.withUnsafeBufferPointer { JSONValue(validated: $0) }
            var held = record[Self.roles] ?? .null
            if let own = id.roles, !own.isEmpty {
                let all = Self.list(held)
                let still = own.filter(all.contains)
                guard !still.isEmpty else { return nil }
                held = .string(still.joined(separator: ";"))
            }
            let values = record.members.filter { names.contains($0.key) }.map { member in
                JSONValue.Member(member.key, member.key == Self.roles ? held : member.value)
            }
            return ReadBack(id: id.text, key: nil, fields: JSONValue.object(values).serialized())
        }
    }

    /// Takes roles away; a relation that we made goes with its last one.
    func delete(_ ids: [String]) async throws -> [Deletion] {
        let known = Dictionary(ids.map { ($0, RelationID($0)) }, uniquingKeysWith: { $1 })
        let held = try await relations(Set(known.values.compactMap { $0?.record }).sorted())
        var results: [String: Deletion.Result] = [:]
        var updates: [Batch.Row] = []
        var gone: [String] = []
        for (record, relation) in held.sorted(by: { $0.key < $1.key }) {
            let mine = known.values.compactMap(\.self).filter { id in
                id.record == record
                    && (id.roles?.isEmpty != false || id.roles?.contains(where: relation.roles.contains) == true)
            }
            guard !mine.isEmpty else { continue }
            let taken = Set(mine.flatMap { $0.roles ?? relation.roles })
            let rest = relation.roles.filter { !taken.contains($0) }
            for id in mine { results[id.text] = .deleted }
            if rest.isEmpty, !relation.isDirect, mine.contains(where: \.isOurs) {
                gone.append(record)
            } else if rest != relation.roles {
                updates.append(Self.update(record, [], rest))
            }
        }
        var refused = try await refused(updates)
        for deletion in try await RecordDeletion(collections: collections).delete(object: Self.object, ids: gone) {
            if case .refused(let rejection) = deletion.result { refused[deletion.id] = rejection }
        }
        return ids.map { text in
            guard let result = results[text], let record = known[text]??.record else {
                return Deletion(id: text, result: .absent)
            }
            return Deletion(id: text, result: refused[record].map { .refused($0) } ?? result)
        }
    }

    // MARK: Relations

    private func relations(of pairs: Set<Pair>) async throws -> [Pair: Relation] {
        guard !pairs.isEmpty else { return [:] }
        var found: [Pair: Relation] = [:]
        try await query("ContactId", Set(pairs.map(\.contact)).sorted()) { pair, relation in
            if pairs.contains(pair) { found[pair] = relation }
        }
        return found
    }

    private func relations(_ ids: [String]) async throws -> [String: Relation] {
        var found: [String: Relation] = [:]
        try await query("Id", ids) { _, relation in found[relation.id] = relation }
        return found
    }

    private func query(_ field: String, _ ids: [String], _ body: (Pair, Relation) -> Void) async throws {
        let head = "SELECT Id,AccountId,ContactId,\(Self.roles),IsDirect FROM \(Self.object) WHERE \(field) IN "
        for group in SOQL.groups(ids.map(SOQL.literal), overhead: PercentEncoding.length(head) + 400) {
            try await collections.api.query(head + SOQL.list(group)) { record in
                guard let id = record["Id"]?.text, let account = record["AccountId"]?.text,
                    let contact = record["ContactId"]?.text
                else { return }
                body(
                    Pair(account: SalesforceID.canonical(account), contact: SalesforceID.canonical(contact)),
                    Relation(
                        id: SalesforceID.canonical(id), roles: Self.list(record[Self.roles] ?? .null),
                        isDirect: record["IsDirect"]?.bool == true))
            }
        }
    }

    // MARK: Rows

    private static func list(_ roles: JSONValue) -> [String] {
        (roles.text ?? "").split(separator: ";").map(String.init)
    }

    private static func wish(_ row: Batch.Row) throws(Rejection) -> Wish {
        let values = row.fields.withUnsafeBufferPointer { JSONValue(validated: $0) }
        let roles = list(values[Self.roles] ?? .null)
        let target = row.targetID.flatMap { RelationID($0) }
        guard row.targetID == nil || target != nil else { throw Rejection(.recordDeleted) }
        return Wish(row: row, target: target, roles: roles, others: values.members.filter { $0.key != Self.roles })
    }

    private static func pair(_ row: Batch.Row) throws(Rejection) -> Pair {
        let ids = ends.map { end in
            SalesforceID.canonical(row.references.first { $0.field == end }?.targetID ?? "")
        }
        guard ids.allSatisfy(SalesforceID.isID) else { throw Rejection(.parentNotLoaded, fields: ends) }
        return Pair(account: ids[0], contact: ids[1])
    }

    /// One row for all that is said of a relation, with its roles and theirs.
    private static func row(
        _ wishes: [Wish], roles: [String], references: [Batch.Reference] = [], id: String? = nil
    ) -> Batch.Row {
        var all = roles
        for role in wishes.flatMap(\.roles) where !all.contains(role) { all.append(role) }
        var others: [JSONValue.Member] = []
        for member in wishes.flatMap(\.others) {
            others.removeAll { $0.key == member.key }
            others.append(member)
        }
        var row = update(id, others, all)
        row.references = references
        return row
    }

    private static func update(_ id: String?, _ others: [JSONValue.Member], _ roles: [String]) -> Batch.Row {
        let text: JSONValue = roles.isEmpty ? .null : .string(roles.joined(separator: ";"))
        return Batch.Row(
            key: id ?? "", fields: JSONValue.object(others + [.init(Self.roles, text)]).serialized(), targetID: id)
    }
}

/// What a link of a contact with an account is known by: `07k…:Evaluator`, the relation and its roles; `07k…+Evaluator` where
/// the relation was there before, so that it is never deleted with its last role. An id by itself means all of it.
struct RelationID: Hashable {
    var record: String
    var isOurs: Bool
    /// `nil` = whichever it has.
    var roles: [String]?

    init(record: String, isOurs: Bool, roles: [String]?) {
        self.record = record
        self.isOurs = isOurs
        self.roles = roles
    }

    init?(_ text: String) {
        guard let end = text.firstIndex(where: { $0 == ":" || $0 == "+" }) else {
            guard SalesforceID.isID(text) else { return nil }
            self.init(record: SalesforceID.canonical(text), isOurs: true, roles: nil)
            return
        }
        let record = String(text[..<end])
        guard SalesforceID.isID(record) else { return nil }
        self.init(
            record: SalesforceID.canonical(record), isOurs: text[end] == ":",
            roles: text[text.index(after: end)...].split(separator: ";").map(String.init))
    }

    var text: String {
        guard let roles else { return record }
        return record + (isOurs ? ":" : "+") + roles.joined(separator: ";")
    }
}

extension Receipt {
    fileprivate var isRejected: Bool { if case .rejected = result { true } else { false } }
}
