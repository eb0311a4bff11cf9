// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezSalesforceSimulator
import MigratezSimulatorKit
import Testing

@Suite struct `Salesforce simulator: files and notes` {
    /// `<p>Hi</p>`
    private static let content = "PHA+SGk8L3A+"

    @Test func `a file that ends in snote is a note under the document's id, stamped and repeatable`() async throws {
        let client = try SalesforceClient()
        await client.addKey(to: "ContentVersion")
        let row =
            #""Title":"HubSpot note","PathOnClient":"HubSpot note.snote","VersionData":"\#(Self.content)","Key__c":"n1""#
        let first = await client.upsert("ContentVersion", [row])
        #expect(first.map { $0["created"]?.bool } == [true])
        let again = await client.upsert("ContentVersion", [row])
        #expect(again.map { $0["created"]?.bool } == [false], "\(again)")
        #expect(try client.simulator.count(of: "ContentNote") == 1)
        #expect(try client.simulator.count(of: "ContentVersion") == 1)
        let versions = await client.values("ContentDocumentId", "SELECT ContentDocumentId FROM ContentVersion")
        let document = try #require(versions.first ?? nil)
        #expect(document.hasPrefix("069"))
        #expect(await client.values("Id", "SELECT Id FROM ContentNote WHERE Title = 'HubSpot note'") == [document])
        #expect(await client.send(.get, "sobjects/ContentNote/\(document)/Content").text == "<p>Hi</p>")
        var stored: [JSONValue] = []
        try client.simulator.records(of: "ContentNote") { stored.append(try JSONValue(parsing: $0)) }
        #expect(stored.map { $0["Content"]?.text } == [Self.content])
    }

    @Test func `a note can be written directly`() async throws {
        let client = try SalesforceClient()
        let id = try await client.create("ContentNote", #"{"Title":"T","Content":"\#(Self.content)"}"#)
        #expect(await client.send(.get, "sobjects/ContentNote/\(id)").json["FileType"]?.text == "SNOTE")
        #expect(await client.send(.patch, "sobjects/ContentNote/\(id)", #"{"Title":"U"}"#).status == 204)
        #expect(await client.values("Title", "SELECT Title FROM ContentDocument") == ["U"])
        #expect(await client.send(.delete, "sobjects/ContentDocument/\(id)").status == 204)
        #expect(try client.simulator.count(of: "ContentNote") == 0)
        #expect(try client.simulator.count(of: "ContentVersion") == 0)
    }

    @Test func `another file is no note, and a version can be added to it`() async throws {
        let client = try SalesforceClient()
        let account = try await client.create("Account", #"{"Name":"A"}"#)
        let file = #""PathOnClient":"offer.pdf","VersionData":"\#(Self.content)""#
        _ = try await client.create("ContentVersion", #"{\#(file),"FirstPublishLocationId":"\#(account)"}"#)
        let document = try #require(await client.values("Id", "SELECT Id FROM ContentDocument").first ?? nil)
        #expect(try client.simulator.count(of: "ContentNote") == 0)
        let links = "SELECT ContentDocumentId FROM ContentDocumentLink WHERE LinkedEntityId = '\(account)'"
        #expect(await client.values("ContentDocumentId", links) == [document])
        _ = try await client.create("ContentVersion", #"{\#(file),"ContentDocumentId":"\#(document)"}"#)
        #expect(
            await client.values("VersionNumber", "SELECT VersionNumber FROM ContentVersion WHERE IsLatest = true") == [
                "2"
            ])
    }

    @Test func `a link needs both ends and exists once`() async throws {
        let client = try SalesforceClient()
        let account = try await client.create("Account", #"{"Name":"A"}"#)
        let note = try await client.create("ContentNote", #"{"Title":"T"}"#)
        func link(_ document: String, _ entity: String) async -> SalesforceClient.Answer {
            await client.send(
                .post, "sobjects/ContentDocumentLink",
                #"{"ContentDocumentId":"\#(document)","LinkedEntityId":"\#(entity)","ShareType":"V"}"#)
        }
        #expect(await link(note, "001Mz0000000zzz").errorCode == "INVALID_CROSS_REFERENCE_KEY")
        #expect(await link(note, account).status == 201)
        #expect(await link(note, String(account.prefix(15))).errorCode == "DUPLICATE_VALUE")
        #expect(await client.send(.delete, "sobjects/Account/\(account)").status == 204)
        #expect(try client.simulator.count(of: "ContentDocumentLink") == 0)
    }

    @Test func `content must be base64, and there must be some`() async throws {
        let client = try SalesforceClient()
        let none = await client.send(.post, "sobjects/ContentVersion", #"{"PathOnClient":"a.snote"}"#)
        #expect(none.errorCode == "REQUIRED_FIELD_MISSING")
        let bad = await client.send(
            .post, "sobjects/ContentVersion", #"{"PathOnClient":"a.snote","VersionData":"<p>"}"#)
        #expect(bad.errorCode == "JSON_PARSER_ERROR")
    }

    @Test func `a file comes in two parts, and its bytes as they are`() async throws {
        let client = try SalesforceClient { $0.fileBytesMax = 1000 }
        let account = try await client.create("Account", #"{"Name":"A"}"#)
        let bytes = [UInt8]([0, 13, 10, 45, 45, 255])
        func send(_ record: String, field: String = "VersionData", _ bytes: [UInt8]) async -> SalesforceClient.Answer {
            let head =
                "--b 1\r\nContent-Disposition: form-data; name=\"entity_content\";\r\nContent-Type: application/json\r\n\r\n"
                + record + "\r\n--b 1\r\nContent-Type: application/octet-stream\r\n"
                + "Content-Disposition: form-data; name=\"\(field)\"; filename=\"a\"\r\n\r\n"
            return await client.send(
                .post, "sobjects/ContentVersion", bytes: Array(head.utf8) + bytes + Array("\r\n--b 1--\r\n".utf8),
                headers: [("Content-Type", "multipart/form-data; boundary=\"b 1\"")])
        }
        let record = #"{"PathOnClient":"a.bin","FirstPublishLocationId":"\#(account)"}"#
        let id = try #require(await send(record, bytes).json["id"]?.text)
        #expect(await client.send(.get, "sobjects/ContentVersion/\(id)/VersionData").bytes == bytes)
        #expect(await client.values("ContentSize", "SELECT ContentSize FROM ContentVersion") == ["6"])
        #expect(await send(record, []).errorCode == "REQUIRED_FIELD_MISSING")
        #expect(await send(record, field: "Title", bytes).errorCode == "INVALID_FIELD")
        #expect(await send(record, [UInt8](repeating: 1, count: 1001)).status == 413)
        #expect(await send("{", bytes).errorCode == "JSON_PARSER_ERROR")
        #expect(try client.simulator.count(of: "ContentVersion") == 1)
    }
}
