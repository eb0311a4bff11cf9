// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezDynamicsConnector
import MigratezDynamicsSimulator
import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
import MigratezTestKit
import MigratezTransport
import Testing

/// What is special in writing to Dynamics.
@Suite struct DynamicsWriteTests {
    @Test func `new rows take one call, and a bad one among them a batch more`() async throws {
        try await DynamicsWorld.run { world in
            let destination = try await world.prepared(["contact"])
            var rows = (0..<50).map { Batch.Row("c-\($0)", ["lastname": .string("L\($0)")]) }
            #expect(try await destination.put("contact", rows).allSatisfy { $0.word == "created" })
            #expect(world.calls("POST /contacts/Microsoft.Dynamics.CRM.CreateMultiple") == 1)
            #expect(world.calls("POST /$batch") == 0)
            rows = (50..<60).map { Batch.Row("c-\($0)", ["lastname": .string("L\($0)")]) }
            rows[3] = Batch.Row("c-53", ["firstname": .string(String(repeating: "x", count: 51))])
            let receipts = try await destination.put("contact", rows)
            #expect(receipts.filter { $0.word == "created" }.count == 9)
            guard case .rejected(let rejection) = receipts[3].result else { throw Failure() }
            #expect(rejection.code == .tooLong && rejection.fields == ["firstname"])
            #expect(world.calls("POST /$batch") == 1)
            #expect(try world.environment.count(of: "contact") == 59)
        }
    }

    @Test(arguments: [["load.route": "batch"], [:]])
    func `a table without messages for many rows is written by batches, and any other where it is wanted`(
        _ settings: [String: String]
    ) async throws {
        var options = DynamicsOptions()
        if settings.isEmpty { options.tablesWithoutMultiple = ["contact"] }
        try await DynamicsWorld.run(options: options) { world in
            let destination = try await world.prepared(["contact"], settings)
            #expect(destination.route(for: "contact", expectedRows: 1).name == (settings["load.route"] ?? "multiple"))
            let long = String(repeating: "x", count: 51)
            let rows = (0..<20).map { Batch.Row("c-\($0)", ["lastname": $0 == 7 ? .string(long) : "L"]) }
            // The batch is carried out, and its answer is lost: the rest alone is sent again.
            world.inject(.commitThenDrop, at: "$batch")
            let first = try await destination.put("contact", rows)
            #expect(first.map(\.word) == (0..<20).map { $0 == 7 ? "MZ-LEN-01" : "created" })
            let again = try await destination.put("contact", rows)
            #expect(again.map(\.word) == (0..<20).map { $0 == 7 ? "MZ-LEN-01" : "updated" })
            #expect(Set(again.compactMap(\.id)) == Set(first.compactMap(\.id)))
            #expect(try world.environment.count(of: "contact") == 19)
            #expect(world.server.journal.counts.byRoute.keys.allSatisfy { !$0.hasSuffix("Multiple") })
        }
    }

    @Test func `notes take no column, and are known by ids that are made of our keys`() async throws {
        try await DynamicsWorld.run { world in
            let destination = try await world.prepared(["annotation", "account"])
            let schema = try await destination.discover(["annotation"])[0]
            #expect(!schema.holdsKey && destination.requirements(of: schema).isEmpty)
            let account = try await destination.put("account", [Batch.Row("a", ["name": "Acme"])])[0].id ?? ""
            let reference = Batch.Reference(field: "objectid", object: "account", key: "a", targetID: account)
            let rows = (0..<3).map {
                Batch.Row("hubspot-note-\($0)", ["notetext": .string("<p>\($0)</p>")], references: [reference])
            }
            let first = try await destination.put("annotation", rows)
            #expect(first.allSatisfy { $0.word == "created" })
            let again = try await world.destination().put("annotation", rows)
            #expect(again.allSatisfy { $0.word == "updated" } && again.map(\.id) == first.map(\.id))
            let route = destination.route(for: "annotation", expectedRows: 3)
            let found = try await world.destination().resolve(
                Batch(object: "annotation", rows: rows + [Batch.Row("hubspot-note-9", ["notetext": "x"])]), by: route,
                note: nil)
            #expect(Set(found.map(\.id)) == Set(first.map(\.id)))
            #expect(try world.environment.count(of: "annotation") == 3)
            let stored = try world.environment.records(of: "annotation")
            #expect(stored.allSatisfy { $0["_objectid_value"]?.text == account })
        }
    }

    @Test func `an answer that is lost doubles no note`() async throws {
        try await DynamicsWorld.run { world in
            let destination = try await world.prepared(["annotation"])
            world.inject(.commitThenDrop, at: "annotations/Microsoft")
            let receipts = try await destination.put("annotation", [Batch.Row("n", ["notetext": "once"])])
            #expect(receipts.map(\.word) == ["created"])
            #expect(try world.environment.count(of: "annotation") == 1)
        }
    }

    @Test func `deals are closed after they were made, and opened to be changed`() async throws {
        try await DynamicsWorld.run { world in
            let destination = try await world.prepared(["opportunity"])
            func put(_ fields: JSONValue) async throws -> String {
                try await destination.put("opportunity", [Batch.Row("d", fields)])[0].word
            }
            func state() throws -> [Int?] {
                let record = try world.record("opportunity", key: "d")
                return [record?["statecode"]?.int, record?["statuscode"]?.int]
            }
            #expect(try await put(["name": "Deal", "statecode": "1", "statuscode": "3"]) == "created")
            #expect(try state() == [1, 3])
            // Again, and with another name; it says nothing of its state, and keeps the one it has.
            #expect(try await put(["name": "Deal", "statecode": "1", "statuscode": "3"]) == "updated")
            #expect(try await put(["name": "Renamed"]) == "updated")
            #expect(try state() == [1, 3])
            #expect(try world.record("opportunity", key: "d")?["name"]?.text == "Renamed")
            #expect(try await put(["name": "Lost", "statecode": "2"]) == "updated")
            #expect(try state() == [2, 4])
            #expect(try await put(["name": "Open", "statecode": "0"]) == "updated")
            #expect(try state().first == 0)
        }
    }

    @Test func `tasks are completed, and a reason of another state is refused`() async throws {
        try await DynamicsWorld.run { world in
            let destination = try await world.prepared(["task"])
            let receipts = try await destination.put(
                "task",
                [
                    Batch.Row("t-1", ["subject": "Call", "statecode": "1", "statuscode": "5"]),
                    Batch.Row("t-2", ["subject": "Call", "statecode": "1", "statuscode": "6"]),
                    Batch.Row("t-3", ["subject": "Call", "statecode": "done"]),
                ])
            #expect(receipts.map(\.word) == ["created", "MZ-PICK-01", "MZ-PICK-01"])
            #expect(try world.record("task", key: "t-1")?["statecode"]?.int == 1)
        }
    }

    @Test func `a lookup that may lead to several tables is one field, and can be put back`() async throws {
        try await DynamicsWorld.run { world in
            let destination = try await world.prepared(["account", "contact"])
            let account = try await destination.put("account", [Batch.Row("a", ["name": "Acme"])])[0].id ?? ""
            let boss = try await destination.put("contact", [Batch.Row("b", ["lastname": "Boss"])])[0].id ?? ""
            func company() throws -> [String?] {
                let record = try world.record("contact", key: "c")
                return [
                    record?["_parentcustomerid_value"]?.text,
                    record?["_parentcustomerid_value@Microsoft.Dynamics.CRM.lookuplogicalname"]?.text,
                ]
            }
            let reference = Batch.Reference(field: "parentcustomerid", object: "account", key: "a", targetID: account)
            let id = try await destination.put("contact", [Batch.Row("c", [:], references: [reference])])[0].id ?? ""
            #expect(try company() == [account, "account"])
            let read = try await destination.read(object: "contact", ids: [id], fields: ["parentcustomerid"])
            #expect(String(decoding: read[0].fields, as: UTF8.self) == "{\"parentcustomerid\":\"\(account)\"}")
            _ = try await destination.put("contact", [Batch.Row("c", ["parentcustomerid": .string(boss)])])
            #expect(try company() == [boss, "contact"])
            _ = try await destination.put("contact", [Batch.Row("c", ["parentcustomerid": .null])])
            #expect(try company() == [nil, nil])
            let missing = JSONValue.string("00000009-0000-4000-8000-000000000009")
            let receipts = try await destination.put("contact", [Batch.Row("c", ["parentcustomerid": missing])])
            #expect(receipts.map(\.word) == ["MZ-REF-02"])
        }
    }

    @Test func `owners are users, and those who were disabled own nothing`() async throws {
        var options = DynamicsOptions()
        options.users = [
            .init(email: "here@acme.test", name: "Here"),
            .init(email: "gone@acme.test", name: "Gone", isEnabled: false),
        ]
        try await DynamicsWorld.run(options: options) { world in
            let destination = try await world.prepared(["account"])
            let people = try await destination.people()
            let here = try #require(people.first { $0.email == "here@acme.test" })
            let gone = try #require(people.first { $0.email == "gone@acme.test" })
            #expect(here.isActive && !gone.isActive)
            let receipts = try await destination.put(
                "account",
                [here, gone].map { Batch.Row($0.id, ["name": "A", "ownerid": .string($0.id)]) })
            #expect(receipts.map(\.word) == ["created", "MZ-REF-05"])
            #expect(try world.record("account", key: here.id)?["_ownerid_value"]?.text == here.id)
        }
    }

    @Test func `the time of creation is kept, and taken once`() async throws {
        try await DynamicsWorld.run { world in
            let destination = try await world.prepared(["account"])
            func put(_ time: String) async throws -> String {
                try await destination.put(
                    "account", [Batch.Row("a", ["name": "A", "overriddencreatedon": .string(time)])])[0].word
            }
            #expect(try await put("2015-03-01T12:00:00.123Z") == "created")
            #expect(try await put("2016-03-01T12:00:00Z") == "updated")
            #expect(try world.record("account", key: "a")?["createdon"]?.text == "2015-03-01T12:00:00Z")
        }
    }

    @Test func `values are sent in the types of their columns, or refused here`() async throws {
        try await DynamicsWorld.run { world in
            let destination = try await world.prepared(["account", "contact"])
            let calls = world.calls("POST /accounts/Microsoft.Dynamics.CRM.CreateMultiple")
            let receipts = try await destination.put(
                "account",
                [Batch.Row("a-1", ["numberofemployees": "many"]), Batch.Row("a-2", ["revenue": ["x": 1]])])
            #expect(receipts.map(\.word) == ["MZ-TYPE-01", "MZ-TYPE-01"])
            #expect(world.calls("POST /accounts/Microsoft.Dynamics.CRM.CreateMultiple") == calls)
            _ = try await destination.put(
                "account",
                [Batch.Row("a", ["name": 42, "numberofemployees": "7", "revenue": "1.50", "telephone1": ""])])
            let account = try #require(try world.record("account", key: "a"))
            #expect(account["name"] == "42" && account["numberofemployees"] == 7)
            #expect(account["revenue"] == .number("1.50") && account["telephone1"] == .null)
            _ = try await destination.put("contact", [Batch.Row("c", ["lastname": "L", "donotbulkemail": "true"])])
            #expect(try world.record("contact", key: "c")?["donotbulkemail"] == true)
        }
    }

    @Test func `custom logic is bypassed and duplicates are let through if the settings say so`() async throws {
        try await DynamicsWorld.run { world in
            let http = try sharedClient.get()
            let client = StubHTTPClient { request, _ in try await http.send(request) }
            let settings = ConnectorSettings(
                texts: [
                    "base_url": world.server.baseURL, "login_url": world.server.baseURL, "auth.tenant": "t",
                    "auth.client_id": "c", "load.bypass_logic": "true", "load.allow_duplicates": "true",
                ], secrets: ["auth.client_secret": Secret("s")])
            _ = try await world.prepared(["account"])
            let destination = try DynamicsDestination(settings: settings, http: client, clock: world.clock)
            _ = try await destination.put("account", [Batch.Row("a", ["name": "A"])])
            let write = try #require(client.requests.last)
            let headers = Dictionary(write.headers.map { ($0.name, $0.value) }) { first, _ in first }
            #expect(write.url.hasSuffix("CreateMultiple"))
            #expect(headers["MSCRM.BypassBusinessLogicExecution"] == "CustomSync,CustomAsync")
            #expect(headers["MSCRM.SuppressCallbackRegistrationExpanderJob"] == "true")
            #expect(headers["MSCRM.SuppressDuplicateDetection"] == "true")
        }
    }

    @Test func `a record that others refer to is named, and whose change was the last`() async throws {
        try await DynamicsWorld.run { world in
            let destination = try await world.prepared(["account", "contact"])
            let ids = try await destination.put(
                "account", (0..<3).map { Batch.Row("a-\($0)", ["name": .string("A\($0)")]) }
            ).compactMap(\.id)
            _ = try await destination.put(
                "contact",
                [
                    Batch.Row(
                        "c", ["lastname": "L"],
                        references: [.init(field: "parentcustomerid", object: "account", key: "a-1", targetID: ids[1])])
                ])
            #expect(try await destination.referrers(object: "account", ids: ids) == [ids[1]: "contact"])
            let changes = try await destination.lastChanges(object: "account", ids: ids)
            #expect(changes.count == 3 && changes.values.allSatisfy(\.isOurs))
        }
    }

    private struct Failure: Error {}
}
