// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezCrypto
import MigratezDynamicsConnector
import MigratezDynamicsSimulator
import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
import MigratezSyntheticCRM
import MigratezTestKit
import MigratezTransport
import Testing

/// Files that hang on e-mails, byte for byte.
@Suite struct `Attachments of e-mails` {
    private static let table = "activitymimeattachment"
    private static let stream = StreamName(table).unsafelyUnwrapped
    private static let email = StreamName("email").unsafelyUnwrapped

    // MARK: Reading

    @Test func `are read as they are, with the e-mail that they hang on`() async throws {
        let crm = SyntheticCRM(seed: 9, counts: .init(contacts: 20, companies: 5, files: 60, emails: 150))
        try await DynamicsWorld.run(crm) { world in
            let source = try world.source(["page_size": "20"])
            let schema = try await source.discover([Self.stream])[0]
            #expect(schema.content?.field == "body" && schema.field("body") == nil)
            #expect(schema.content?.versionFields == ["filesize", "versionnumber"])
            var files: [(id: String, bytes: ArraySlice<UInt8>)] = []
            var cursor: Cursor?
            repeat {
                let page = try await source.readPage(
                    of: Self.stream, fields: ["filename", "mimetype", "versionnumber"], after: cursor)
                files += try page.records.map { range in
                    let record = try JSONValue(parsing: Array(page.bytes[range]))
                    return (try #require(record["activitymimeattachmentid"]?.text), page.bytes[range])
                }
                cursor = page.next
            } while cursor != nil
            let live = stride(from: 0, to: 150, by: 3).filter { !crm.isArchived(.email, at: $0) }
            #expect(files.count == live.count && files.count > 40)
            #expect(try await source.count(of: Self.stream) == live.count)
            #expect(try await source.slices(of: Self.stream, atMost: 4).isEmpty)
            let emails = try world.environment.records(of: "email").compactMap { $0["activityid"]?.text }
            let edges = try await source.readLinks(from: Self.stream, to: Self.email, of: files)
            #expect(edges.count == files.count && Set(emails).isSuperset(of: edges.map(\.to)))
            #expect(edges.allSatisfy { $0.isPrimary && $0.label == nil })
            var isLong = false
            for (index, attachment) in zip(live, files) {
                let file = crm.file(at: index % 60)
                var bytes: [UInt8] = []
                try await source.readContent(of: Self.stream, id: attachment.id, record: attachment.bytes) {
                    bytes += $0
                }
                #expect(bytes == file.bytes(0..<file.size), "\(file.size) bytes")
                isLong = isLong || file.size > 1_000_000
            }
            #expect(isLong, "none was read in blocks")
        }
    }

    @Test func `of templates are not meant`() async throws {
        try await DynamicsWorld.run(SyntheticCRM(seed: 9, counts: .init(files: 3, emails: 3))) { world in
            let query = "objecttypecode%20eq%20'email'%20or%20objecttypecode%20eq%20'appointment'"
            _ = try await world.source().readPage(of: Self.stream, fields: ["filename"], after: nil)
            let response = try await world.ask(.get, "activitymimeattachments?$filter=\(query)")
            #expect(try JSONValue(parsing: response.body)["value"]?.elements.count == 1)
        }
    }

    // MARK: Writing

    /// An environment with an e-mail that somebody made.
    private struct Mailbox {
        let world: DynamicsWorld
        let email: String

        static func run(
            options: DynamicsOptions = DynamicsOptions(), _ body: (Mailbox) async throws -> Void
        ) async throws {
            try await DynamicsWorld.run(options: options) { world in
                let email = try await world.create("emails", "activityid", ["subject": "Offer"])
                try await body(Mailbox(world: world, email: email))
            }
        }

        func close() async throws {
            let response = try await world.ask(.patch, "emails(\(email))", ["statecode": 1, "statuscode": 3])
            try #require(response.isSuccess)
        }

        var state: [Int?] {
            get throws {
                let email = try world.environment.records(of: "email").first
                return [email?["statecode"]?.int, email?["statuscode"]?.int]
            }
        }

        func row(_ key: String, _ bytes: [UInt8], name: String = "Offer.pdf") -> Batch.Row {
            var row = Batch.Row(
                key, ["filename": .string(name), "mimetype": "application/pdf"],
                references: [.init(field: "objectid", object: "email", key: "e", targetID: email)])
            row.content = RowContent(field: "body", sha256: SHA256.digest(of: bytes), bytes)
            return row
        }
    }

    private static func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
    }

    private func held(_ destination: DynamicsDestination, _ id: String?) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        try await destination.readContent(object: Self.table, id: id ?? "") { bytes += $0 }
        return bytes
    }

    @Test(arguments: [0, 1, 3, 983_040, 983_041, 3_000_001])
    func `are one each, whatever the size and however often they are written`(size: Int) async throws {
        try await Mailbox.run { mailbox in
            let bytes = Self.bytes(size)
            let destination = try mailbox.world.destination()
            let schema = try await destination.discover([Self.table])[0]
            #expect(!schema.holdsKey && destination.requirements(of: schema).isEmpty)
            #expect(schema.field("objectid")?.refersTo.contains("email") == true)
            #expect(schema.fields.filter(\.isRequired).map(\.name).sorted() == ["filename", "objectid"])
            let first = try await destination.put(Self.table, [mailbox.row("file-1", bytes, name: "Ünïcode \"1\".pdf")])
            #expect(first.map(\.word) == ["created"])
            let second = try await mailbox.world.destination()
                .put(Self.table, [mailbox.row("file-1", bytes, name: "2.pdf")])
            #expect(second.map(\.word) == ["updated"] && second[0].id == first[0].id)
            let held = try #require(try mailbox.world.environment.records(of: Self.table).first)
            #expect(try mailbox.world.environment.count(of: Self.table) == 1)
            #expect(held["filename"]?.text == "2.pdf" && held["objecttypecode"] == "email")
            #expect(held["filesize"]?.int == size && held["_objectid_value"]?.text == mailbox.email)
            #expect(try await self.held(destination, first[0].id) == bytes)
            // Other bytes: a short one takes their place, a long one cannot.
            let other = try await destination.put(Self.table, [mailbox.row("file-1", bytes + [1])])
            let isLong = size + 1 > 983_040
            #expect(other.map(\.word) == [isLong ? "\(ErrorCode.ruleViolated)" : "updated"])
            #expect(try await self.held(destination, first[0].id) == bytes + (isLong ? [] : [1]))
            let found = try await destination.resolve(
                Batch(object: Self.table, rows: [mailbox.row("file-1", []), mailbox.row("file-2", [])]),
                by: destination.route(for: Self.table, expectedRows: 2), note: nil)
            #expect(found.map(\.id) == [first[0].id])
            let deleted = try await destination.delete(object: Self.table, ids: [first[0].id ?? ""])
            #expect(deleted.map(\.result) == [.deleted])
            #expect(try mailbox.world.environment.count(of: Self.table) == 0)
        }
    }

    @Test(arguments: [10, 2_000_000])
    func `of a closed e-mail open it and close it again as it was`(size: Int) async throws {
        try await Mailbox.run { mailbox in
            try await mailbox.close()
            let destination = try mailbox.world.destination()
            let intent = KeptIntent()
            let route = destination.route(for: Self.table, expectedRows: 1)
            #expect(route.concurrencyMax == 1 && route.recordsMax == 1)
            let batch = Batch(object: Self.table, rows: [mailbox.row("file-1", Self.bytes(size))])
            let receipts = try await destination.write(batch, by: route, intent: intent)
            #expect(receipts.map(\.word) == ["created"])
            #expect(try mailbox.state == [1, 3])
            #expect(try await held(destination, receipts[0].id) == Self.bytes(size))
            // A run that was cut off in between finds the e-mail open.
            let note = try #require(await intent.last)
            let opened = try await mailbox.world.ask(.patch, "emails(\(mailbox.email))", ["statecode": 0])
            #expect(opened.isSuccess)
            #expect(try mailbox.state.first == 0)
            let found = try await mailbox.world.destination().resolve(batch, by: route, note: note)
            #expect(found.map(\.id) == receipts.map(\.id))
            #expect(try mailbox.state == [1, 3])
        }
    }

    @Test(arguments: [Fault.commitThenDrop, .drop, .status(503, retryAfter: nil)])
    func `whose answer is lost are not doubled`(fault: Fault) async throws {
        for (path, size) in [
            ("activitymimeattachments", 1_000), ("UploadBlock", 2_000_000), ("CommitAttachment", 2_000_000),
        ] {
            try await Mailbox.run { mailbox in
                let destination = try mailbox.world.destination()
                _ = try await destination.discover([Self.table])
                let frequency: FaultPlan.Rule.Frequency = path == "CommitAttachment" ? .next(1) : .once
                mailbox.world.server.faults.inject(
                    FaultPlan.Rule(fault, frequency, pathPrefix: "/api/data/v9.2/" + path))
                let receipts = try await destination.put(Self.table, [mailbox.row("k", Self.bytes(size))])
                #expect(receipts.map(\.word) == ["created"], "\(path)")
                #expect(try mailbox.world.environment.count(of: Self.table) == 1)
                #expect(try await held(destination, receipts[0].id) == Self.bytes(size))
            }
        }
    }

    @Test func `that hang on nothing or are too long are refused by name`() async throws {
        var options = DynamicsOptions()
        options.uploadBytesMax = 10_000
        try await Mailbox.run(options: options) { mailbox in
            let destination = try mailbox.world.destination()
            var orphan = mailbox.row("k", [1])
            orphan.references = []
            let receipts = try await destination.put(Self.table, [orphan])
            #expect(receipts.map(\.word) == ["\(ErrorCode.requiredFieldMissing)"])
            let long = try await destination.put(Self.table, [mailbox.row("l", Self.bytes(9_000))])
            #expect(long.map(\.word) == ["\(ErrorCode.contentTooLarge)"])
            #expect(try mailbox.world.environment.count(of: Self.table) == 0)
        }
    }
}
