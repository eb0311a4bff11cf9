// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import MigratezPipeline
import MigratezSimulatorKit
import MigratezStaging
import MigratezTestKit
import Testing

/// What a vendor or the network between can do, one migration each, over real HTTP. Each fault has a named outcome, and
/// whatever it is, the organisation holds in the end exactly what it holds without any fault.
@Suite(.serialized) struct `Faults of the network and of vendors` {
    enum Outcome: Sendable {
        /// The run comes through by itself.
        case passes
        /// The run ends with this error; once the fault is over, it goes on.
        case ends(ErrorCode)
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var faults: String
        var outcome: Outcome
        var testDescription: String { faults }
    }

    private static func passing(_ faults: String...) -> [Case] { faults.map { Case(faults: $0, outcome: .passes) } }
    private static func ending(_ code: ErrorCode, _ faults: String...) -> [Case] {
        faults.map { Case(faults: $0, outcome: .ends(code)) }
    }

    /// What the source does to single requests for records, or to all from some time on.
    static let ofSource =
        passing(
            "drop*3@/crm", "commit-then-drop*3@/crm", "reset-after:100*3@/crm", "reset-mid-body*3@/crm",
            "stall*1@/crm", "black-hole*1@/crm", "trickle*2@/crm", "wrong-length*2@/crm", "bad-json*2@/crm",
            "html*2@/crm", "status:429:1s*2@/crm", "status:503:date+2s*2@/crm", "status:503:date-90s*2@/crm",
            #"status:429:"-5"*2@/crm"#, #"status:503:"soon"*1@/crm"#, "status:429*2@/crm", "status:502*2@/crm",
            "commit-then-drop=once@/crm")
        + ending(.throttled, #"status:429:"99999999999"*1@/crm"#, "status:503:date+7200s*1@/crm")
        + ending(.credentialsRejected, "status:401=1@/crm/v3/objects")
        + ending(.permissionMissing, "status:403*1@/crm/v3/objects")
        + ending(.requestRefused, "redirect*1@/crm/v3/objects", "status:400*1@/crm/v3/objects")
        + ending(.responseTooLarge, "gzip-bomb=1@/crm/v3/objects")
        + ending(.brokenResponse, "error-body=1@/crm/v3/objects", "html=1@/crm/v3/objects")
        + ending(.serverFailed, "status:503=1@/crm/v3/objects")

    /// What the destination does to requests that write or look up.
    static let ofTarget =
        passing(
            "drop*3@/services/data", "commit-then-drop*3@/services/data", "reset-mid-body*3@/services/data",
            "reset-after:20*2@/services/data", "stall*1@/services/data", "black-hole*1@/services/data",
            "trickle*2@/services/data", "wrong-length*2@/services/data",
            "status:503:1s*2@/services/data", "status:500*2@/services/data",
            "status:401*1@/services/data", "status:401=once@/services/data", "commit-then-drop=once@/services/data",
            "reset-mid-body=once@/services/data")
        + ending(.requestRefused, "redirect=1@/services/data")
        // Everything arrives, and no answer ever does: what was written is found by its keys afterwards.
        + ending(.brokenResponse, "commit-then-drop=1@/services/data/v67.0/composite")
        + ending(.brokenResponse, "bad-json*2@/services/data", "html*2@/services/data")
        + ending(.credentialsRejected, "status:401=1@/services/data")
        + ending(.serverFailed, "status:503=1@/services/data")

    @Test(.timeLimit(.minutes(2)), arguments: ofSource)
    func `of the source have their outcome`(_ row: Case) async throws { try await judge(row, ofSource: true) }

    @Test(.timeLimit(.minutes(2)), arguments: ofTarget)
    func `of the destination have their outcome`(_ row: Case) async throws { try await judge(row, ofSource: false) }

    private func judge(_ row: Case, ofSource: Bool) async throws {
        let undisturbed = try await Undisturbed.shared.picture()
        try await MainJobWorld.with(records: Undisturbed.records, http: HastyClient()) { world in
            let (run, setup) = try await world.begin()
            let server = ofSource ? world.hubspot : world.salesforce
            server.faults.replace(with: try FaultPlan(parsing: row.faults))
            var failure: MigratezError?
            do {
                try await RunExecution(run, setup, progress: SilentProgress()).execute([.extract, .transform, .load])
            } catch let error as MigratezError { failure = error }
            #expect(server.journal.counts.byFault.values.reduce(0, +) > 0, "no request was hit")
            switch row.outcome {
            case .passes: #expect(failure == nil, "\(failure.map(String.init(describing:)) ?? "")")
            case .ends(let code): #expect(failure?.code == code, "\(failure.map(String.init(describing:)) ?? "")")
            }
            try await run.close()
            if failure != nil {
                server.faults.replace(with: FaultPlan())
                try await world.resume()
            }
            let picture = try OrgPicture(world.org)
            #expect(picture == undisturbed, "\(picture.differences(from: undisturbed))")
        }
    }
}
