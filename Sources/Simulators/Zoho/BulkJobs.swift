// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
import Synchronization

/// Jobs of the bulk interface: how far each of them is by the clock, and what it leaves.
///
/// A job is kept as a document with `kind`, `module`, what was asked for (`request`), its `state` and, once it has ended, its
/// `result`; its archive is the document's content. It is carried out as a whole at the first request after its time.
struct BulkJobs {
    static let states = (waiting: "WAITING", completed: "COMPLETED", failed: "FAILURE")

    let organisation: Organisation
    let session: DocumentSession
    let userID: String
    let now: Timestamp

    func add(_ kind: String, _ module: String, _ request: JSONValue) throws -> String {
        let id = try session.insert(
            Organisation.Table.bulkJobs,
            [
                "kind": .string(kind), "module": .string(module), "request": request, "user": .string(userID),
                "state": .string(Self.states.waiting),
            ], at: now)
        organisation.bulkQueue.add(id, due: now.advanced(by: organisation.options.bulkDuration))
        return String(id)
    }

    /// The job, unless there is none of that kind or it is not kept any more.
    func job(_ id: String, _ kind: String) throws -> StoredDocument? {
        guard let number = Int64(id), let job = try session.document(Organisation.Table.bulkJobs, number),
            job.document["kind"]?.text == kind,
            now < job.createdAt.advanced(by: organisation.options.bulkLifetime)
        else { return nil }
        return job
    }

    /// `ADDED`, `QUEUED`, `IN PROGRESS`, or how the job has ended.
    func state(of job: StoredDocument) -> String {
        guard let state = job.document["state"]?.text, state == Self.states.waiting else {
            return job.document["state"]?.text ?? ""
        }
        let share = now.duration(since: job.createdAt) * 3
        let whole = organisation.options.bulkDuration
        return share < whole ? "ADDED" : share < whole * 2 ? "QUEUED" : "IN PROGRESS"
    }

    func archive(of job: StoredDocument) throws -> [UInt8]? {
        try session.content(Organisation.Table.bulkJobs, job.id)
    }

    /// Carries out the jobs whose time has come.
    func settle() throws {
        for id in organisation.bulkQueue.takeDue(at: now) {
            guard let job = try session.document(Organisation.Table.bulkJobs, id) else { continue }
            let hasFailed = organisation.bulkQueue.takeFailure()
            var document = job.document.members
            func set(_ name: String, _ value: JSONValue) {
                document.removeAll { $0.key == name }
                document.append(.init(name, value))
            }
            if hasFailed {
                set("state", .string(Self.states.failed))
            } else {
                let (result, archive) =
                    job.document["kind"] == "read"
                    ? try BulkReading(jobs: self).carryOut(job) : try BulkWriting(jobs: self).carryOut(job)
                set("state", .string(Self.states.completed))
                set("result", result)
                try session.keepContent(Organisation.Table.bulkJobs, id, archive)
            }
            try session.replace(Organisation.Table.bulkJobs, id, with: .object(document), at: job.createdAt)
        }
    }

    func person(_ id: String) -> JSONValue {
        ["name": .string(organisation.user(id)?.name ?? ""), "id": .string(id)]
    }

    /// Ten in a minute (zoho.com/crm/developer, "Bulk Read: Limitations").
    func takeDownload() throws(ZohoFailure) {
        guard organisation.bulkQueue.takeDownload(at: now, max: organisation.options.downloadsMax) else {
            throw ZohoFailure(429, "TOO_MANY_REQUESTS", "too many downloads in a minute")
        }
    }

    static func download(_ archive: [UInt8]) -> SimulatorResponse {
        SimulatorResponse(headers: ["Content-Type": "application/x-download;charset=UTF-8"], body: .bytes(archive))
    }

    static func notFound(_ status: Int) -> ZohoFailure {
        ZohoFailure(status, "RESOURCE_NOT_FOUND", "The requested resource doesn't exist.")
    }
}

/// What is to be done when, and the downloads of the last minute.
final class BulkQueue: Sendable {
    private struct State {
        var due: [(id: Int64, at: Timestamp)] = []
        var failures: Int
        var downloads: [Timestamp] = []
    }

    private let state: Mutex<State>

    /// - Parameter failures: how many jobs are to fail.
    init(failures: Int) { state = Mutex(State(failures: failures)) }

    func add(_ id: Int64, due: Timestamp) { state.withLock { $0.due.append((id, due)) } }

    func hasDue(at now: Timestamp) -> Bool { state.withLock { $0.due.contains { $0.at <= now } } }

    /// The ids of jobs whose time has come, in the order of their times.
    func takeDue(at now: Timestamp) -> [Int64] {
        state.withLock { state in
            let due = state.due.filter { $0.at <= now }.sorted { ($0.at, $0.id) < ($1.at, $1.id) }
            state.due.removeAll { $0.at <= now }
            return due.map(\.id)
        }
    }

    func takeFailure() -> Bool {
        state.withLock { state in
            guard state.failures > 0 else { return false }
            state.failures -= 1
            return true
        }
    }

    func takeDownload(at now: Timestamp, max: Int) -> Bool {
        state.withLock { state in
            state.downloads.removeAll { now.duration(since: $0) >= .seconds(60) }
            guard state.downloads.count < max else { return false }
            state.downloads.append(now)
            return true
        }
    }
}
