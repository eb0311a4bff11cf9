// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezRESTSimulator
import MigratezSimulatorKit
import MigratezSyntheticCRM
import Testing

@Suite struct `Attio simulator, writing` {
    private let simulator: RESTSimulator

    init() throws {
        simulator = try RESTSimulator(.attio, SyntheticCRM(seed: 3, counts: .init(contacts: 20, companies: 5)))
    }

    private func ask(
        _ method: SimulatorRequest.Method, _ target: String, _ body: JSONValue? = nil
    ) async throws -> (status: Int, body: JSONValue) {
        let response = await simulator.respond(
            to: SimulatorRequest(
                method: method, target: "/v2/objects/\(target)", headers: ["Authorization": "Bearer t"],
                body: body?.serialized() ?? []))
        guard case .bytes(let bytes) = response.body else { return (response.status, .null) }
        return (response.status, bytes.isEmpty ? .null : try JSONValue(parsing: bytes))
    }

    private func values(_ values: JSONValue) -> JSONValue { ["data": ["values": values]] }

    private func addresses(_ body: JSONValue) -> [String] {
        (body["data"]?["values"]?["email_addresses"]?.elements ?? []).compactMap { $0["email_address"]?.text }
    }

    private func addKey(isUnique: Bool) async throws -> Int {
        try await ask(
            .post, "people/attributes",
            [
                "data": [
                    "title": "Key", "description": "", "api_slug": "key", "type": "text", "is_required": false,
                    "is_unique": .bool(isUnique), "is_multiselect": false, "config": [:],
                ]
            ]
        ).status
    }

    @Test func `a record is asserted by a unique attribute, once`() async throws {
        #expect(try await addKey(isUnique: true) == 200)
        #expect(try await addKey(isUnique: true) == 409)
        let target = "people/records?matching_attribute=key"
        let first = try await ask(.put, target, values(["key": "k1", "job_title": "One"]))
        let second = try await ask(.put, target, values(["key": "K1", "email_addresses": ["a@x.test"]]))
        let id = first.body["data"]?["id"]?["record_id"]
        #expect(id != nil && second.body["data"]?["id"]?["record_id"] == id)
        #expect(second.body["data"]?["values"]?["job_title"]?[0]?["value"]?.text == "One")
        #expect(second.body["data"]?["kept_key"] == nil)
        #expect(try await ask(.put, target, values(["job_title": "Nobody"])).body["code"]?.text == "missing_value")
        let other = try await ask(.put, "people/records?matching_attribute=job_title", values(["job_title": "x"]))
        #expect(other.status == 400)
    }

    @Test func `an attribute whose values may be shared matches nothing`() async throws {
        #expect(try await addKey(isUnique: false) == 200)
        let answer = try await ask(.put, "people/records?matching_attribute=key", values(["key": "k"]))
        #expect(answer.body["code"]?.text == "invalid_matching_attribute")
    }

    @Test func `PUT puts lists in the place of others, PATCH adds to them, and null clears`() async throws {
        let made = try await ask(.post, "people/records", values(["email_addresses": ["a@x.test"]]))
        let id = try #require(made.body["data"]?["id"]?["record_id"]?.text)
        let patched = try await ask(
            .patch, "people/records/\(id)", values(["email_addresses": ["b@x.test", "a@x.test"]]))
        #expect(addresses(patched.body) == ["a@x.test", "b@x.test"])
        let put = try await ask(.put, "people/records/\(id)", values(["email_addresses": ["c@x.test"]]))
        #expect(addresses(put.body) == ["c@x.test"])
        let cleared = try await ask(.put, "people/records/\(id)", values(["email_addresses": .null]))
        #expect(addresses(cleared.body).isEmpty)
        // What is cleared is free again.
        #expect(try await ask(.post, "people/records", values(["email_addresses": ["c@x.test"]])).status == 200)
        let taken = try await ask(.put, "people/records/\(id)", values(["email_addresses": ["C@x.test"]]))
        #expect(taken.status == 400 && taken.body["code"]?.text == "uniqueness_conflict")
    }

    @Test func `filters leave what they say, and unknown ones are refused`() async throws {
        for number in 1...4 {
            _ = try await ask(
                .post, "people/records",
                values(["email_addresses": [.string("f\(number)@x.test")], "job_title": .string("T\(number % 2)")]))
        }
        func found(_ filter: JSONValue) async throws -> Int {
            try await ask(.post, "people/records/query", ["filter": filter]).body["data"]?.elements.count ?? -1
        }
        #expect(try await found(["email_addresses": ["$in": ["f1@x.test", "F2@X.test", "f9@x.test"]]]) == 2)
        #expect(try await found(["job_title": "T1"]) == 2)
        #expect(try await found(["job_title": "T1", "email_addresses": "f1@x.test"]) == 1)
        let unknown = try await ask(.post, "people/records/query", ["filter": ["nothing": "x"]])
        #expect(unknown.status == 400)
    }

    @Test func `what is no name, no record and no attribute is refused`() async throws {
        for wrong: JSONValue in [
            ["name": ["first_name": "A"]], ["nothing": "x"],
            ["company": [["target_object": "companies", "target_record_id": "no id"]]],
            ["email_addresses": ["no address"]],
        ] {
            #expect(try await ask(.post, "people/records", values(wrong)).status == 400)
        }
        #expect(try await ask(.post, "people/records", ["data": [:]]).status == 400)
    }
}
