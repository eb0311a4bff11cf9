// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezCrypto
import MigratezJSON
import MigratezModel
import MigratezSalesforceConnector
import MigratezSalesforceSimulator
import MigratezSimulatorKit
import MigratezTestKit
import Testing

/// Files to and from a simulated org over real HTTP.
@Suite(.serialized) struct SalesforceFileTests {
    private static let object = "ContentVersion"

    @Test(arguments: [1, 3, RowContent.pieceBytesMax, RowContent.pieceBytesMax + 1, 1_000_001])
    func `the bytes arrive as they are, once however often they are sent`(_ length: Int) async throws {
        try await Sandbox.run { sandbox in
            let row = Self.row("f-1", Self.bytes(length))
            let first = try await sandbox.write(Batch(object: Self.object, rows: [row]), "multipart")
            let document = try #require(first.first?.id, "\(first)")
            #expect(first.map(\.word) == ["created"] && document.hasPrefix("069"))
            #expect(try await Self.content(sandbox, document) == Self.bytes(length))
            let again = try await sandbox.write(Batch(object: Self.object, rows: [row]), "multipart")
            #expect(again.map(\.word) == ["updated"] && again.map(\.id) == [document])
            #expect(try sandbox.org.count(of: Self.object) == 1)
            let read = try await sandbox.destination.read(object: Self.object, ids: [document], fields: ["Title"])
            #expect(read.map(\.key) == ["f-1"] && read.map(\.id) == [document])
        }
    }

    @Test func `other bytes are another version of the same document, other fields are not`() async throws {
        try await Sandbox.run { sandbox in
            let first = try await sandbox.write(
                Batch(object: Self.object, rows: [Self.row("f-1", Self.bytes(10))]), "multipart")
            let document = try #require(first.first?.id)
            var renamed = Self.row("f-1", Self.bytes(10), title: "Renamed")
            renamed.targetID = document
            renamed.content = nil
            #expect(try await sandbox.write(Batch(object: Self.object, rows: [renamed])).map(\.word) == ["updated"])
            #expect(try sandbox.records(Self.object).map { $0["Title"]?.text } == ["Renamed"])
            var changed = Self.row("f-1", Self.bytes(11))
            changed.targetID = document
            #expect(try await sandbox.write(Batch(object: Self.object, rows: [changed])).map(\.id) == [document])
            #expect(try await Self.content(sandbox, document) == Self.bytes(11))
            #expect(try sandbox.org.count(of: Self.object) == 2)
            #expect(try sandbox.org.count(of: "ContentDocument") == 1)
            // The key stays with the first version, and is the document's.
            let read = try await sandbox.destination.read(object: Self.object, ids: [document], fields: ["Title"])
            #expect(read.map(\.key) == ["f-1"])
            #expect(try await sandbox.destination.count(object: Self.object, keyPrefix: "f-") == 1)
            let deleted = try await sandbox.destination.delete(object: Self.object, ids: [document])
            #expect(deleted.map(\.result) == [.deleted])
            #expect(try sandbox.org.count(of: Self.object) == 0)
        }
    }

    @Test(arguments: [Fault.commitThenDrop, .drop, .status(503, retryAfter: nil), .badJSON])
    func `what is lost is sent again, and doubles nothing`(_ fault: Fault) async throws {
        try await Sandbox.run { sandbox in
            sandbox.inject(fault, at: "/sobjects/ContentVersion")
            let receipts = try await sandbox.write(
                Batch(object: Self.object, rows: [Self.row("f-1", Self.bytes(500_000))]), "multipart")
            #expect(receipts.map(\.word) == ["created"])
            #expect(try sandbox.org.count(of: Self.object) == 1)
            let document = try #require(receipts.first?.id)
            #expect(try await Self.content(sandbox, document) == Self.bytes(500_000))
            let row = Self.row("f-1", Self.bytes(500_000))
            #expect(try await sandbox.resolve(Batch(object: Self.object, rows: [row])).map(\.id) == [document])
        }
    }

    @Test func `an empty file, one that is too large and one without content are rejected by name`() async throws {
        var options = OrgOptions()
        options.fileBytesMax = 1000
        try await Sandbox.run(options) { sandbox in
            var bare = Self.row("f-3", [])
            bare.content = nil
            var words: [String] = []
            for row in [Self.row("f-1", []), Self.row("f-2", Self.bytes(1001)), bare] {
                let receipts = try await sandbox.write(Batch(object: Self.object, rows: [row]), "multipart")
                words += receipts.map(\.word)
                #expect(receipts.first?.rejection?.fields == ["VersionData"])
            }
            #expect(words == ["MZ-REQ-01", "MZ-LEN-02", "MZ-REQ-01"])
            #expect(try sandbox.org.count(of: "ContentDocument") == 0)
        }
    }

    @Test func `the latest versions are read with their links, and attachments besides`() async throws {
        try await Sandbox.run { sandbox in
            let account = try await Self.create(sandbox, "Account", ["Name": "A"])
            var first = Self.row("f-1", Self.bytes(700_000))
            let receipts = try await sandbox.write(Batch(object: Self.object, rows: [first]), "multipart")
            let document = try #require(receipts.first?.id)
            first = Self.row("f-1", Self.bytes(300_001))
            first.targetID = document
            _ = try await sandbox.write(Batch(object: Self.object, rows: [first]), "multipart")
            _ = try await Self.create(
                sandbox, "ContentDocumentLink",
                ["ContentDocumentId": .string(document), "LinkedEntityId": .string(account), "ShareType": "V"])
            let attachment = try await Self.create(
                sandbox, "Attachment", ["ParentId": .string(account), "Name": "old.txt", "Body": "b2xk"])
            let source = try makeSalesforceSource(sandbox.server.baseURL, clock: ManualClock(advancesBySleeping: true))
            let file = try #require(StreamName(Self.object))
            let accounts = try #require(StreamName("Account"))
            let old = try #require(StreamName("Attachment"))
            let schemas = try await source.discover([file, old, accounts])
            #expect(schemas.map { $0.content?.field } == ["VersionData", "Body", nil])
            #expect(schemas.allSatisfy { schema in schema.content.map { schema.field($0.field) == nil } ?? true })
            let sized = try await source.readRecords(of: old, ids: [attachment], fields: ["BodyLength"])
            let size = try sized.records.first.map { try JSONValue(parsing: Array(sized.bytes[$0])) }
            #expect(size?["BodyLength"] == .number("3"))
            for (stream, id, content) in [
                (file, document, Self.bytes(300_001)), (old, attachment, Array("old".utf8)),
            ] {
                let page = try await source.readPage(of: stream, fields: ["Title", "Name"], after: nil)
                let record = try #require(page.records.first.map { page.bytes[$0] })
                #expect(page.records.count == 1)
                let value = try JSONValue(parsing: Array(record))
                #expect(value[source.layout(of: stream).id]?.text == id)
                var read: [UInt8] = []
                try await source.readContent(of: stream, id: id, record: record) { piece in
                    #expect(piece.count <= 256 << 10)
                    read += piece
                }
                #expect(read == content)
                let links = try await source.readLinks(from: stream, to: accounts, of: [(id, record)])
                #expect(links.map(\.to) == [account])
                #expect(try await source.readRecords(of: stream, ids: [id], fields: []).records.count == 1)
                #expect(try await source.count(of: stream) == 1)
            }
        }
    }

    @Test func `a file that is gone is rejected, and one that is cut off is not taken for whole`() async throws {
        try await Sandbox.run { sandbox in
            let receipts = try await sandbox.write(
                Batch(object: Self.object, rows: [Self.row("f-1", Self.bytes(400_000))]), "multipart")
            let document = try #require(receipts.first?.id)
            let source = try makeSalesforceSource(sandbox.server.baseURL, clock: ManualClock(advancesBySleeping: true))
            let file = try #require(StreamName(Self.object))
            let page = try await source.readPage(of: file, fields: [], after: nil)
            let record = try #require(page.records.first.map { page.bytes[$0] })
            sandbox.inject(.resetMidBody, at: "/sobjects/ContentVersion")
            var count = 0
            await #expect(throws: MigratezError.self) {
                try await source.readContent(of: file, id: document, record: record) { count += $0.count }
            }
            #expect(count < 400_000)
            _ = try await sandbox.destination.delete(object: Self.object, ids: [document])
            let rejection = await #expect(throws: Rejection.self) {
                try await source.readContent(of: file, id: document, record: record) { _ in }
            }
            #expect(rejection?.code == .contentUnavailable)
        }
    }

    // MARK: Parts

    private static func bytes(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) } }

    private static func row(_ key: String, _ bytes: [UInt8], title: String = "T") -> Batch.Row {
        var row = Batch.Row(key, ["Title": .string(title), "PathOnClient": "Ängebot \"1\".bin"])
        row.content = RowContent(field: "VersionData", sha256: SHA256.digest(of: bytes), bytes)
        return row
    }

    private static func content(_ sandbox: Sandbox, _ document: String) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        try await sandbox.destination.readContent(object: object, id: document) { bytes += $0 }
        return bytes
    }

    private static func create(_ sandbox: Sandbox, _ object: String, _ fields: JSONValue) async throws -> String {
        let answer = try await OrgContent.post(sandbox.server.baseURL, "/sobjects/\(object)", fields)
        return try #require(answer["id"]?.text)
    }
}
