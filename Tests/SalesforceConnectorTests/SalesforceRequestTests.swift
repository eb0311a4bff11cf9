// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCSV
import MigratezJSON
import MigratezModel
import MigratezSalesforceConnector
import MigratezTestKit
import Testing

/// What goes over the wire for a row, by either way.
@Suite struct SalesforceRequestTests {
    static let row = Batch.Row(
        key: "hubspot-contact-7",
        fields: Array(#"{"LastName":"Lovelace","Score":1.0,"Optout":false,"Phone":null}"#.utf8))

    private func body(_ request: CollectionRequest, _ row: Batch.Row, _ references: [RowReference]) -> String {
        String(decoding: request.body([row], references: { _ in references }), as: UTF8.self)
    }

    @Test func `an upsert names the object, carries our key and leaves values as they stand`() {
        let request = CollectionRequest(object: "Contact", operation: .upsert, stampField: "Migratez_Id__c")
        #expect(request.target.path == "/composite/sobjects/Contact/Migratez_Id__c")
        #expect(
            body(request, Self.row, [])
                == #"{"allOrNone":false,"records":[{"attributes":{"type":"Contact"},"#
                + #""Migratez_Id__c":"hubspot-contact-7","LastName":"Lovelace","Score":1.0,"Optout":false,"Phone":null}]}"#
        )
    }

    @Test func `an update goes by id and leaves out audit fields`() {
        var row = Self.row
        row.targetID = "0035000000K0gTNAAZ"
        row.fields = Array(#"{"CreatedDate":"2020-01-01T00:00:00Z","LastName":"L"}"#.utf8)
        let request = CollectionRequest(
            object: "Contact", operation: .update, stampField: "Migratez_Id__c", leavesOut: ["CreatedDate"])
        #expect(request.target.path == "/composite/sobjects")
        #expect(
            body(request, row, []).hasSuffix(
                #""Id":"0035000000K0gTNAAZ","Migratez_Id__c":"hubspot-contact-7","LastName":"L"}]}"#))
    }

    @Test func `references are written by id, by key, and by key with the type`() {
        let request = CollectionRequest(object: "Task", operation: .insert)
        let references: [RowReference] = [
            .id(field: "OwnerId", id: "005000000000001AAA"),
            .key(relationship: "Account", type: nil, stampField: "M__c", key: "a-1"),
            .key(relationship: "Who", type: "Contact", stampField: "M__c", key: "c-1"),
        ]
        let row = Batch.Row(key: "k", fields: Array("{}".utf8))
        #expect(
            body(request, row, references).hasSuffix(
                #"{"attributes":{"type":"Task"},"OwnerId":"005000000000001AAA","Account":{"M__c":"a-1"},"#
                    + #""Who":{"attributes":{"type":"Contact"},"M__c":"c-1"}}]}"#))
        #expect(references.map(\.column) == ["OwnerId", "Account.M__c", "Contact:Who.M__c"])
    }

    private func text(_ table: BulkTable) -> String {
        let upload = BulkUpload(table)
        var bytes: [UInt8] = []
        while let piece = upload.next() { bytes += piece }
        return String(decoding: bytes, as: UTF8.self)
    }

    private func table(
        _ rows: [Batch.Row], _ references: @escaping @Sendable (Batch.Row) -> [RowReference] = { _ in [] }
    )
        -> BulkTable
    {
        let request = CollectionRequest(object: "Contact", operation: .upsert, stampField: "M__c")
        return BulkTable(rows, request, references: references)
    }

    @Test func `a table has one column for each field of any row, null as #N/A and nothing as nothing`() {
        let table = table([
            Batch.Row(key: "a", fields: Array(#"{"LastName":"A, B","Phone":null}"#.utf8)),
            Batch.Row(key: "b", fields: Array(#"{"Email":"","LastName":"say \"hi\"\nthere"}"#.utf8)),
            Batch.Row(key: "c", fields: Array(#"{"N":1.50,"B":true}"#.utf8)),
        ]) { row in
            row.key == "c" ? [.key(relationship: "Account", type: nil, stampField: "M__c", key: "x")] : []
        }
        let text = text(table)
        #expect(
            text == """
                M__c,LastName,Phone,Email,N,B,Account.M__c
                a,"A, B",#N/A,,,,
                b,"say ""hi""
                there",,#N/A,,,
                c,,,,1.50,true,x

                """)
        #expect(table.byteCount == text.utf8.count)
        #expect(table.joinColumns == ["M__c"])
    }

    @Test(arguments: [0, 1, 2, 3000])
    func `the length is right for any number of rows, and pieces stay small`(_ count: Int) {
        let rows = (0..<count).map { number in
            Batch.Row(
                key: "k-\(number)", fields: Array(#"{"A":"\#(String(repeating: "é,", count: number % 97))"}"#.utf8))
        }
        let table = table(rows)
        let upload = BulkUpload(table)
        var length = 0
        while let piece = upload.next() {
            #expect(piece.count < BulkUpload.pieceBytes + 1024)
            length += piece.count
        }
        #expect(length == table.byteCount)
    }

    @Test func `a job is not given what it would misread`() {
        func carries(_ fields: String) -> Bool { BulkTable.carries(Batch.Row(key: "k", fields: Array(fields.utf8))) }
        #expect(carries(#"{"A":"text","B":1,"C":null,"D":true}"#))
        #expect(!carries(##"{"A":"#N/A"}"##))
        #expect(!carries(##"{"A":"\u0023N\/A"}"##))
        #expect(carries(##"{"A":"#N/A "}"##))
        #expect(!carries(#"{"A":{"B":1}}"#))
        #expect(!carries(#"{"A":[1]}"#))
        #expect(carries(#"{"A":"\#(String(repeating: "x", count: 31_998))"}"#))
        #expect(!carries(#"{"A":"\#(String(repeating: "x", count: 31_999))"}"#))
    }

    @Test(.enabled(if: corpus("strings") != nil, "the corpus of naughty strings is not here"))
    func `naughty strings come out of the table as they went in`() throws {
        let path = try #require(corpus("strings")) + "/blns.json"
        let strings = try JSONValue(parsing: readFile(path)).elements.compactMap(\.text)
        try #require(strings.count > 400)
        let rows = strings.enumerated().map { index, string in
            var writer = JSONWriter()
            writer.beginObject()
            writer.key("Text")
            writer.string(string)
            writer.endObject()
            return Batch.Row(key: "k-\(index)", fields: writer.bytes)
        }
        var reader = CSVReader(CSVDialect())
        let text = text(table(rows))
        var row = CSVRow()
        var read: [String] = []
        reader.feed(Array(text.utf8))
        while reader.next(&row) { read.append(row.text(1)) }
        reader.finish()
        while reader.next(&row) { read.append(row.text(1)) }
        #expect(read.dropFirst().elementsEqual(strings.map { $0.isEmpty ? "#N/A" : $0 }))
    }
}
