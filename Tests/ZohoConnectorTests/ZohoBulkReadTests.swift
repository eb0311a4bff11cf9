// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
import MigratezSyntheticCRM
import MigratezTestKit
import MigratezTransport
import MigratezZohoConnector
import MigratezZohoSimulator
import Testing

/// Reading by bulk jobs.
@Suite struct `Zoho's bulk reads` {
    private static let contacts = StreamName("Contacts")!
    private static let bulk = ["extract.api": "bulk", "page_size": "200"]

    /// All records of a module, by id.
    private static func read(_ source: ZohoSource, _ object: StreamName) async throws -> [(id: String, json: JSONValue)]
    {
        let fields = try await source.discover([object])[0].fields.map(\.name)
        var records: [(String, JSONValue)] = []
        var cursor: Cursor?
        repeat {
            let page = try await source.readPage(of: object, fields: fields, after: cursor)
            #expect(page.malformed.isEmpty)
            for range in page.records {
                let record = try JSONValue(parsing: Array(page.bytes[range]))
                records.append((try #require(record["id"]?.text), record))
            }
            cursor = page.next
        } while cursor != nil
        return records
    }

    private static func ids(_ page: Page) throws -> [String] {
        try page.records.compactMap { try JSONValue(parsing: Array(page.bytes[$0]))["id"]?.text }
    }

    @Test(arguments: ["Contacts", "Accounts", "Deals", "Tasks", "Events", "Calls"])
    func `bring each record as a query brings it, type by type`(_ module: String) async throws {
        let counts = SyntheticCRM.Counts(
            contacts: 700, companies: 60, deals: 80, tasks: 40, calls: 20, meetings: 20)
        try await ZohoOrg.run(counts) { options in
            options.bulkPageRecords = 300
        } _: { org in
            let object = StreamName(module)!
            let queried = try await Self.read(try org.source(), object)
            let exported = try await Self.read(try org.source(Self.bulk), object)
            #expect(exported.count == queried.count && !queried.isEmpty)
            let byID = Dictionary(exported.map { ($0.id, $0.json) }, uniquingKeysWith: { $1 })
            for (id, record) in queried {
                for member in record.members {
                    // A CSV does not tell an empty text from none.
                    let value: JSONValue = member.value == "" ? .null : member.value
                    #expect(byID[id]?[member.key] == value, "\(member.key)")
                }
            }
        }
    }

    @Test func `go on in the same job, in another process too, and download it once as long as it is held`()
        async throws
    {
        try await ZohoOrg.run(.init(contacts: 900)) { org in
            let source = try org.source(Self.bulk)
            let first = try await source.readPage(of: Self.contacts, fields: ["Email"], after: nil)
            let second = try await source.readPage(of: Self.contacts, fields: ["Email"], after: first.next)
            #expect(org.server.journal.counts.byRoute["download bulk read"] == 1)
            let asked = try #require(org.server.journal.counts.byRoute["bulk read"])
            let other = try await org.source(Self.bulk).readPage(
                of: Self.contacts, fields: ["Email"], after: first.next)
            // One look at the job, no new one.
            #expect(org.server.journal.counts.byRoute["bulk read"] == asked + 1)
            #expect(try Self.ids(other) == Self.ids(second) && other.next == second.next)
            #expect(try Set(Self.ids(first)).isDisjoint(with: Self.ids(second)))
        }
    }

    @Test func `of which the result is kept no longer are made anew, and nothing is lost`() async throws {
        try await ZohoOrg.run(.init(contacts: 900)) { options in
            options.bulkPageRecords = 500
        } _: { org in
            var ids: [String] = []
            var cursor: Cursor?
            var pages = 0
            repeat {
                let page = try await org.source(Self.bulk).readPage(of: Self.contacts, fields: ["Email"], after: cursor)
                ids += try Self.ids(page)
                cursor = page.next
                pages += 1
                // Within the first job, and between the two: then the token has expired as well.
                if pages == 1 || pages == 4 { org.clock.advance(by: .seconds(90_000)) }
            } while cursor != nil
            let held = try org.simulator.records(of: "Contacts")
            #expect(Set(ids) == Set(held.keys))
            // The first piece came twice.
            #expect(ids.count == held.count + 200)
        }
    }

    @Test func `that fail say so, with the way out`() async throws {
        try await ZohoOrg.run(.init(contacts: 20)) { options in
            options.bulkFailures = 1
        } _: { org in
            let source = try org.source(Self.bulk)
            let error = await #expect(throws: MigratezError.self) {
                _ = try await source.readPage(of: Self.contacts, fields: ["Email"], after: nil)
            }
            #expect(error?.code == .requestRefused && error?.hint?.contains("extract.api: coql") == true)
            #expect(try await source.readPage(of: Self.contacts, fields: ["Email"], after: nil).records.count > 10)
        }
    }

    @Test func `that take long can be given up`() async throws {
        try await ZohoOrg.run(.init(contacts: 20)) { options in
            options.bulkDuration = .seconds(80_000)
        } _: { org in
            let source = try org.source(Self.bulk)
            await #expect(throws: CancellationError.self) {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        _ = try await source.readPage(of: Self.contacts, fields: ["Email"], after: nil)
                    }
                    while (org.server.journal.counts.byRoute["bulk read"] ?? 0) < 4 { await Task.yield() }
                    group.cancelAll()
                    try await group.waitForAll()
                }
            }
            #expect(org.server.journal.counts.byRoute["download bulk read"] == nil)
        }
    }

    @Test func `of an empty module have one empty page, and notes come from their list`() async throws {
        try await ZohoOrg.run(.init(contacts: 20, notes: 40)) { org in
            let source = try org.source(Self.bulk)
            let leads = try await source.readPage(of: StreamName("Products")!, fields: ["Product_Name"], after: nil)
            #expect(leads.records.isEmpty && leads.next == nil)
            let notes = try await Self.read(source, StreamName("Notes")!)
            #expect(try notes.count == org.simulator.count(of: "Notes"))
            #expect(org.server.journal.counts.byRoute["records"] == 1)
        }
    }

    @Test func `wait for the minute in which ten more downloads are allowed`() async throws {
        try await ZohoOrg.run(.init(contacts: 30)) { org in
            let source = try org.source(Self.bulk)
            for _ in 0..<12 { _ = try await source.readPage(of: Self.contacts, fields: ["Email"], after: nil) }
            #expect(org.server.journal.counts.byStatus[429] == nil)
            // Another program takes from the same ten.
            org.server.faults.inject(
                .init(.status(429, retryAfter: nil), .next(1), pathPrefix: "/crm/bulk/v8/read/"))
            _ = try await source.readPage(of: Self.contacts, fields: ["Email"], after: nil)
        }
    }

    @Test(arguments: [Fault.resetMidBody, .badJSON, .html, .wrongLength, .commitThenDrop])
    func `come whole or not at all, whatever happens to a download`(_ fault: Fault) async throws {
        try await ZohoOrg.run(.init(contacts: 300)) { org in
            let source = try org.source(Self.bulk)
            let first = try await source.readPage(of: Self.contacts, fields: ["Email"], after: nil)
            let job = try #require(first.next?.text.split(separator: " ")[3])
            org.server.faults.inject(.init(fault, .next(2), pathPrefix: "/crm/bulk/v8/read/\(job)/result"))
            let again = try await org.source(Self.bulk).readPage(
                of: Self.contacts, fields: ["Email"], after: first.next)
            let held = try await source.readPage(of: Self.contacts, fields: ["Email"], after: first.next)
            #expect(again.bytes == held.bytes && again.records == held.records)
            #expect(org.server.journal.counts.byFault[fault.name] == 2)
        }
    }
}
