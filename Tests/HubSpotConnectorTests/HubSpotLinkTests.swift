// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezHubSpotConnector
import MigratezHubSpotSimulator
import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
import MigratezSyntheticCRM
import MigratezTestKit
import MigratezTransport
import Testing

struct HubSpotLinkTests {
    @Test(arguments: ["v3", "2026-09"])
    func `all links of every kind are read, with labels and the primary mark`(version: String) async throws {
        try await HubSpotAccount.run { account in
            let source = try account.source(["api_version": version])
            for kind in LinkKind.allCases {
                let edges = try await edges(source, kind.from, kind.to, account.ids(kind.from))
                #expect(Set(edges) == account.crm.edges(kind), "\(kind)")
                #expect(edges.count == Set(edges).count, "\(kind)")
            }
        }
    }

    @Test func `links of a record that has more than a page of them are read to the last page`() async throws {
        let counts = SyntheticCRM.Counts(
            contacts: 6_000, companies: 4, deals: 0, notes: 0, tasks: 0, calls: 0, meetings: 0, owners: 1)
        try await HubSpotAccount.run(counts) { account in
            let edges = try await edges(account.source(), .company, .contact, account.ids(.company))
            let forward = account.crm.edges(.contactToCompany).filter { edge in
                account.crm.index(of: .company, id: Int(edge.to)!) != nil
            }
            let turned = forward.map { Edge(from: $0.to, to: $0.from, isPrimary: $0.isPrimary, label: $0.label) }
            #expect(turned.count > 4_000)
            #expect(Set(edges) == Set(turned))
            #expect(edges.count == turned.count)
        }
    }

    private func edges(
        _ source: HubSpotSource, _ from: CRMObject, _ to: CRMObject, _ ids: [String]
    ) async throws -> [Edge] {
        let size = try #require(source.linkBatchSize(from: from.stream, to: to.stream))
        var edges: [Edge] = []
        for start in stride(from: 0, to: ids.count, by: size) {
            let batch = ids[start..<min(start + size, ids.count)].map { (id: $0, bytes: ArraySlice<UInt8>()) }
            edges += try await source.readLinks(from: from.stream, to: to.stream, of: batch)
        }
        return edges
    }

    @Test func `a link between companies counts at the child, where it leads to the parent`() async throws {
        let link: (Int, String) -> String = { id, type in
            #"{"toObjectId":\#(id),"associationTypes":[\#(type)]}"#
        }
        let answer = """
            {"results":[{"from":{"id":"1"},"to":[
            \(link(2, #"{"category":"HUBSPOT_DEFINED","typeId":13}"#)),
            \(link(3, #"{"category":"HUBSPOT_DEFINED","typeId":450},{"category":"HUBSPOT_DEFINED","typeId":14}"#)),
            \(link(4, #"{"category":"USER_DEFINED","typeId":14,"label":"Partner"}"#))]}]}
            """
        let http = StubHTTPClient { _, _ in HTTPResponse.page(answer) }
        let source = try HubSpotSource(
            settings: ConnectorSettings(secrets: ["auth.token": Secret("t")]), http: http,
            clock: ManualClock(advancesBySleeping: true))
        let company = CRMObject.company.stream
        let edges = try await source.readLinks(from: company, to: company, of: [(id: "1", bytes: [])])
        #expect(edges == [Edge(from: "1", to: "3")])
    }

    @Test func `records without links are no failure, any other partial answer is`() async throws {
        func edges(_ answer: String) async throws -> [Edge] {
            let http = StubHTTPClient { _, _ in HTTPResponse.page(answer, status: 207) }
            let source = try HubSpotSource(
                settings: ConnectorSettings(secrets: ["auth.token": Secret("t")]), http: http,
                clock: ManualClock(advancesBySleeping: true))
            return try await source.readLinks(
                from: CRMObject.deal.stream, to: CRMObject.contact.stream, of: [(id: "1", bytes: [])])
        }
        let none =
            #"{"results":[],"errors":[{"category":"OBJECT_NOT_FOUND","subCategory":"crm.associations.NO_ASSOCIATIONS_FOUND"}]}"#
        #expect(try await edges(none) == [])
        let some =
            #"{"results":[{"from":{"id":"1"},"to":[{"toObjectId":2,"associationTypes":[{"category":"USER_DEFINED","typeId":1,"label":null}]}]}],"errors":[]}"#
        #expect(try await edges(some) == [Edge(from: "1", to: "2")])
        for broken in [#"{"results":[],"errors":[{"category":"INTERNAL_ERROR"}]}"#, #"{"status":"COMPLETE"}"#] {
            _ = await #expect(throws: MigratezError.self) { try await edges(broken) }
        }
    }

    @Test func `links that are too many for one answer are asked for in halves`() async throws {
        let http = StubHTTPClient { request, _ in
            guard case .bytes(let body) = request.body else { return HTTPResponse(status: 400) }
            let ids = try JSONValue(parsing: body)["inputs"]?.elements.compactMap { $0["id"]?.text } ?? []
            guard ids.count <= 3 else { throw MigratezError(.responseTooLarge, "too large") }
            let results = ids.map { #"{"from":{"id":"\#($0)"},"to":[{"toObjectId":9,"associationTypes":[]}]}"# }
            return HTTPResponse.page(#"{"results":[\#(results.joined(separator: ","))]}"#)
        }
        let source = try HubSpotSource(
            settings: ConnectorSettings(secrets: ["auth.token": Secret("t")]), http: http,
            clock: ManualClock(advancesBySleeping: true))
        let records = (1...10).map { (id: String($0), bytes: ArraySlice<UInt8>()) }
        let edges = try await source.readLinks(from: CRMObject.deal.stream, to: CRMObject.contact.stream, of: records)
        #expect(edges.map(\.from) == records.map(\.id))
    }
}

extension HTTPResponse {
    static func page(_ text: String, status: Int = 200, headers: [HTTPHeader] = []) -> HTTPResponse {
        HTTPResponse(status: status, headers: HTTPHeaders(headers), body: Array(text.utf8))
    }
}
