// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezSalesforceSimulator
import MigratezSimulatorKit
import MigratezTestKit
import Testing

/// Asks a simulated organisation without a network in between.
struct SalesforceClient {
    struct Answer {
        var status: Int
        var headers: SimulatorHeaders
        var bytes: [UInt8]

        var text: String { String(decoding: bytes, as: UTF8.self) }
        var json: JSONValue { (try? JSONValue(parsing: bytes)) ?? .null }
        /// The code of the first error.
        var errorCode: String? { json[0]?["errorCode"]?.text }
    }

    let simulator: SalesforceSimulator
    let clock: ManualClock
    var token = "test"

    init(_ change: (inout OrgOptions) -> Void = { _ in }, databasePath: String? = nil) throws {
        var options = OrgOptions()
        options.staticTokens = ["test"]
        change(&options)
        clock = ManualClock()
        simulator = try SalesforceSimulator(options: options, databasePath: databasePath, clock: clock)
    }

    /// A path that begins with `/` is taken as it is, others are below `/services/data/v67.0/`.
    func send(
        _ method: SimulatorRequest.Method, _ path: String, _ body: String = "", headers: [(String, String)] = []
    ) async -> Answer {
        await send(method, path, bytes: Array(body.utf8), headers: headers)
    }

    func send(
        _ method: SimulatorRequest.Method, _ path: String, bytes: [UInt8], headers: [(String, String)] = []
    ) async -> Answer {
        let target = path.hasPrefix("/") ? path : "/services/data/v67.0/" + path
        let fields = [("Authorization", "Bearer " + token), ("Host", "127.0.0.1:1")] + headers
        let response = await simulator.respond(
            to: SimulatorRequest(
                method: method, target: target, headers: SimulatorHeaders(fields.map { ($0.0, $0.1) }),
                body: bytes))
        guard case .bytes(let bytes) = response.body else {
            return Answer(status: response.status, headers: response.headers, bytes: [])
        }
        return Answer(status: response.status, headers: response.headers, bytes: bytes)
    }

    /// Creates a record and returns its id.
    func create(_ object: String, _ fields: String) async throws -> String {
        let answer = await send(.post, "sobjects/\(object)", fields)
        return try #require(answer.json["id"]?.text, "\(answer.text)")
    }

    /// Creates the field that holds a key of the client's.
    func addKey(to object: String, named name: String = "Key__c") async {
        let answer = await send(
            .post, "tooling/sobjects/CustomField",
            #"{"FullName":"\#(object).\#(name)","Metadata":{"type":"Text","label":"Key","length":255,"externalId":true,"#
                + #""unique":true,"caseSensitive":true}}"#)
        #expect(answer.status == 201, "\(answer.text)")
    }

    func query(_ soql: String, headers: [(String, String)] = []) async -> Answer {
        await send(.get, "query?q=" + PercentEncoding.encoded(soql), headers: headers)
    }

    /// The values of one field of all records that a query finds on its first page.
    func values(_ field: String, _ soql: String) async -> [String?] {
        await query(soql).json["records"]?.elements.map { $0[field]?.text } ?? []
    }

    /// Upserts records of one object by `Key__c`; each row is its members without the braces.
    func upsert(_ object: String, _ rows: [String], allOrNone: Bool = false) async -> [JSONValue] {
        let records = rows.map { #"{"attributes":{"type":"\#(object)"},\#($0)}"# }.joined(separator: ",")
        return await send(
            .patch, "composite/sobjects/\(object)/Key__c", #"{"allOrNone":\#(allOrNone),"records":[\#(records)]}"#
        ).json.elements
    }

    /// Runs a bulk job to its end and returns what it says about itself.
    func bulk(_ job: String, _ csv: String) async throws -> (id: String, info: JSONValue) {
        let id = try #require(await send(.post, "jobs/ingest", job).json["id"]?.text)
        #expect(await send(.put, "jobs/ingest/\(id)/batches", csv).status == 201)
        #expect(await send(.patch, "jobs/ingest/\(id)", #"{"state":"UploadComplete"}"#).status == 200)
        while true {
            let info = await send(.get, "jobs/ingest/\(id)").json
            if ["JobComplete", "Failed", "Aborted"].contains(info["state"]?.text) { return (id, info) }
            await Task.yield()
        }
    }
}

extension JSONValue {
    /// The code of the first error of a row.
    var rowError: String? { self["errors"]?[0]?["statusCode"]?.text }
}
