// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezCrypto
import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
import MigratezSyntheticCRM
import MigratezTestKit
import MigratezTransport
import MigratezZohoConnector
import MigratezZohoSimulator
import Testing

@Suite struct `Files of Zoho` {
    private static let stream = StreamName("Attachments")!

    // MARK: As a source

    @Test func `every attachment is read with its bytes and its record`() async throws {
        let counts = SyntheticCRM.Counts(contacts: 130, companies: 20, deals: 20, notes: 40, files: 90)
        try await ZohoOrg.run(counts) { org in
            let held = try org.simulator.attachments()
            let crm = try #require(org.crm)
            let source = try org.source()
            let schema = try await source.discover([Self.stream])[0]
            #expect(schema.content?.field == "file" && schema.content?.sizeField == "Size")
            var seen: Set<String> = []
            var cursor: Cursor?
            var pages = 0
            repeat {
                let page = try await org.source().readPage(of: Self.stream, fields: ["File_Name"], after: cursor)
                pages += 1
                let records = try page.records.map { range in
                    let record = try JSONValue(parsing: Array(page.bytes[range]))
                    return (id: try #require(record["id"]?.text), record: record, bytes: page.bytes[range])
                }
                for (id, record, bytes) in records {
                    let document = try #require(held[String(id.split(separator: ":")[2])])
                    #expect(seen.insert(id).inserted)
                    let file = crm.file(at: try #require(document["origin"]?.int))
                    #expect(record["File_Name"]?.text == file.name && record["Size"]?.text == String(file.size))
                    #expect(record["Parent_Id"] == document["record"] && record["Owner"] == document["Owner"])
                    var hash = SHA256()
                    try await source.readContent(of: Self.stream, id: id, record: bytes) {
                        #expect($0.count <= 256 << 10)
                        hash.update($0)
                    }
                    #expect(hash.finish() == file.sha256)
                }
                for module in ["Contacts", "Notes"] {
                    let edges = try await source.readLinks(
                        from: Self.stream, to: StreamName(module)!, of: records.map { ($0.id, $0.bytes) })
                    let expected = records.filter { $0.record["$se_module"]?.text == module }
                        .map { Edge(from: $0.id, to: $0.record["Parent_Id"]?.text ?? "", isPrimary: true) }
                    #expect(edges == expected)
                }
                cursor = page.next
            } while cursor != nil
            #expect(pages >= 5 && seen.count == held.count && held.count > 60)
            let some = Array(seen.sorted().prefix(3))
            let byID = try await source.readRecords(
                of: Self.stream, ids: some + ["Contacts:1:2", "9"], fields: ["File_Name"])
            #expect(byID.records.count == 3)
        }
    }

    @Test func `only the modules that are named are asked`() async throws {
        try await ZohoOrg.run(.init(contacts: 20, companies: 10, files: 30)) { org in
            let source = try org.source(["attachments_of": "Accounts"])
            let page = try await source.readPage(of: Self.stream, fields: [], after: nil)
            #expect(page.next == nil && !page.records.isEmpty)
            for range in page.records {
                #expect(try JSONValue(parsing: Array(page.bytes[range]))["$se_module"] == "Accounts")
            }
            let unread = await #expect(throws: MigratezError.self) {
                _ = try await source.readLinks(from: Self.stream, to: StreamName("Contacts")!, of: [])
            }
            #expect(unread?.code == .notSupported && unread?.hint?.contains("attachments_of") == true)
            let error = await #expect(throws: MigratezError.self) {
                _ = try await org.source(["attachments_of": "Nothing"]).discover([Self.stream])
            }
            #expect(error?.code == .invalidSetting)
        }
    }

    @Test func `a file that is gone is a rejection, one that is cut off is not`() async throws {
        try await ZohoOrg.run(.init(contacts: 10, files: 20)) { org in
            let source = try org.source(["attachments_of": "Contacts"])
            let page = try await source.readPage(of: Self.stream, fields: [], after: nil)
            let range = try #require(
                try page.records.first {
                    Int(try JSONValue(parsing: Array(page.bytes[$0]))["Size"]?.text ?? "") ?? 0 > 1000
                })
            let id = try #require(try JSONValue(parsing: Array(page.bytes[range]))["id"]?.text)
            let parts = id.split(separator: ":").map(String.init)
            let path = "/\(parts[0])/\(parts[1])/Attachments/\(parts[2])"
            org.server.faults.inject(FaultPlan.Rule(.resetMidBody, .next(1), pathPrefix: "/crm/v8" + path))
            let error = await #expect(throws: MigratezError.self) {
                try await source.readContent(of: Self.stream, id: id, record: page.bytes[range]) { _ in }
            }
            guard case .retry? = error?.remedy else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(try await org.send(.delete, path).status == 200)
            let rejection = await #expect(throws: Rejection.self) {
                try await source.readContent(of: Self.stream, id: id, record: page.bytes[range]) { _ in }
            }
            #expect(rejection?.code == .contentUnavailable)
        }
    }

    // MARK: As a destination

    private static func content(_ bytes: [UInt8]) -> RowContent {
        RowContent(field: "file", sha256: SHA256.digest(of: bytes), bytes)
    }

    private static func row(_ key: String, _ name: String, _ bytes: [UInt8], _ contact: String) -> Batch.Row {
        Batch.Row(
            key: key, fields: JSONValue.object([.init("File_Name", .string(name))]).serialized(),
            references: [.init(field: "Parent_Id", object: "Contacts", key: "c", targetID: contact)],
            content: content(bytes))
    }

    private static func bytes(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) } }

    @Test(arguments: [0, 1, 1000, RowContent.pieceBytesMax, 700_001])
    func `a file arrives as it is, and is read back`(size: Int) async throws {
        try await ZohoOrg.run { org in
            let contact = try await org.create("Contacts", ["Last_Name": "Ada"])
            let destination = try org.destination()
            #expect(destination.route(for: "Attachments", expectedRows: 100_000).recordsMax == 1)
            let name = "Ängebot \"für\" O'Brien; 100% 契約.pdf"
            let receipt = try await destination.put("Attachments", [Self.row("k", name, Self.bytes(size), contact)])[0]
            let id = try #require(receipt.id)
            #expect(receipt.isCreated)
            let own = String(id.split(separator: ":")[2])
            #expect(try org.simulator.content(ofAttachment: own) == Self.bytes(size))
            var back: [UInt8] = []
            try await destination.readContent(object: "Attachments", id: id) { back += $0 }
            #expect(back == Self.bytes(size))
            let read = try await destination.read(
                object: "Attachments", ids: [id, "Contacts:1:1"], fields: ["File_Name", "Parent_Id"])
            let values = try JSONValue(parsing: try #require(read.first).fields)
            #expect(read.count == 1 && values["File_Name"]?.text == name && values["Parent_Id"]?.text == contact)
            #expect(try await destination.referrers(object: "Contacts", ids: [contact]) == [contact: "Attachments"])
            let deletions = try await destination.delete(object: "Attachments", ids: [id, "Contacts:1:1"])
            #expect(deletions.map(\.result) == [.deleted, .absent])
            #expect(try await destination.delete(object: "Attachments", ids: [id]).map(\.result) == [.absent])
            #expect(try org.simulator.attachments().isEmpty)
        }
    }

    @Test func `a file whose answer was lost is found by name, size and author, and nobody else's is`() async throws {
        try await ZohoOrg.run { org in
            let contact = try await org.create("Contacts", ["Last_Name": "Ada"])
            let destination = try org.destination()
            let row = Self.row("k", "same.txt", Self.bytes(500), contact)
            // The same file was there before.
            let before = try await destination.put("Attachments", [row])
            let intent = KeptIntent()
            let path = "/crm/v8/Contacts/\(contact)/Attachments"
            org.server.faults.inject(.init(.commitThenDrop, .once, pathPrefix: path))
            let error = await #expect(throws: MigratezError.self) {
                _ = try await destination.put("Attachments", [row], intent: intent)
            }
            #expect(error?.leavesFateUnknown == true)
            org.server.faults.replace(with: FaultPlan())
            #expect(try org.simulator.attachments().count == 2)
            let found = try await org.destination().found("Attachments", [row], note: await intent.last)
            #expect(found.count == 1 && found[0].isCreated && found[0].id != before[0].id)
            let larger = Self.row("k", "same.txt", Self.bytes(501), contact)
            #expect(try await org.destination().found("Attachments", [larger], note: await intent.last).isEmpty)
            #expect(try await org.destination().found("Attachments", [row]).isEmpty)
        }
    }

    @Test func `a throttle only slows an upload, and what cannot be is refused by name`() async throws {
        try await ZohoOrg.run(nil) { options in
            options.fileBytesMax = 1000
        } _: { org in
            let contact = try await org.create("Contacts", ["Last_Name": "Ada"])
            let destination = try org.destination()
            org.server.faults.inject(
                .init(
                    .status(429, retryAfter: .seconds(1)), .next(4),
                    pathPrefix: "/crm/v8/Contacts/\(contact)/Attachments"))
            #expect(
                try await destination.put("Attachments", [Self.row("k", "a.txt", Self.bytes(1000), contact)])[0]
                    .isCreated)
            let large = try await destination.put("Attachments", [Self.row("l", "b.txt", Self.bytes(1001), contact)])
            #expect(large[0].rejection?.code == .contentTooLarge)
            let nobody = try await destination.put(
                "Attachments", [Self.row("m", "c.txt", Self.bytes(5), "554023000000999999")])
            #expect(nobody[0].rejection?.code == .parentNotLoaded && nobody[0].rejection?.fields == ["Parent_Id"])
            var orphan = Self.row("n", "d.txt", Self.bytes(5), contact)
            orphan.references = []
            let alone = try await destination.put("Attachments", [orphan])
            #expect(alone[0].rejection?.code == .requiredFieldMissing)
        }
    }

    @Test func `an attachment that is there keeps its bytes`() async throws {
        try await ZohoOrg.run { org in
            let contact = try await org.create("Contacts", ["Last_Name": "Ada"])
            let destination = try org.destination()
            let made = try await destination.put("Attachments", [Self.row("k", "a.txt", Self.bytes(10), contact)])
            var again = Self.row("k", "a.txt", Self.bytes(10), contact)
            again.targetID = made[0].id
            let same = try await destination.put("Attachments", [again])
            #expect(!same[0].isCreated && same[0].id == made[0].id)
            var other = Self.row("k", "a.txt", Self.bytes(11), contact)
            other.targetID = made[0].id
            #expect(try await destination.put("Attachments", [other])[0].rejection?.code == .ruleViolated)
        }
    }
}
