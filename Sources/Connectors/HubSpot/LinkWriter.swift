// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezTransport

/// Writes, reads and takes back the links of one object.
///
/// Labels that are sent for a pair of records take the place of those that it has, and taking away the type that every
/// link has takes away all (developers.hubspot.com, "Associations v4"). So what is there is read first, and all types of
/// a pair are sent together. Writing a link twice comes to the same.
struct LinkWriter: Sendable {
    let connection: HubSpotConnection
    let object: LinkObject
    let types: LinkTypes

    /// One row, understood.
    private struct Wish {
        var row: Batch.Row
        var pair: LinkPair
        var label: LinkType?
        /// `nil` = the row says nothing of it.
        var isPrimary: Bool?
    }

    // MARK: Writing

    func write(_ rows: [Batch.Row]) async throws -> [Receipt] {
        var receipts: [Receipt] = []
        var wishes: [Wish] = []
        for row in rows {
            do {
                wishes.append(try wish(row))
            } catch {
                receipts.append(Receipt(key: row.key, result: .rejected(error)))
            }
        }
        let before = try await current(wishes.map(\.pair))
        var wanted: [LinkPair: [LinkType]] = [:]
        var dropped: [(LinkPair, LinkType)] = []
        for wish in wishes {
            var types = wanted[wish.pair] ?? before[wish.pair] ?? []
            if let label = wish.label, !types.contains(label) { types.append(label) }
            if let primary = self.types.primary, let isPrimary = wish.isPrimary {
                if isPrimary, !types.contains(primary) { types.append(primary) }
                if !isPrimary, types.contains(primary) {
                    types.removeAll { $0 == primary }
                    dropped.append((wish.pair, primary))
                }
            }
            wanted[wish.pair] = types
        }
        // In the order of the rows, so that the same rows make the same calls.
        var pairs: [LinkPair] = []
        var seen: Set<LinkPair> = []
        for wish in wishes where seen.insert(wish.pair).inserted {
            if Set(wanted[wish.pair] ?? []) != Set(before[wish.pair] ?? []) || before[wish.pair] == nil {
                pairs.append(wish.pair)
            }
        }
        try await removeTypes(dropped)
        let refused = try await create(pairs, wanted)
        for wish in wishes {
            receipts.append(Receipt(key: wish.row.key, result: result(of: wish, before, refused)))
        }
        return receipts
    }

    private func result(
        of wish: Wish, _ before: [LinkPair: [LinkType]], _ refused: [LinkPair: Rejection]
    ) -> Receipt.Result {
        if let rejection = refused[wish.pair] { return .rejected(rejection) }
        let there = before[wish.pair]
        let id = LinkID(
            from: wish.pair.from, to: wish.pair.to, label: wish.label?.id,
            isNewLink: wish.label != nil && there == nil)
        let isNew = wish.label.map { there?.contains($0) != true } ?? (there == nil)
        return isNew ? .created(id: id.text) : .updated(id: id.text)
    }

    private func wish(_ row: Batch.Row) throws(Rejection) -> Wish {
        let fields = row.fields.withUnsafeBufferPointer { JSONValue(validated: $0) }
        func end(_ name: String) -> String? { row.references.first { $0.field == name }?.targetID }
        let known = row.targetID.flatMap { LinkID($0) }
        guard let from = known?.from ?? end(LinkObject.fromField), let to = known?.to ?? end(LinkObject.toField),
            Int(from) != nil, Int(to) != nil
        else { throw Rejection(.parentNotLoaded, fields: [LinkObject.fromField, LinkObject.toField]) }
        var wish = Wish(row: row, pair: LinkPair(from: from, to: to))
        if let label = fields[LinkObject.labelField]?.text, !label.isEmpty {
            guard let type = types.labelled(label) else {
                throw Rejection(
                    .notInPicklist, fields: [LinkObject.labelField],
                    reason: "the account has no such label for links of \(object.name)")
            }
            wish.label = type
        }
        if let primary = fields[LinkObject.primaryField] {
            wish.isPrimary = primary.bool ?? (primary.text == "true")
        }
        return wish
    }

    /// - Returns: why pairs were refused.
    private func create(
        _ pairs: [LinkPair], _ wanted: [LinkPair: [LinkType]]
    ) async throws -> [LinkPair: Rejection] {
        var refused: [LinkPair: Rejection] = [:]
        var rest = pairs[...]
        while !rest.isEmpty {
            try Task.checkCancellation()
            let group = rest.prefix(HubSpotLimits.linkWritesMax)
            rest = rest.dropFirst(group.count)
            try await create(group, wanted, &refused)
        }
        return refused
    }

    private func create(
        _ pairs: ArraySlice<LinkPair>, _ wanted: [LinkPair: [LinkType]], _ refused: inout [LinkPair: Rejection]
    ) async throws {
        let inputs = pairs.map { pair -> JSONValue in
            // The type that every link has comes with any other one.
            let sent = (wanted[pair] ?? []).filter { $0 != types.plain }
            return [
                "from": ["id": .string(pair.from)], "to": ["id": .string(pair.to)],
                "types": .array((sent.isEmpty ? [types.plain] : sent).map(\.json)),
            ]
        }
        let open: [LinkPair]
        let refusals: [HubSpotRefusal]
        do {
            let answer = try await connection.client.write(
                .post, path(.create), JSONValue.object([.init("inputs", .array(inputs))]).serialized(),
                class: "associations", isRepeatable: true)
            let made = Set(
                (answer["results"]?.elements ?? []).compactMap { result -> LinkPair? in
                    guard let from = result["fromObjectId"]?.text, let to = result["toObjectId"]?.text else {
                        return nil
                    }
                    return LinkPair(from: from, to: to)
                })
            open = pairs.filter { !made.contains($0) }
            refusals = (answer["errors"]?.elements ?? []).map { HubSpotRefusal($0) }
        } catch let error as MigratezError {
            guard let refused = error.callRefused, refused.isAboutRows else { throw error }
            (open, refusals) = (Array(pairs), [refused.refusal])
        }
        guard let first = open.first else { return }
        guard let refusal = refusals.first else {
            throw MigratezError(
                .brokenResponse, "\(open.count) links of \(object.name) got no answer", remedy: .retry(after: nil))
        }
        // Answers do not tell for certain which link they refuse; alone, it is the one.
        guard open.count > 1 else {
            refused[first] = rejection(refusal)
            return
        }
        let middle = open.count / 2
        try await create(open[..<middle], wanted, &refused)
        try await create(open[middle...], wanted, &refused)
    }

    /// A record that is not there is the other end of a link to HubSpot's batch, too.
    private func rejection(_ refusal: HubSpotRefusal) -> Rejection {
        var rejection = refusal.rejection
        if rejection.code == .recordDeleted { rejection.code = .parentNotLoaded }
        return rejection
    }

    // MARK: Reading

    /// The types of each of these pairs; a pair without a link is not in the answer.
    private func current(_ pairs: [LinkPair]) async throws -> [LinkPair: [LinkType]] {
        let wanted = Set(pairs)
        let ids = Set(pairs.map(\.from)).sorted()
        guard !ids.isEmpty else { return [:] }
        var found: [LinkPair: [LinkType]] = [:]
        for link in try await LinkReader(connection).links(of: ids, from: object.from, to: object.to) {
            let pair = LinkPair(from: link.from, to: link.to)
            guard wanted.contains(pair), !object.isHierarchy || link.types.contains(types.plain) else { continue }
            found[pair] = link.types
        }
        return found
    }

    /// The links with these ids, as records.
    func read(_ ids: [String], fields: [String]) async throws -> [ReadBack] {
        let links = ids.compactMap { text in LinkID(text).map { (text: text, id: $0) } }
        let found = try await current(links.map(\.id.pair))
        return links.compactMap { text, id in
            guard let there = found[id.pair] else { return nil }
            let label = id.label.flatMap { number in there.first { $0.id == number && $0.isLabel } }
            if id.label != nil, label == nil { return nil }
            var writer = JSONWriter()
            writer.beginObject()
            for field in fields {
                writer.key(field)
                switch field {
                case LinkObject.fromField: writer.string(id.from)
                case LinkObject.toField: writer.string(id.to)
                case LinkObject.labelField:
                    if let name = label?.label { writer.string(name) } else { writer.null() }
                case LinkObject.primaryField: writer.bool(types.primary.map(there.contains) ?? false)
                default: writer.null()
                }
            }
            writer.endObject()
            return ReadBack(id: text, key: nil, fields: writer.bytes)
        }
    }

    /// What became of rows whose write was cut off: links that are there were written.
    func resolve(_ rows: [Batch.Row]) async throws -> [Receipt] {
        var wishes: [Wish] = []
        for row in rows where row.targetID == nil {
            // A row that cannot be understood was never sent.
            if let wish = try? wish(row) { wishes.append(wish) }
        }
        let found = try await current(wishes.map(\.pair))
        return wishes.compactMap { wish in
            guard let there = found[wish.pair], wish.label.map(there.contains) ?? true else { return nil }
            let id = LinkID(from: wish.pair.from, to: wish.pair.to, label: wish.label?.id)
            return Receipt(key: wish.row.key, result: .created(id: id.text))
        }
    }

    // MARK: Taking back

    func delete(_ ids: [String]) async throws -> [Deletion] {
        let links = ids.map { LinkID($0) }
        let found = try await current(links.compactMap { $0?.pair })
        var whole: Set<LinkPair> = []
        var labels: [LinkPair: Set<Int>] = [:]
        var mayGoWhole: Set<LinkPair> = []
        var deletions: [Deletion] = []
        for (text, id) in zip(ids, links) {
            guard let id, let there = found[id.pair],
                id.label.map({ number in there.contains { $0.id == number && $0.isLabel } }) ?? true
            else {
                deletions.append(Deletion(id: text, result: .absent))
                continue
            }
            if let label = id.label {
                labels[id.pair, default: []].insert(label)
                if id.isNewLink { mayGoWhole.insert(id.pair) }
            } else {
                whole.insert(id.pair)
            }
            deletions.append(Deletion(id: text, result: .deleted))
        }
        // A link that came with a label goes with it, unless somebody has given it another one since.
        for pair in mayGoWhole {
            let rest = (found[pair] ?? []).filter { type in
                type.isLabel && labels[pair]?.contains(type.id) != true
            }
            if rest.isEmpty { whole.insert(pair) }
        }
        try await removeTypes(
            labels.filter { !whole.contains($0.key) }.flatMap { pair, numbers in
                (found[pair] ?? []).filter { $0.isLabel && numbers.contains($0.id) }
                    .map { (pair, $0) }
            })
        try await remove(whole.sorted { ($0.from, $0.to) < ($1.from, $1.to) }, .archive) { pair in
            ["from": ["id": .string(pair.from)], "to": [["id": .string(pair.to)]]]
        }
        return deletions
    }

    private func removeTypes(_ types: [(pair: LinkPair, type: LinkType)]) async throws {
        try await remove(types, .labelsArchive) { item in
            [
                "from": ["id": .string(item.pair.from)], "to": ["id": .string(item.pair.to)],
                "types": [item.type.json],
            ]
        }
    }

    /// Taking away what is not there does nothing, so a lost call may be sent again.
    private func remove<Item>(
        _ items: [Item], _ batch: HubSpotPaths.LinkBatch, _ input: (Item) -> JSONValue
    ) async throws {
        var rest = items[...]
        while !rest.isEmpty {
            let group = rest.prefix(HubSpotLimits.linkWritesMax)
            rest = rest.dropFirst(group.count)
            _ = try await connection.client.write(
                .post, path(batch), JSONValue.object([.init("inputs", .array(group.map(input)))]).serialized(),
                class: "associations", isRepeatable: true)
        }
    }

    private func path(_ batch: HubSpotPaths.LinkBatch) -> String {
        connection.paths.links(object.from.type, object.to.type, batch)
    }
}
