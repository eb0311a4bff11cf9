// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezHubSpotSimulator
import MigratezJSON
import MigratezSimulatorKit
import MigratezSyntheticCRM
import Testing

/// A simulated account and the few words in which the tests speak to it, without a wire in between.
struct HubSpotAccount {
    let crm: SyntheticCRM
    let simulator: HubSpotSimulator

    init(_ counts: SyntheticCRM.Counts, seed: UInt64 = 11, options: HubSpotOptions = HubSpotOptions()) throws {
        crm = SyntheticCRM(seed: seed, counts: counts)
        simulator = try HubSpotSimulator(crm, options: options)
    }

    struct Answer {
        var status: Int
        var headers: SimulatorHeaders
        var body: JSONValue

        var ids: [String] { body["results"]?.elements.compactMap { $0["id"]?.text } ?? [] }
        var after: String? { body["paging"]?["next"]?["after"]?.text }
        var message: String { body["message"]?.text ?? "" }
    }

    func ask(
        _ method: SimulatorRequest.Method, _ target: String, _ body: JSONValue? = nil, token: String? = "t"
    ) async throws -> Answer {
        var headers: SimulatorHeaders = ["Host": "127.0.0.1"]
        if let token { headers["Authorization"] = "Bearer \(token)" }
        let response = await simulator.respond(
            to: SimulatorRequest(method: method, target: target, headers: headers, body: body?.serialized() ?? []))
        guard case .bytes(let bytes) = response.body else { throw HubSpotAccountError.streamed }
        let tree = bytes.isEmpty ? JSONValue.null : try JSONValue(parsing: bytes)
        return Answer(status: response.status, headers: response.headers, body: tree)
    }

    /// The ids of all pages, and the size of each page.
    func pages(_ path: String) async throws -> (ids: [String], sizes: [Int]) {
        var ids: [String] = []
        var sizes: [Int] = []
        var after: String?
        repeat {
            let cursor = after.map { "&after=" + PercentEncoding.encoded($0) } ?? ""
            let answer = try await ask(.get, path + cursor)
            try #require(answer.status == 200)
            ids += answer.ids
            sizes.append(answer.ids.count)
            after = answer.after
        } while after != nil
        return (ids, sizes)
    }

    /// The ids that a list must show.
    func expected(_ object: CRMObject, archived: Bool = false) -> [String] {
        (0..<crm.counts[object]).filter { crm.isArchived(object, at: $0) == archived }
            .map { String(crm.id(of: object, at: $0)) }
    }
}

enum HubSpotAccountError: Error { case streamed }
