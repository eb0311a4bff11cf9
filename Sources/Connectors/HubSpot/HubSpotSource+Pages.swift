// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
package import MigratezModel

/// Pages of records.
///
/// A list answers only with the properties that its address names. Where so many are wanted that the address would
/// become too long, the list is asked for ids alone, and the records are read by a batch read, whose names stand in the
/// body: two requests a page for any number of properties, each record still one slice of one answer. (Several passes
/// over the list, each with some of the properties, would cost more requests, and records would have to be put together
/// from answers of different moments.)
extension HubSpotSource {
    func page(of object: HubSpotObject, fields: [String], at place: HubSpotCursor) async throws -> Page {
        let names = propertyNames(fields, object)
        let path = connection.paths.objects(object.type)
        var query = [("limit", String(settings.pageRecords)), ("archived", place.isArchived ? "true" : "false")]
        if let after = place.after { query.append(("after", after)) }
        let address = connection.client.url(path, query + [("properties", names.joined(separator: ","))])
        if address.utf8.count <= HubSpotSource.addressBytesMax {
            let (answer, list) = try await connection.client.list(address, class: "list")
            let split = try require(list, of: object)
            return page(answer, split, next: next(in: answer, split, place))
        }
        let (list, found) = try await connection.client.list(
            connection.client.url(path, query + [("properties", "hs_object_id")]), class: "list")
        let split = try require(found, of: object)
        let ids = recordIDs(in: list, split)
        let next = next(in: list, split, place)
        guard !ids.isEmpty else { return Page(bytes: [], records: [], next: next) }
        let answer = try await BatchRead(connection).answer(ids, names, of: object, isArchived: place.isArchived)
        return page(answer, try self.split(answer, of: object), next: next)
    }

    /// Batches of 100, as HubSpot allows; a record that does not exist is an error entry that means nothing.
    package func readRecords(of object: StreamName, ids: [String], fields: [String]) async throws -> Page {
        if object.text == HubSpotAttachments.object {
            return try await AttachmentReader(connection: connection).records(ids)
        }
        if object.text == ListReader.object { return try await ListReader(connection: connection).records(ids) }
        let object = HubSpotObject(object)
        let names = propertyNames(fields, object)
        var whole = Page(bytes: [], records: [], next: nil)
        var rest = ids[...]
        while !rest.isEmpty {
            let group = rest.prefix(HubSpotLimits.batchRecordsMax)
            rest = rest.dropFirst(group.count)
            let answer = try await BatchRead(connection).answer(Array(group), names, of: object)
            let part = page(answer, try split(answer, of: object), next: nil)
            let offset = whole.bytes.count
            whole.bytes += part.bytes
            whole.records += part.records.map { ($0.lowerBound + offset)..<($0.upperBound + offset) }
            whole.malformed += part.malformed
        }
        return whole
    }

    private func split(_ answer: [UInt8], of object: HubSpotObject) throws(MigratezError) -> PageSplit {
        try require(answer.withUnsafeBufferPointer { PageSplit($0, at: ["results"]) }, of: object)
    }

    private func require(_ list: PageSplit?, of object: HubSpotObject) throws(MigratezError) -> PageSplit {
        guard let list else {
            throw MigratezError(
                .brokenResponse, "HubSpot's answer holds no list of \(object.type)", remedy: .retry(after: nil))
        }
        return list
    }

    private func page(_ answer: [UInt8], _ split: PageSplit, next: Cursor?) -> Page {
        var page = Page(bytes: answer, records: [], next: next)
        page.records.reserveCapacity(split.elements.count)
        for (number, range) in split.elements.enumerated() {
            let isRecord = answer[range.lowerBound] == UInt8(ascii: "{")
            if isRecord, range.count <= JSONLimits.record.recordBytesMax.bytes {
                page.records.append(range)
            } else {
                page.malformed.append(
                    MalformedRecord(
                        locator: "item \(number + 1) of a page", reason: isRecord ? "too long" : "not an object",
                        bytes: Array(answer[range].prefix(JSONLimits.record.recordBytesMax.bytes))))
            }
        }
        return page
    }

    /// Where the next page begins; the last one has no `paging`.
    private func next(in answer: [UInt8], _ split: PageSplit, _ place: HubSpotCursor) -> Cursor? {
        answer.withUnsafeBufferPointer { bytes in
            guard let after = split.member(at: ["paging", "next", "after"], in: bytes), after.kind != .null else {
                return nil
            }
            return HubSpotCursor(isArchived: place.isArchived, after: JSONText.string(after, of: bytes)).cursor
        }
    }

    private func recordIDs(in list: [UInt8], _ split: PageSplit) -> [String] {
        list.withUnsafeBufferPointer { bytes in
            split.elements.compactMap { range in
                let record = UnsafeBufferPointer(rebasing: bytes[range])
                return member(at: ["id"], in: record).map { JSONText.string($0, of: record) }
            }
        }
    }

    /// The properties to ask for. Without the ones that every record has beside its properties; with those that tell
    /// when it was changed and what was merged into it.
    private func propertyNames(_ fields: [String], _ object: HubSpotObject) -> [String] {
        var names: [String] = []
        var known: Set<String> = Set(HubSpotObject.recordMembers.map(\.name))
        let product = object.hasProduct ? [HubSpotObject.productProperty] : []
        for name in fields + [object.modified, HubSpotObject.mergedIDs] + product where known.insert(name).inserted {
            names.append(name)
        }
        return names
    }

    /// A longer address is answered with 414 somewhere above this; how far above, HubSpot does not say.
    private static let addressBytesMax = 4_000
}
