// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// The links from records of one object to records of another.
///
/// A field that refers to the other object is the primary link. People besides it are participants: of an activity they
/// stand in the record; of a deal they are asked for, where it counts more than its contact person.
struct LinkSurvey: Sendable {
    let connection: PipedriveConnection
    let from: PipedriveObject
    let to: PipedriveObject

    /// - Throws: `notSupported` if nothing of the one refers to the other.
    func edges(of records: [(id: String, bytes: ArraySlice<UInt8>)]) async throws -> [Edge] {
        guard let field = to.linkField, from.standardFields.contains(where: { $0.name == field }) else {
            throw MigratezError(
                .notSupported, "nothing of \(from.rawValue) refers to \(to.rawValue)", remedy: .fixConfiguration,
                hint: "turn the link round: records refer to the organization, person or deal that they belong to")
        }
        var edges: [Edge] = []
        for record in records {
            let value = record.bytes.withUnsafeBufferPointer { JSONValue(validated: $0) }
            let primary = value[field]?.text
            if let primary { edges.append(Edge(from: record.id, to: primary, isPrimary: true)) }
            guard to == .person else { continue }
            for other in try await participants(of: record.id, value) where other != primary {
                edges.append(Edge(from: record.id, to: other))
            }
        }
        return edges
    }

    /// Leads and products of deals hold what they refer to.
    ///
    /// - Throws: `notSupported` for whatever else.
    static func edges(
        ofRecords object: String, _ records: [(id: String, bytes: ArraySlice<UInt8>)], to target: String
    ) throws(MigratezError) -> [Edge] {
        let fields =
            object == LeadFields.object
            ? ["person": "person_id", "organization": "organization_id"]
            : ["deal": "deal_id", "product": "product_id"]
        guard let field = fields[target] else {
            throw MigratezError(
                .notSupported, "nothing of \(object) refers to \(target)", remedy: .fixConfiguration,
                hint: "it refers to: \(fields.keys.sorted().joined(separator: ", "))")
        }
        return records.compactMap { record in
            let value = record.bytes.withUnsafeBufferPointer { JSONValue(validated: $0) }
            return value[field]?.text.map { Edge(from: record.id, to: $0, isPrimary: true) }
        }
    }

    private func participants(of id: String, _ record: JSONValue) async throws -> [String] {
        switch from {
        case .activity:
            return (record["participants"]?.elements ?? []).compactMap { $0["person_id"]?.text }
        case .deal:
            // The contact person counts as one.
            let expected = record["person_id"]?.text == nil ? 0 : 1
            guard record["participants_count"]?.int ?? .max > expected else { return [] }
            return try await Participants(connection).of(deal: id).map(\.person)
        case .person, .organization, .note, .file, .product: return []
        }
    }
}

/// The people who take part in a deal (version 1).
struct Participants: Sendable {
    /// A participant's own id, and the person's.
    struct Participant: Sendable {
        var id: String
        var person: String
    }

    private let client: PipedriveClient
    private let paths: PipedrivePaths

    init(_ connection: PipedriveConnection) {
        client = connection.client
        paths = connection.paths
    }

    /// All of them, to the last page; none of a deal that does not exist.
    func of(deal: String) async throws -> [Participant] {
        var found: [Participant] = []
        var start = 0
        while true {
            let answer: JSONValue
            do {
                answer = try await client.answer(
                    paths.participants(ofDeal: deal),
                    [("start", String(start)), ("limit", String(PipedriveLimits.pageRecordsMax))], .participants)
            } catch let error as MigratezError where [404, 410].contains(error.callRefused?.status) {
                return []
            }
            for entry in answer["data"]?.elements ?? [] {
                let person = entry["person_id"]
                guard let id = entry["id"]?.text, let personID = person?["value"]?.text ?? person?.text else {
                    continue
                }
                found.append(Participant(id: id, person: personID))
            }
            let paging = answer["additional_data"]?["pagination"]
            guard paging?["more_items_in_collection"]?.bool == true else { return found }
            guard let next = paging?["next_start"]?.int, next > start else {
                throw PipedriveClient.loop("participants")
            }
            start = next
        }
    }
}
