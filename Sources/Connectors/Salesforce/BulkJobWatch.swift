// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezTransport

/// How a job of Bulk API 2.0 stands.
struct BulkJobStatus: Sendable {
    enum State: String, Sendable {
        case open = "Open"
        case uploadComplete = "UploadComplete"
        case inProgress = "InProgress"
        case jobComplete = "JobComplete"
        case failed = "Failed"
        case aborted = "Aborted"

        /// Nothing more will happen to it.
        var isFinal: Bool {
            switch self {
            case .open, .uploadComplete, .inProgress: false
            case .jobComplete, .failed, .aborted: true
            }
        }
    }

    var state: State
    var processed: Int
    var failed: Int
    /// The platform's words for why the whole job failed.
    var errorMessage: String
}

/// Looks at jobs of Bulk API 2.0 until they end.
struct BulkJobWatch: Sendable {
    enum Kind: String, Sendable { case ingest, query }

    let api: SalesforceAPI
    let kind: Kind
    let clock: any WallClock

    /// How the job stands; `nil` if there is no such job any more.
    func status(_ job: String) async throws -> BulkJobStatus? {
        let answer: JSONValue
        do {
            answer = try await api.json(api.request(.get, "/jobs/\(kind.rawValue)/\(job)", endpointClass: "bulk"))
        } catch let error as MigratezError where error.callRefused?.status == 404 {
            return nil
        }
        guard let state = answer["state"]?.text.flatMap(BulkJobStatus.State.init) else {
            throw MigratezError(.brokenResponse, "bulk job \(job) is in an unknown state", remedy: .retry(after: nil))
        }
        return BulkJobStatus(
            state: state, processed: answer["numberRecordsProcessed"]?.int ?? 0,
            failed: answer["numberRecordsFailed"]?.int ?? 0, errorMessage: answer["errorMessage"]?.text ?? "")
    }

    /// Waits until nothing more will happen to the job; `nil` if there is no such job any more.
    func wait(_ job: String) async throws -> BulkJobStatus? {
        let watch = JobWatch(
            clock: clock, pauses: .milliseconds(500) ... .seconds(20), place: "Setup, Bulk Data Load Jobs"
        ) { $0.mayPassAnew }
        return try await watch.wait("bulk job \(job)") { () -> BulkJobStatus?? in
            guard let status = try await status(job) else { return .some(nil) }
            guard status.state.isFinal else { return .none }
            return .some(status)
        }
    }
}
