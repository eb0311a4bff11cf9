// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezHubSpotSimulator
import MigratezJSON
import MigratezModel
import MigratezPipeline
import MigratezSimulatorKit
import MigratezStaging
import MigratezSyntheticCRM
import MigratezTestKit
import MigratezTransport
import Testing

/// People from a file into a HubSpot account, whose answer to a batch is 207 as soon as one row of it is refused, and whose
/// search knows nothing of what was written: every row has the outcome that is its own, whatever happens to the answers.
@Suite(.serialized) struct `Batches of mixed rows` {
    private static let count = 250
    private static let batches = "@/crm/v3/objects/contacts/batch/upsert"

    private static let pipeline = """
        migratez: 1
        name: people
        source: { connector: ndjson, objects: { person: { file: people.ndjson, id: id } } }
        target: { connector: hubspot, base_url: "${env:HUBSPOT_BASE_URL}", auth: { token: "${env:HUBSPOT_TOKEN}" } }
        objects: { person: { to: contact, fields: { email: email, lastname: name } } }
        gates: { quarantine: "<= 50%" }
        """

    /// Somebody who is in the account already.
    private static let resident = "resident@acme.test"

    /// What the account says to a row: every seventh address is none, every eleventh is the resident's.
    private static func refusal(of number: Int) -> ErrorCode? {
        if number % 7 == 3 { return .wrongType }
        return number % 11 == 10 ? .duplicate : nil
    }

    private static func line(_ number: Int) -> String {
        let address =
            switch refusal(of: number) {
            case .wrongType: "no address \(number)"
            case .duplicate: resident
            default: email(of: number)
            }
        return #"{"id":"p\#(number)","email":"\#(address)","name":"Person \#(number)"}"#
    }

    private static func email(of number: Int) -> String { "person.\(number)@acme.test" }

    @Test(
        .timeLimit(.minutes(2)),
        arguments: [
            ("", nil), ("commit-then-drop=once", nil), ("reset-mid-body=once", nil), ("trickle*2", nil),
            ("status:429:1s*2", nil), ("status:503:1s*2", nil), ("stall*1", nil),
            ("commit-then-drop=1", ErrorCode.brokenResponse), ("bad-json=1", .brokenResponse),
            ("status:401=1", .credentialsRejected), ("status:503=1", .serverFailed),
        ])
    func `get their own outcomes, and each record is there once`(_ fault: String, _ ending: ErrorCode?) async throws {
        let account = try HubSpotSimulator(
            SyntheticCRM(seed: 11, counts: .init()), options: HubSpotOptions(searchLag: .seconds(600)))
        let configuration = SimulatorServer.Configuration(clock: HurriedClock())
        try await withTemporaryFolder { folder in
            try await SimulatorServer.run(account, configuration: configuration) { server in
                try ((0..<Self.count).map(Self.line).joined(separator: "\n") + "\n")
                    .write(toFile: "\(folder)/people.ndjson", atomically: true, encoding: .utf8)
                try Self.pipeline.write(toFile: "\(folder)/pipeline.yaml", atomically: true, encoding: .utf8)
                let workplace = try Workplace(
                    environment: ["HUBSPOT_BASE_URL": server.baseURL, "HUBSPOT_TOKEN": "token"], clock: HurriedClock(),
                    http: try HastyClient(), stateFolder: "\(folder)/state")
                let connection = try await PlanConnection.open("\(folder)/pipeline.yaml", in: workplace)
                let setup = try await RunSetup.discover(
                    connection.plan, source: connection.source, destination: connection.destination)
                try await Self.moveIn(server)
                var run = try await Run.begin(connection, in: workplace) { _ in }
                if !fault.isEmpty { server.faults.replace(with: try FaultPlan(parsing: fault + Self.batches)) }
                do {
                    try await RunExecution(run, setup, progress: SilentProgress())
                        .execute([.extract, .transform, .load])
                    #expect(ending == nil, "the run came through")
                } catch let error as MigratezError {
                    #expect(error.code == ending, "\(error)")
                    try await run.close()
                    server.faults.replace(with: FaultPlan())
                    run = try await Run.reopen(RunRegistry(workplace).find(nil), connection, in: workplace) { _ in }
                    try await RunExecution(run, setup, progress: SilentProgress()).execute([.load])
                }
                #expect(fault.isEmpty || server.journal.counts.byFault.values.reduce(0, +) > 0, "no request was hit")
                try await Self.judge(run, server)
                try await run.close()
            }
        }
    }

    /// Holds each row's outcome and the account itself against the rule.
    private static func judge(_ run: Run, _ server: SimulatorServer) async throws {
        let stream = try #require(StreamName("person"))
        let (balances, outcomes, pending) = try await run.staging.manifest.read { view in
            (
                try view.reconciliation(), try view.outcomes(of: stream, from: 0, limit: .max),
                try view.chunks(kind: .ready).filter { ![.spent, .shredded].contains($0.state) }
            )
        }
        #expect(balances.allSatisfy(\.isClosed) && outcomes.count == count)
        #expect(pending.isEmpty, "\(pending.map(\.address))")
        for outcome in outcomes {
            let refusal = refusal(of: outcome.ordinal)
            #expect(outcome.code == refusal?.description, "row \(outcome.ordinal)")
            #expect((outcome.targetID == nil) == (refusal != nil), "row \(outcome.ordinal)")
        }
        let expected = (0..<count).filter { refusal(of: $0) == nil }.map(email(of:))
        #expect(try await emails(in: server).sorted() == (expected + [resident]).sorted())
    }

    private static func moveIn(_ server: SimulatorServer) async throws {
        let body: JSONValue = ["properties": ["email": .string(resident)]]
        let request = HTTPRequest(
            .post, "\(server.baseURL)/crm/v3/objects/contacts",
            headers: [HTTPHeader("Authorization", "Bearer token"), HTTPHeader("Content-Type", "application/json")],
            body: .bytes(body.serialized()))
        try #require(try await CurlClient(TransportConfiguration()).send(request).isSuccess)
    }

    /// The addresses of all contacts of the account, as its list tells them.
    private static func emails(in server: SimulatorServer) async throws -> [String] {
        let http = try CurlClient(TransportConfiguration())
        var found: [String] = []
        var after = ""
        repeat {
            let request = HTTPRequest(
                .get, "\(server.baseURL)/crm/v3/objects/contacts?limit=100&properties=email&after=\(after)",
                headers: [HTTPHeader("Authorization", "Bearer token")])
            let page = try JSONValue(parsing: try await http.send(request).body)
            found += (page["results"]?.elements ?? []).compactMap { $0["properties"]?["email"]?.text }
            after = page["paging"]?["next"]?["after"]?.text ?? ""
        } while !after.isEmpty && found.count < 10 * count
        return found
    }
}
