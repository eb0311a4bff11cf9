// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezTransport

/// The notes that carry files of ours: at most one for each file, known by a key that is made of the file's id.
///
/// A file is seen on a contact, a company or a deal only through an activity that is linked with it and names the file.
struct FileCarriers: Sendable {
    let connection: HubSpotConnection
    let keyProperty: String
    let clock: any WallClock

    /// The fields of a file that are the note's.
    static let fields: Set<String> = [HubSpotObject.activityTime, "hubspot_owner_id", "hs_note_body"]

    private static let keyPrefix = "file-"
    private let object = HubSpotAttachments.note

    /// The note of each file that has one, with what a file's record says of it.
    func notes(of files: [String]) async throws -> [String: JSONValue] {
        let keys = files.map { Self.keyPrefix + $0 }
        let names = Self.fields.sorted() + [keyProperty, HubSpotAttachments.property]
        var notes: [String: JSONValue] = [:]
        for note in try await BatchRead(connection).records(keys, names, of: object, by: keyProperty) {
            guard let key = note["properties"]?[keyProperty]?.text, key.hasPrefix(Self.keyPrefix) else { continue }
            notes[String(key.dropFirst(Self.keyPrefix.count))] = note
        }
        return notes
    }

    /// Puts what a row says of a file onto its note; a row that says nothing makes none.
    func describe(_ file: String, by row: JSONValue) async throws {
        let values = row.members.filter { Self.fields.contains($0.key) && $0.value.text?.isEmpty == false }
        guard !values.isEmpty else { return }
        var properties = values
        if !values.contains(where: { $0.key == HubSpotObject.activityTime }) {
            if try await notes(of: [file])[file] == nil { properties.append(now) }
        }
        try await write([(file, properties)])
    }

    /// The id of each file's note, made where there is none.
    func ids(of files: [String]) async throws -> [String: String] {
        let there = try await notes(of: files)
        let missing = Set(files).subtracting(there.keys).sorted()
        var ids = there.compactMapValues { $0["id"]?.text }
        guard !missing.isEmpty else { return ids }
        ids.merge(try await write(missing.map { ($0, [now]) })) { $1 }
        return ids
    }

    private var now: JSONValue.Member { .init(HubSpotObject.activityTime, .string(clock.now.description)) }

    /// Makes or changes notes; a second write with the same key meets the same note.
    ///
    /// - Returns: the id of each file's note.
    @discardableResult
    private func write(_ notes: [(file: String, properties: [JSONValue.Member])]) async throws -> [String: String] {
        var ids: [String: String] = [:]
        var rest = notes[...]
        while !rest.isEmpty {
            let group = rest.prefix(HubSpotLimits.batchRecordsMax)
            rest = rest.dropFirst(group.count)
            let inputs = group.map { file, properties -> JSONValue in
                let key = Self.keyPrefix + file
                let own: [JSONValue.Member] = [
                    .init(keyProperty, .string(key)), .init(HubSpotAttachments.property, .string(file)),
                ]
                return [
                    "id": .string(key), "idProperty": .string(keyProperty), "objectWriteTraceId": .string(file),
                    "properties": .object(own + properties),
                ]
            }
            let answer = try await connection.client.write(
                .post, connection.paths.batchWrite(object.type, "upsert"),
                JSONValue.object([.init("inputs", .array(inputs))]).serialized(), class: "batch", isRepeatable: true)
            for result in answer["results"]?.elements ?? [] {
                guard let file = result["objectWriteTraceId"]?.text, let id = result["id"]?.text else { continue }
                ids[file] = id
            }
            if let refusal = answer["errors"]?.elements.first { throw HubSpotRefusal(refusal).rejection }
        }
        return ids
    }

    /// Deleted notes can be restored for 90 days in HubSpot itself.
    func delete(of files: [String]) async throws {
        let ids = try await notes(of: files).values.compactMap { $0["id"]?.text }.sorted()
        guard !ids.isEmpty else { return }
        var rest = ids[...]
        while !rest.isEmpty {
            let group = rest.prefix(HubSpotLimits.batchRecordsMax)
            rest = rest.dropFirst(group.count)
            let body: JSONValue = ["inputs": .array(group.map { ["id": .string($0)] })]
            _ = try await connection.client.write(
                .post, connection.paths.batchWrite(object.type, "archive"), body.serialized(), class: "batch",
                isRepeatable: true)
        }
    }
}
