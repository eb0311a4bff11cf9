// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import Synchronization

/// Leads from their lists: those that are worked on, and those that are archived.
///
/// Version 1 pages by position, and ids of leads are in no order, so they are read in the order of their creation: what is
/// made meanwhile comes at the end, and what is deleted moves those behind it, which is noticed by the lead that was read
/// last.
final class LeadLists: Sendable {
    private let client: PipedriveClient
    private let paths: PipedrivePaths
    private let catalog: PipedriveCatalog
    private let known = Mutex<LeadFields?>(nil)

    init(_ connection: PipedriveConnection, _ catalog: PipedriveCatalog) {
        client = connection.client
        paths = connection.paths
        self.catalog = catalog
    }

    /// Where a page begins, and what was read last: leads of the same moment, by their ids.
    struct Place: Sendable, Equatable {
        var isArchived = false
        var position = 0
        var time = ""
        var ids: [String] = []
    }

    struct LeadPage {
        var leads: [(id: String, json: JSONValue)] = []
        var malformed: [(number: Int, entry: JSONValue)] = []
        var next: Place?
    }

    /// Fields of deals may have been made meanwhile.
    func fields(anew: Bool = false) async throws -> LeadFields {
        if !anew, let fields = known.withLock({ $0 }) { return fields }
        let labels = try await client.data(paths.leadLabels, [], .formerList).elements.compactMap { label in
            label["id"]?.text.map { FieldSchema.Option(value: $0, label: label["name"]?.text ?? $0) }
        }
        if anew { catalog.forget(.deal) }
        let fields = LeadFields(deal: try await catalog.fields(of: .deal), labels: labels)
        known.withLock { $0 = fields }
        return fields
    }

    func schema() async throws -> ObjectSchema {
        ObjectSchema(name: LeadFields.object, label: "Lead", fields: try await fields(anew: true).fields.map(\.schema))
    }

    /// One page; after the last page come the leads that are archived.
    func page(at place: Place, limit: Int) async throws -> LeadPage {
        let fields = try await fields()
        // With the one that was read last.
        let limit = min(place.position == 0 ? limit : limit + 1, PipedriveLimits.pageRecordsMax)
        var start = max(0, place.position - 1)
        while true {
            let (entries, hasMore) = try await entries(
                place.isArchived, start: start, limit: limit, order: "add_time ASC")
            let first = entries.first
            if start > 0, first.map({ Self.isBehind($0, place) }) ?? true {
                start = max(0, start - limit)
                continue
            }
            var page = LeadPage()
            var next = place
            for (number, entry) in entries.enumerated() {
                guard let lead = fields.flat(entry) else {
                    page.malformed.append((number + 1, entry))
                    continue
                }
                guard Self.isBehind(entry, place) else { continue }
                page.leads.append(lead)
                let time = entry["add_time"]?.text ?? ""
                next.ids = next.time == time ? next.ids + [lead.id] : [lead.id]
                next.time = time
            }
            if hasMore {
                guard !entries.isEmpty else { throw PipedriveClient.loop("leads") }
                next.position = start + entries.count
                page.next = next
            } else if !place.isArchived {
                page.next = Place(isArchived: true)
            }
            return page
        }
    }

    /// Whether an entry was not read when the place was reached.
    private static func isBehind(_ entry: JSONValue, _ place: Place) -> Bool {
        let time = entry["add_time"]?.text ?? ""
        return time > place.time || time == place.time && !place.ids.contains(entry["id"]?.text ?? "")
    }

    private func entries(
        _ isArchived: Bool, start: Int, limit: Int, order: String
    ) async throws -> (entries: [JSONValue], hasMore: Bool) {
        let answer = try await client.answer(
            isArchived ? paths.archivedLeads : paths.leads,
            [("start", String(start)), ("limit", String(limit)), ("sort", order)], .formerList)
        return (
            answer["data"]?.elements ?? [],
            answer["additional_data"]?["pagination"]?["more_items_in_collection"]?.bool == true
        )
    }

    /// Leads by id, flat; one that does not exist is absent.
    func leads(_ ids: [String]) async throws -> [(id: String, json: JSONValue)] {
        let fields = try await fields()
        var leads: [(id: String, json: JSONValue)] = []
        for id in ids where Self.isID(id) {
            try Task.checkCancellation()
            do {
                if let lead = fields.flat(try await client.data(paths.lead(id), [], .formerRead)) { leads.append(lead) }
            } catch let error as MigratezError where [404, 410].contains(error.callRefused?.status) {
                continue
            }
        }
        return leads
    }

    /// Hands on the leads that were made at that time or later, newest first; all if there is none.
    func newer(than time: String?, _ lead: (JSONValue) throws -> Void) async throws {
        for isArchived in [false, true] {
            var start = 0
            while true {
                try Task.checkCancellation()
                let (entries, hasMore) = try await entries(
                    isArchived, start: start, limit: PipedriveLimits.pageRecordsMax, order: "add_time DESC")
                let new = entries.filter { entry in time.map { entry["add_time"]?.text ?? "" >= $0 } ?? true }
                try new.forEach(lead)
                guard hasMore, new.count == entries.count else { break }
                // New ones push the others back by as many: some are seen twice, none is missed.
                start += entries.count
            }
        }
    }

    /// A UUID; whatever else it is would be another path.
    static func isID(_ text: String) -> Bool {
        text.utf8.count == 36 && text.allSatisfy { $0.isASCII && $0.isHexDigit || $0 == "-" }
    }
}

extension LeadLists.Place {
    /// `lead:active:POSITION:IDS:TIME`
    var cursor: Cursor {
        Cursor("lead:\(isArchived ? "archived" : "active"):\(position):\(ids.joined(separator: ",")):\(time)")
    }

    init(_ cursor: Cursor) throws(MigratezError) {
        let parts = cursor.text.split(separator: ":", maxSplits: 4, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 5, parts[0] == "lead", let position = Int(parts[2]) else {
            throw MigratezError(.internalError, "this is not a place in a list of leads")
        }
        self.init(
            isArchived: parts[1] == "archived", position: position, time: parts[4],
            ids: parts[3].split(separator: ",").map(String.init))
    }
}
