// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezSalesforceSimulator
import MigratezSimulatorKit
import Testing

@Suite struct `Salesforce simulator: bulk loading` {
    private static let upsert = #"{"object":"Contact","operation":"upsert","externalIdFieldName":"Key__c"}"#

    private func client() async throws -> SalesforceClient {
        let client = try SalesforceClient()
        await client.addKey(to: "Contact")
        return client
    }

    private func lines(_ answer: SalesforceClient.Answer) -> [String] {
        answer.text.split(separator: "\n").map(String.init)
    }

    @Test(arguments: [1, 199, 200, 201, 450]) func `every row is in exactly one of the results`(
        _ count: Int
    ) async throws {
        let client = try await client()
        let rows = (0..<count).map { "k\($0),\($0 % 10 == 3 ? "" : "L\($0)")" }
        let (id, info) = try await client.bulk(Self.upsert, "Key__c,LastName\n" + rows.joined(separator: "\n") + "\n")
        let bad = rows.filter { $0.hasSuffix(",") }.count
        #expect(info["state"]?.text == "JobComplete")
        #expect(info["numberRecordsProcessed"]?.int == count)
        #expect(info["numberRecordsFailed"]?.int == bad)
        let good = lines(await client.send(.get, "jobs/ingest/\(id)/successfulResults/"))
        let failed = lines(await client.send(.get, "jobs/ingest/\(id)/failedResults/"))
        #expect(good.first == #""sf__Id","sf__Created",Key__c,LastName"#)
        #expect(failed.first == #""sf__Id","sf__Error",Key__c,LastName"#)
        #expect(good.count - 1 == count - bad)
        #expect(failed.count - 1 == bad)
        #expect(
            failed.dropFirst().allSatisfy {
                $0.hasPrefix(",REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --,k")
            })
        let order = good.dropFirst().map { $0.split(separator: ",")[2] }
        #expect(Set(order).count == order.count)
        if count > 100 {
            #expect(
                order.map(String.init) != rows.filter { !$0.hasSuffix(",") }.map { String($0.prefix { $0 != "," }) })
        }
    }

    @Test func `an empty value leaves the field, and #NA makes it null`() async throws {
        let client = try await client()
        _ = try await client.create("Contact", #"{"LastName":"A","Key__c":"a","Title":"T","Department":"D"}"#)
        let (_, info) = try await client.bulk(Self.upsert, "Key__c,LastName,Title,Department\na,B,,#N/A\n")
        #expect(info["numberRecordsFailed"]?.int == 0)
        let read = await client.send(.get, "sobjects/Contact/Key__c/a").json
        #expect(read["LastName"]?.text == "B")
        #expect(read["Title"]?.text == "T")
        #expect(read["Department"]?.isNull == true)
    }

    @Test func `quotes, delimiters and line breaks in values arrive`() async throws {
        let client = try await client()
        let (id, _) = try await client.bulk(
            Self.upsert, "Key__c,LastName,Description\r\na,A,\"x \"\"y\"\", z\r\n🚀\"\r\n".replacing("\r\n", with: "\n"))
        #expect(await client.send(.get, "sobjects/Contact/Key__c/a").json["Description"]?.text == "x \"y\", z\n🚀")
        #expect(await client.send(.get, "jobs/ingest/\(id)/successfulResults/").text.contains("\"x \"\"y\"\", z\n🚀\""))
    }

    @Test func `columns name parents by external id`() async throws {
        let client = try await client()
        await client.addKey(to: "Account")
        await client.addKey(to: "Activity")
        let account = try await client.create("Account", #"{"Name":"Acme","Key__c":"p"}"#)
        let (_, contacts) = try await client.bulk(
            Self.upsert, "Key__c,LastName,Account.Key__c,Owner.Email\na,A,p,new.rep@acme.test\nb,B,nobody,\n")
        #expect(contacts["numberRecordsFailed"]?.int == 1)
        #expect(await client.values("AccountId", "SELECT AccountId FROM Contact") == [account])
        let (_, tasks) = try await client.bulk(
            #"{"object":"Task","operation":"insert"}"#, "Subject,Contact:Who.Key__c\nCall,a\n")
        #expect(tasks["numberRecordsFailed"]?.int == 0)
        let contact = await client.values("Id", "SELECT Id FROM Contact WHERE Owner.Email = 'new.rep@acme.test'")
        #expect(await client.values("WhoId", "SELECT WhoId FROM Task") == contact)
    }

    @Test(arguments: [
        ("Key__c,LastNam\na,A\n", "InvalidBatch : Field name not found : LastNam"),
        ("LastName\nA\n", "InvalidBatch : Field name not found : Key__c"),
        ("Key__c,LastName\r\na,A\r\n", "LineEnding is invalid on user data. Current LineEnding setting is LF"),
    ])
    func `an upload that cannot be read fails the job and leaves all rows unprocessed`(
        _ csv: String, _ message: String
    ) async throws {
        let client = try await client()
        let (id, info) = try await client.bulk(Self.upsert, csv)
        #expect(info["state"]?.text == "Failed")
        #expect(info["errorMessage"]?.text == message)
        #expect(try client.simulator.count(of: "Contact") == 0)
        #expect(await client.send(.get, "jobs/ingest/\(id)/unprocessedrecords/").status == 200)
    }

    @Test func `a job is asked at least twice, takes one upload, and can be removed when it is done`() async throws {
        let client = try await client()
        let id = try #require(await client.send(.post, "jobs/ingest", Self.upsert).json["id"]?.text)
        #expect(await client.send(.get, "jobs/ingest/\(id)").json["state"]?.text == "Open")
        #expect(await client.send(.get, "jobs/ingest/\(id)/failedResults/").errorCode == "INVALIDJOBSTATE")
        #expect(await client.send(.put, "jobs/ingest/\(id)/batches", "Key__c,LastName\na,A\n").status == 201)
        #expect(await client.send(.put, "jobs/ingest/\(id)/batches", "Key__c,LastName\nb,B\n").status == 400)
        let started = await client.send(.patch, "jobs/ingest/\(id)", #"{"state":"UploadComplete"}"#)
        #expect(started.json["state"]?.text == "UploadComplete")
        #expect(await client.send(.get, "jobs/ingest/\(id)").json["state"]?.text != "JobComplete")
        while await client.send(.get, "jobs/ingest/\(id)").json["state"]?.text != "JobComplete" { await Task.yield() }
        #expect(await client.send(.delete, "jobs/ingest/\(id)").status == 204)
        #expect(await client.send(.get, "jobs/ingest/\(id)").status == 404)
        #expect(try client.simulator.count(of: "Contact") == 1)
    }

    @Test func `an aborted job does nothing`() async throws {
        let client = try await client()
        let id = try #require(await client.send(.post, "jobs/ingest", Self.upsert).json["id"]?.text)
        #expect(await client.send(.put, "jobs/ingest/\(id)/batches", "Key__c,LastName\na,A\n").status == 201)
        #expect(
            await client.send(.patch, "jobs/ingest/\(id)", #"{"state":"Aborted"}"#).json["state"]?.text == "Aborted")
        #expect(await client.send(.patch, "jobs/ingest/\(id)", #"{"state":"UploadComplete"}"#).status == 400)
        #expect(try client.simulator.count(of: "Contact") == 0)
    }

    @Test func `files are not for bulk jobs`() async throws {
        let client = try SalesforceClient()
        let answer = await client.send(.post, "jobs/ingest", #"{"object":"ContentVersion","operation":"insert"}"#)
        #expect(answer.errorCode == "INVALIDENTITY")
    }

    @Test func `rows are updated and deleted by id`() async throws {
        let client = try await client()
        let id = try await client.create("Contact", #"{"LastName":"A"}"#)
        let (_, updated) = try await client.bulk(
            #"{"object":"Contact","operation":"update"}"#, "Id,Birthdate\n\(id),2000-02-29\n\(id.prefix(15)),soon\n")
        #expect(updated["numberRecordsFailed"]?.int == 1)
        #expect(await client.values("Birthdate", "SELECT Birthdate FROM Contact") == ["2000-02-29"])
        let (_, deleted) = try await client.bulk(
            #"{"object":"Contact","operation":"delete","lineEnding":"CRLF","columnDelimiter":"PIPE"}"#,
            "Id\r\n\(id)\r\n")
        #expect(deleted["numberRecordsFailed"]?.int == 0)
        #expect(try client.simulator.count(of: "Contact") == 0)
    }
}
