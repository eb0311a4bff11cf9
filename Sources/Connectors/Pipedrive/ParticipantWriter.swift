// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezTransport

/// The people who take part in deals, as an object that a pipeline writes to: `deal_participant`, with the fields `deal_id`
/// and `person_id`. A link is known by what it connects: its id is `DEAL:PERSON`.
struct ParticipantWriter: Sendable {
    static let object = "deal_participant"

    static let schema = ObjectSchema(
        name: object, label: "Participant of a deal",
        fields: [
            FieldSchema(
                name: "deal_id", label: "Deal", kind: .reference, isRequired: true, isUpdateable: false,
                refersTo: ["deal"]),
            FieldSchema(
                name: "person_id", label: "Person", kind: .reference, isRequired: true, isUpdateable: false,
                refersTo: ["person"]),
        ])

    let connection: PipedriveConnection

    /// Rows of people who take part already are updated: there is nothing to change.
    func write(_ rows: [Batch.Row]) async throws -> [Receipt] {
        var known = Known(connection)
        var receipts: [Receipt] = []
        for row in rows {
            try Task.checkCancellation()
            let link = try Link(row)
            if try await known.participant(link) != nil {
                receipts.append(Receipt(key: row.key, result: .updated(id: link.id)))
                continue
            }
            receipts.append(Receipt(key: row.key, result: try await add(link, &known)))
        }
        return receipts
    }

    /// Adding somebody twice is refused, so a request that was lost is settled by looking again.
    private func add(_ link: Link, _ known: inout Known) async throws -> Receipt.Result {
        do {
            _ = try await connection.client.write(
                .post, connection.paths.participants(ofDeal: link.deal), ["person_id": .number(link.person)],
                .participants, isRepeatable: true)
            known.forget(link.deal)
            return .created(id: link.id)
        } catch let error as MigratezError {
            guard let refusal = error.callRefused, refusal.isAboutRow else { throw error }
            known.forget(link.deal)
            // It may have been the lost request's doing.
            if try await known.participant(link) != nil { return .created(id: link.id) }
            var rejection = refusal.rejection { $0 }
            if refusal.status == 404 || refusal.status == 400 { rejection.code = .parentNotLoaded }
            return .rejected(rejection)
        }
    }

    /// The links that are there.
    func resolve(_ rows: [Batch.Row]) async throws -> [Receipt] {
        var known = Known(connection)
        var receipts: [Receipt] = []
        for row in rows where row.targetID == nil {
            let link = try Link(row)
            guard try await known.participant(link) != nil else { continue }
            receipts.append(Receipt(key: row.key, result: .created(id: link.id)))
        }
        return receipts
    }

    func read(_ ids: [String], fields: [String]) async throws -> [ReadBack] {
        var known = Known(connection)
        var found: [ReadBack] = []
        for id in ids {
            guard let link = Link(id: id), try await known.participant(link) != nil else { continue }
            let values = ["deal_id": link.deal, "person_id": link.person]
            let json = JSONValue.object(fields.map { .init($0, values[$0].map { .string($0) } ?? .null) })
            found.append(ReadBack(id: id, key: nil, fields: json.serialized()))
        }
        return found
    }

    func delete(_ ids: [String]) async throws -> [Deletion] {
        var known = Known(connection)
        return try await connection.client.delete(ids) { id in
            guard let link = Link(id: id), let participant = try await known.participant(link) else { return nil }
            return (connection.paths.participants(ofDeal: link.deal) + "/" + participant, .formerDelete)
        }
    }
}

/// The two ends of a link, by their ids.
private struct Link {
    let deal: String
    let person: String
    var id: String { "\(deal):\(person)" }

    /// `nil` if it is no id of a link.
    init?(id: String) {
        let parts = id.split(separator: ":").map(String.init)
        guard parts.count == 2, parts.allSatisfy({ Int($0) != nil }) else { return nil }
        (deal, person) = (parts[0], parts[1])
    }

    /// - Throws: `notSupported` if the row does not name both ends.
    init(_ row: Batch.Row) throws(MigratezError) {
        func end(_ name: String) -> String? { row.references.first { $0.field == name }?.targetID }
        guard let deal = end("deal_id"), let person = end("person_id"), Int(deal) != nil, Int(person) != nil else {
            throw MigratezError(
                .notSupported, "a row of \(ParticipantWriter.object) does not refer to a deal and a person",
                remedy: .fixConfiguration, hint: "write to it by 'as: \(ParticipantWriter.object)' below links")
        }
        (self.deal, self.person) = (deal, person)
    }
}

/// Participants by deal, each asked for once.
private struct Known {
    private let participants: Participants
    private var byDeal: [String: [String: String]] = [:]

    init(_ connection: PipedriveConnection) { participants = Participants(connection) }

    /// The participant's own id; `nil` if the person does not take part.
    mutating func participant(_ link: Link) async throws -> String? {
        if let known = byDeal[link.deal] { return known[link.person] }
        let found = try await participants.of(deal: link.deal)
        byDeal[link.deal] = Dictionary(found.map { ($0.person, $0.id) }, uniquingKeysWith: { first, _ in first })
        return byDeal[link.deal]?[link.person]
    }

    mutating func forget(_ deal: String) { byDeal[deal] = nil }
}
