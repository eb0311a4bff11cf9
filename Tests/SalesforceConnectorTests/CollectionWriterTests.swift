// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezSalesforceConnector
import MigratezTestKit
import MigratezTransport
import Testing

/// Single calls that fail in every way there is.
@Suite struct CollectionWriterTests {
    private func write(_ org: ScriptedOrg, _ batch: Batch, clock: ManualClock? = nil) async throws -> [Receipt] {
        let destination = try makeDestination(org.url, clock: clock ?? ManualClock(advancesBySleeping: true))
        let route = destination.route(for: batch.object, expectedRows: batch.rows.count)
        #expect(route.name == "collections")
        return try await destination.write(batch, by: route, intent: RecordedIntent())
    }

    @Test func `each row gets one receipt, in the order of the rows`() async throws {
        let org = try ScriptedOrg { request, _ in ScriptedOrg.created(request) }
        let batch = contacts(200)
        let receipts = try await write(org, batch)
        #expect(receipts.map(\.key) == batch.rows.map(\.key))
        #expect(receipts[7].result == .created(id: ScriptedOrg.id(7)))
        #expect(org.calls.count == 1)
    }

    @Test(arguments: [0, 1, 199, 200, 201, 400, 401])
    func `rows travel two hundred a call`(_ count: Int) async throws {
        let org = try ScriptedOrg { request, _ in ScriptedOrg.created(request) }
        #expect(try await write(org, contacts(count)).count == count)
        #expect(org.calls.count == (count + 199) / 200)
    }

    @Test func `headers switch off assignment rules and say who calls`() async throws {
        let org = try ScriptedOrg { request, _ in ScriptedOrg.created(request) }
        _ = try await write(org, contacts(1))
        let call = try #require(org.calls.first)
        #expect(call.method == "PATCH")
        #expect(call.target == "/services/data/v67.0/composite/sobjects/Contact/Migratez_Id__c")
        #expect(call.header("Sforce-Auto-Assign") == "FALSE")
        #expect(call.header("Sforce-Call-Options") == "client=migratez")
        #expect(call.header("Sforce-Duplicate-Rule-Header") == "allowSave=false")
        #expect(call.header("Authorization") == "Bearer token-CANARY")
    }

    @Test func `a row that meets a lock is sent again alone, and passes`() async throws {
        let org = try ScriptedOrg { request, number in
            ScriptedOrg.collections(request) { record, index in
                number < 3 && record["LastName"]?.text == "Name 1"
                    ? #"{"success":false,"errors":[{"statusCode":"UNABLE_TO_LOCK_ROW","message":"busy","fields":[]}]}"#
                    : #"{"id":"\#(ScriptedOrg.id(index))","success":true,"created":true,"errors":[]}"#
            }
        }
        let clock = ManualClock(advancesBySleeping: true)
        let receipts = try await write(org, contacts(3), clock: clock)
        #expect(tally(receipts) == ["created": 3])
        #expect(org.calls.count == 3)
        #expect(clock.slept.count == 2)
    }

    @Test func `a row that stays locked is rejected as one that may pass later`() async throws {
        let org = try ScriptedOrg { request, _ in
            ScriptedOrg.collections(request) { _, _ in
                #"{"success":false,"errors":[{"statusCode":"UNABLE_TO_LOCK_ROW","message":"busy","fields":[]}]}"#
            }
        }
        let receipts = try await write(org, contacts(2))
        #expect(receipts.allSatisfy { $0.rejection?.code == .rowLocked && $0.rejection?.remedy == .retry(after: nil) })
        #expect(org.calls.count == 6)
    }

    @Test func `a call that one row spoils is halved until that row stands alone`() async throws {
        let org = try ScriptedOrg { request, _ in
            if String(decoding: request.body, as: UTF8.self).contains("Name 137") {
                return .text(400, #"[{"message":"Cannot deserialize","errorCode":"JSON_PARSER_ERROR"}]"#)
            }
            return ScriptedOrg.created(request)
        }
        let receipts = try await write(org, contacts(200))
        #expect(tally(receipts) == ["created": 199, "MZ-TYPE-01": 1])
        #expect(receipts[137].rejection?.vendorCode == "JSON_PARSER_ERROR")
        #expect(org.calls.count <= 17)
    }

    @Test func `a call that is too large is halved as well`() async throws {
        let org = try ScriptedOrg { request, _ in
            request.body.count > 4000 ? .text(413, "") : ScriptedOrg.created(request)
        }
        #expect(try await tally(write(org, contacts(200))) == ["created": 200])
    }

    @Test func `an error that is not about rows ends the write`() async throws {
        let org = try ScriptedOrg { _, _ in
            .text(404, #"[{"message":"no such thing","errorCode":"NOT_FOUND"}]"#)
        }
        let error = await #expect(throws: MigratezError.self) { try await write(org, contacts(200)) }
        #expect(error?.remedy == .fixConfiguration)
        #expect(org.calls.count == 1)
    }

    @Test func `a lost call is sent again, and what it had created is reported as created`() async throws {
        // The records were created within the minute by the clock of the test.
        let org = try ScriptedOrg { request, number in
            if number == 1 { return [.reset] }
            if request.target.contains("/query") {
                let records = (0..<2).map {
                    #"{"Id":"\#(ScriptedOrg.id($0))","Migratez_Id__c":"hubspot-contact-\#($0)","#
                        + #""CreatedDate":"2026-11-23T12:00:00.000+0000"}"#
                }
                return .text(200, #"{"done":true,"totalSize":2,"records":[\#(records.joined(separator: ","))]}"#)
            }
            return ScriptedOrg.collections(request) { _, index in
                #"{"id":"\#(ScriptedOrg.id(index))","success":true,"errors":[],"created":\#(index == 2)}"#
            }
        }
        #expect(try await tally(write(org, contacts(3))) == ["created": 3])
    }

    @Test func `records that were there long before the lost call count as updated`() async throws {
        let org = try ScriptedOrg { request, number in
            if number == 1 { return .text(503, "") }
            if request.target.contains("/query") {
                let record =
                    #"{"Id":"\#(ScriptedOrg.id(0))","Migratez_Id__c":"hubspot-contact-0","#
                    + #""CreatedDate":"2025-01-01T12:00:00.000+0000"}"#
                return .text(200, #"{"done":true,"totalSize":1,"records":[\#(record)]}"#)
            }
            return ScriptedOrg.collections(request) { _, index in
                #"{"id":"\#(ScriptedOrg.id(index))","success":true,"errors":[],"created":false}"#
            }
        }
        #expect(try await tally(write(org, contacts(1))) == ["updated": 1])
    }

    @Test func `a lost call of rows without a key is not sent again`() async throws {
        let org = try ScriptedOrg(stamped: false) { _, _ in [.reset] }
        let error = await #expect(throws: MigratezError.self) { try await write(org, contacts(3)) }
        #expect(error?.leavesAmbiguity == true)
        #expect(org.calls.count == 1)
        #expect(org.calls.first?.method == "POST")
    }

    @Test func `an answer with too few rows is not trusted`() async throws {
        let org = try ScriptedOrg(stamped: false) { _, _ in .text(200, "[]") }
        let error = await #expect(throws: MigratezError.self) { try await write(org, contacts(3)) }
        #expect(error?.code == .brokenResponse)
    }

    @Test func `a parent that is not known by our key is named by its id`() async throws {
        let org = try ScriptedOrg { request, _ in
            ScriptedOrg.collections(request) { record, index in
                record["Account"] != nil
                    ? #"{"success":false,"errors":[{"statusCode":"INVALID_FIELD","message":"Foreign key external ID: "#
                        + #"hubspot-company-1 not found for field Migratez_Id__c in entity Account","fields":[]}]}"#
                    : #"{"id":"\#(ScriptedOrg.id(index))","success":true,"errors":[],"created":true}"#
            }
        }
        let parent = Batch.Reference(
            field: "AccountId", object: "Account", key: "hubspot-company-1", targetID: "001000000000001AAA")
        let batch = Batch(object: "Contact", rows: [Batch.Row("k-1", ["LastName": "A"], references: [parent])])
        #expect(try await tally(write(org, batch)) == ["created": 1])
        let body = String(decoding: try #require(org.calls.last).body, as: UTF8.self)
        #expect(body.contains(#""AccountId":"001000000000001AAA""#))
    }

    @Test func `used-up requests are a pause, not a failure of rows`() async throws {
        let org = try ScriptedOrg { _, _ in
            .text(403, #"[{"message":"TotalRequests Limit exceeded.","errorCode":"REQUEST_LIMIT_EXCEEDED"}]"#)
        }
        let error = await #expect(throws: MigratezError.self) { try await write(org, contacts(2)) }
        #expect(error?.code == .quotaExhausted)
        #expect(error?.remedy == .waitForQuota(until: nil))
    }

    @Test func `no error names a value, a query or a token`() async throws {
        let org = try ScriptedOrg(stamped: false) { request, _ in
            request.target.contains("/query")
                ? .text(400, #"[{"message":"bad CANARY","errorCode":"MALFORMED_QUERY"}]"#)
                : .text(400, #"[{"message":"bad CANARY","errorCode":"INVALID_TYPE","fields":["LastName"]}]"#)
        }
        let written = await #expect(throws: MigratezError.self) { try await write(org, contacts(1, "CANARY")) }
        let destination = try makeDestination(org.url)
        let matched = await #expect(throws: MigratezError.self) {
            try await destination.match(object: "Contact", fields: ["LastName"], values: [["CANARY"]], returning: [])
        }
        #expect(written?.description.contains("INVALID_TYPE (LastName)") == true)
        #expect(![written, matched].contains { "\($0?.description ?? "")\($0?.hint ?? "")".contains("CANARY") })
    }
}

extension MigratezError {
    /// Whether the request may have been carried out.
    fileprivate var leavesAmbiguity: Bool { transportFailure != nil && !isSurelyNotSent }
}
