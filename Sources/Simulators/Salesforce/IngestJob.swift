// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Synchronization

/// A Bulk API 2.0 job that loads rows (crm-apis: Salesforce, section 6).
struct IngestJob: Sendable {
    enum Operation: String, Sendable {
        case insert, update, upsert, delete, hardDelete
    }

    enum State: String, Sendable {
        /// Valid next: uploadComplete, aborted.
        case open = "Open"
        /// Valid next: inProgress, aborted.
        case uploadComplete = "UploadComplete"
        /// Valid next: jobComplete, failed, aborted.
        case inProgress = "InProgress"
        /// Final.
        case jobComplete = "JobComplete"
        /// Final; rows may have been written before.
        case failed = "Failed"
        /// Final; rows may have been written before.
        case aborted = "Aborted"

        var isFinal: Bool { [.jobComplete, .failed, .aborted].contains(self) }
    }

    /// A row that was worked on: where it is in the upload, and what became of it.
    struct Outcome: Sendable {
        var range: Range<Int>
        var result: RowResult
    }

    let number: Int
    let operation: Operation
    let object: String
    let externalIDField: String?
    let format: BulkFormat
    let userID: String
    let created: Int64
    var state = State.open
    var modified: Int64
    /// The text that was uploaded; `nil` until it is.
    var upload: [UInt8]?
    var header = 0..<0
    var outcomes: [Outcome] = []
    /// Rows that were never worked on.
    var unprocessed: [Range<Int>] = []
    var failures = 0
    var errorMessage: String?
    /// How often it was asked for its state since the upload was complete.
    var polls = 0

    var id: RecordID { RecordID(prefix: "750", ordinal: Int64(number)) }
}

/// All ingest jobs, in memory: they do not survive a restart, as their results do not survive seven days.
final class IngestJobs: Sendable {
    private let state = Mutex<(next: Int, jobs: [Int: IngestJob])>((1, [:]))

    func add(_ make: (Int) -> IngestJob) -> IngestJob {
        state.withLock { state in
            let job = make(state.next)
            state.next += 1
            state.jobs[job.number] = job
            return job
        }
    }

    subscript(_ number: Int) -> IngestJob? { state.withLock { $0.jobs[number] } }

    /// Without the uploads, oldest first.
    var all: [IngestJob] { state.withLock { $0.jobs.values.sorted { $0.number < $1.number } } }

    func remove(_ number: Int) { state.withLock { $0.jobs[number] = nil } }

    /// Changes a job in place; `nil` if it is gone.
    func change<Result: Sendable>(_ number: Int, _ body: (inout IngestJob) -> Result) -> Result? {
        state.withLock { state in
            guard let index = state.jobs.index(forKey: number) else { return nil }
            return body(&state.jobs.values[index])
        }
    }
}
