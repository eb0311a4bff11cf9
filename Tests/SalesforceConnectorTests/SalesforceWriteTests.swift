// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezSalesforceConnector
import MigratezSalesforceSimulator
import MigratezSimulatorKit
import MigratezTestKit
import Testing

/// Writing to a simulated org over real HTTP, by both ways.
@Suite(.serialized) struct SalesforceWriteTests {
    static let routes = ["collections", "bulk2"]

    /// Contacts of which each tenth has a name too long and each tenth plus one none at all.
    private func mixed(_ count: Int) -> Batch {
        var batch = contacts(count)
        for index in batch.rows.indices {
            switch index % 10 {
            case 0:
                batch.rows[index] = Batch.Row(
                    batch.rows[index].key, ["LastName": .string(String(repeating: "x", count: 81))])
            case 1: batch.rows[index] = Batch.Row(batch.rows[index].key, ["FirstName": "Nameless"])
            default: break
            }
        }
        return batch
    }

    @Test(arguments: routes)
    func `good rows are created, bad ones rejected, each joined by its key`(_ route: String) async throws {
        try await Sandbox.run { sandbox in
            let batch = mixed(500)
            let receipts = try await sandbox.write(batch, route)
            #expect(receipts.map(\.key) == batch.rows.map(\.key))
            #expect(tally(receipts) == ["created": 400, "MZ-LEN-01": 50, "MZ-REQ-01": 50])
            #expect(receipts[0].rejection?.fields == ["LastName"])
            let names = Dictionary(
                try sandbox.records("Contact").map { ($0["Migratez_Id__c"]?.text ?? "", $0) },
                uniquingKeysWith: { first, _ in first })
            for (index, receipt) in receipts.enumerated() where receipt.id != nil {
                let record = try #require(names[receipt.key])
                #expect(record["LastName"]?.text == "Name \(index)" && record["Id"]?.text == receipt.id)
            }
        }
    }

    @Test(arguments: routes)
    func `writing again creates nothing and brings values up to date`(_ route: String) async throws {
        try await Sandbox.run { sandbox in
            let first = try await sandbox.write(contacts(450), route)
            let second = try await sandbox.write(contacts(450, "New"), route)
            #expect(tally(first) == ["created": 450])
            #expect(tally(second) == ["updated": 450])
            #expect(first.map(\.id) == second.map(\.id))
            #expect(try sandbox.org.count(of: "Contact") == 450)
            #expect(try sandbox.records("Contact").allSatisfy { $0["LastName"]?.text?.hasPrefix("New ") == true })
        }
    }

    @Test(arguments: routes)
    func `rows find their parents by our key, and by id where the parent has none`(_ route: String) async throws {
        try await Sandbox.run { sandbox in
            let parents = try await sandbox.write(
                Batch(
                    object: "Account",
                    rows: (0..<2).map { Batch.Row("hubspot-company-\($0)", ["Name": .string("A \($0)")]) }))
            let unstamped = try await sandbox.destination.discover(["User"])
            #expect(unstamped.first?.holdsKey == false)
            let ids = parents.compactMap(\.id)
            var batch = contacts(420)
            for index in batch.rows.indices {
                // The second parent's key is wrong on purpose: its id still leads to it.
                batch.rows[index].references = [
                    Batch.Reference(
                        field: "AccountId", object: "Account",
                        key: index % 2 == 0 ? "hubspot-company-0" : "hubspot-company-unknown", targetID: ids[index % 2])
                ]
            }
            #expect(try await tally(sandbox.write(batch, route)) == ["created": 420])
            let byParent = Dictionary(
                try sandbox.records("Contact").map { ($0["AccountId"]?.text ?? "", 1) }, uniquingKeysWith: +)
            #expect(byParent == [ids[0]: 210, ids[1]: 210])
        }
    }

    @Test(arguments: routes)
    func `a known record is updated by its id and gets our key`(_ route: String) async throws {
        try await Sandbox.run { sandbox in
            let old = try await sandbox.write(contacts(410), route)
            let rows = old.enumerated().map { index, receipt in
                Batch.Row("hubspot-person-\(index)", ["LastName": "Renamed"], targetID: receipt.id)
            }
            #expect(try await tally(sandbox.write(Batch(object: "Contact", rows: rows), route)) == ["updated": 410])
            let records = try sandbox.records("Contact")
            #expect(records.count == 410)
            #expect(records.allSatisfy { $0["Migratez_Id__c"]?.text?.hasPrefix("hubspot-person-") == true })
        }
    }

    @Test func `rows that meet locks pass in the end`() async throws {
        var options = OrgOptions()
        options.lockShare = 0.4
        try await Sandbox.run(options) { sandbox in
            let parent = try await sandbox.write(
                Batch(object: "Account", rows: [Batch.Row("hubspot-company-0", ["Name": "A"])]))
            var batch = contacts(600)
            for index in batch.rows.indices {
                batch.rows[index].references = [
                    Batch.Reference(
                        field: "AccountId", object: "Account", key: "hubspot-company-0",
                        targetID: try #require(parent.first?.id))
                ]
            }
            let receipts = try await sandbox.write(batch, "bulk2")
            #expect(receipts.allSatisfy { $0.id != nil || $0.rejection?.code == .rowLocked })
            #expect((tally(receipts)["created"] ?? 0) > 500)
        }
    }

    @Test(arguments: ["commit-then-drop", "reset-mid-body", "drop", "status:503", "bad-json", "wrong-length"])
    func `a write that is cut off doubles nothing and still counts as created`(_ fault: String) async throws {
        try await Sandbox.run { sandbox in
            let plan = try FaultPlan(
                parsing: "\(fault)*2@/services/data/v67.0/composite/sobjects/Contact/Migratez_Id__c")
            for rule in plan.rules { sandbox.server.faults.inject(rule) }
            #expect(try await tally(sandbox.write(contacts(250))) == ["created": 250])
            #expect(try sandbox.org.count(of: "Contact") == 250)
            #expect(try sandbox.org.duplicates(of: "Contact", by: "Migratez_Id__c").isEmpty)
        }
    }

    @Test(arguments: [
        "drop*1@/services/data/v67.0/jobs", "status:503*3@/services/data/v67.0/jobs",
        "commit-then-drop*2@/services/data/v67.0/jobs", "reset-mid-body*1@/services/data/v67.0/jobs",
        "reset-mid-body=0.15@/services/data/v67.0/jobs", "commit-then-drop=0.15@/services/data/v67.0/jobs",
    ])
    func `a bulk job survives broken calls`(_ faults: String) async throws {
        try await Sandbox.run { sandbox in
            for rule in try FaultPlan(parsing: faults).rules { sandbox.server.faults.inject(rule) }
            let receipts = try await sandbox.write(contacts(450), "bulk2")
            #expect(receipts.allSatisfy { $0.id != nil })
            #expect(try sandbox.org.count(of: "Contact") == 450)
        }
    }

    @Test func `what a cut-off write had done is found by our key`() async throws {
        try await Sandbox.run { sandbox in
            let batch = contacts(300)
            _ = try await sandbox.write(Batch(object: "Contact", rows: Array(batch.rows[..<120])))
            let found = try await sandbox.resolve(batch)
            #expect(Set(found.map(\.key)) == Set(batch.rows[..<120].map(\.key)))
            #expect(found.allSatisfy { $0.id != nil })
        }
    }

    @Test func `a bulk job whose writer died tells what it did, even after it is gone`() async throws {
        try await Sandbox.run { sandbox in
            let batch = mixed(500)
            let receipts = try await sandbox.write(batch, "bulk2")
            let note = try #require(sandbox.intent.notes.last)
            #expect(note.hasPrefix("bulk2:"))
            // The job was removed after it was read; the records still answer.
            let found = try await sandbox.resolve(batch, note: note)
            #expect(Set(found.compactMap(\.id)) == Set(receipts.compactMap(\.id)))
        }
    }

    @Test func `audit fields are set on insert and never in the way of a repetition`() async throws {
        var options = OrgOptions()
        options.permitsAuditFields = true
        try await Sandbox.run(options) { sandbox in
            var batch = contacts(5)
            for index in batch.rows.indices {
                batch.rows[index] = Batch.Row(
                    batch.rows[index].key, ["LastName": "A", "CreatedDate": "2020-05-01T10:00:00Z"])
            }
            let first = try await sandbox.write(batch)
            let second = try await sandbox.write(batch)
            #expect(tally(first) == ["created": 5] && tally(second) == ["updated": 5])
            let dates = try sandbox.records("Contact").compactMap { $0["CreatedDate"]?.text }
            #expect(dates.count == 5 && dates.allSatisfy { $0.hasPrefix("2020-05-01T10:00") })
        }
    }

    @Test(.enabled(if: corpus("strings") != nil, "the corpus of naughty strings is not here"), arguments: routes)
    func `naughty strings arrive as they were sent`(_ route: String) async throws {
        let strings =
            try JSONValue(parsing: readFile(try #require(corpus("strings")) + "/blns.json")).elements
            .compactMap(\.text).filter { !$0.isEmpty } + ["#N/A", " padded ", "a,\"b\"\r\nc", "=1+1", "null"]
        try await Sandbox.run { sandbox in
            let rows = strings.enumerated().map { index, string in
                Batch.Row("k-\(index)", ["LastName": "L", "Description": .string(string)])
            }
            #expect(
                try await tally(sandbox.write(Batch(object: "Contact", rows: rows), route)) == ["created": rows.count])
            let stored = Dictionary(
                try sandbox.records("Contact").map { ($0["Migratez_Id__c"]?.text ?? "", $0["Description"]?.text) },
                uniquingKeysWith: { first, _ in first })
            for (index, string) in strings.enumerated() { #expect(stored["k-\(index)"] == string) }
        }
    }

    @Test(arguments: routes)
    func `null clears a field, and what is not named stays`(_ route: String) async throws {
        try await Sandbox.run { sandbox in
            let full = (0..<410).map { Batch.Row("k-\($0)", ["LastName": "L", "Phone": "1", "Title": "T"]) }
            let less = (0..<410).map { Batch.Row("k-\($0)", ["LastName": "L", "Phone": .null]) }
            _ = try await sandbox.write(Batch(object: "Contact", rows: full), route)
            _ = try await sandbox.write(Batch(object: "Contact", rows: less), route)
            #expect(
                try sandbox.records("Contact").allSatisfy { $0["Phone"] == .null && $0["Title"]?.text == "T" })
        }
    }

    @Test func `bulk jobs leave nothing behind`() async throws {
        try await Sandbox.run { sandbox in
            _ = try await sandbox.write(contacts(450), "bulk2")
            #expect(sandbox.calls("POST /jobs/ingest") == 1)
            #expect(sandbox.calls("DELETE /jobs/ingest/{job}") == 1)
        }
    }

    @Test func `records are deleted once, whatever gets in the way, and each has its answer`() async throws {
        try await Sandbox.run { sandbox in
            let ids = try await sandbox.write(contacts(450)).compactMap(\.id)
            try await Sandbox.createContact(sandbox, lastName: "Theirs", email: "t@x.test")
            sandbox.inject(.commitThenDrop, at: "/composite/sobjects")
            let wanted = Array(ids.dropLast(50))
            let deletions = try await sandbox.destination.delete(object: "Contact", ids: wanted)
            #expect(deletions.map(\.id) == wanted)
            // What the lost call had deleted is absent when it is asked again.
            #expect(deletions.allSatisfy { $0.result == .deleted || $0.result == .absent })
            #expect(deletions.count { $0.result == .deleted } == 200)
            let nothing = ["003000000000999AAA", "no id", ids[0]]
            let none = try await sandbox.destination.delete(object: "Contact", ids: nothing)
            #expect(none == nothing.map { Deletion(id: $0, result: .absent) })
            #expect(try sandbox.org.count(of: "Contact") == 51)
        }
    }

    @Test func `a note is deleted with its document and its links`() async throws {
        try await Sandbox.run { sandbox in
            let notes = Batch(
                object: "ContentNote", rows: (0..<2).map { Batch.Row("n-\($0)", ["Title": "T", "Content": "c"]) })
            let ids = try await sandbox.write(notes).compactMap(\.id)
            let deletions = try await sandbox.destination.delete(object: "ContentNote", ids: [ids[0]])
            #expect(deletions == [Deletion(id: ids[0], result: .deleted)])
            #expect(try sandbox.org.count(of: "ContentDocument") == 1)
            #expect(try await sandbox.destination.count(object: "ContentNote", keyPrefix: "n-") == 1)
        }
    }
}
