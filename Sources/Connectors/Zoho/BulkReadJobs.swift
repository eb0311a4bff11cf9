// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import Synchronization

/// Jobs that export a module as CSV, up to 200,000 records each.
///
/// Source: zoho.com/crm/developer, "Create Bulk Read Job", "Get Bulk Read Job Details", "Download Bulk Read Result" and
/// "Limitations"; zoho/crm-oas, `v8.0/bulk_read.json`.
struct BulkReadJobs: Sendable {
    static let recordsMax = 200_000

    /// What a job has exported.
    struct Result: Sendable {
        var records: Int
        var hasMore: Bool
        /// By which the records behind these are asked for; `nil` = by their page's number.
        var nextToken: String?
        var place: String
    }

    let calls: BulkCalls
    let watch: JobWatch

    /// Begins a job and returns its id. A second one after a lost answer costs 50 credits and changes nothing.
    ///
    /// - Parameter token: what the page before told; it is good for a day, as its records are. A page whose token is
    ///   refused is asked for by its number.
    func create(_ module: String, fields: [String], page: Int, token: String?) async throws -> String {
        var query: [JSONValue.Member] = [
            .init("module", ["api_name": .string(module)]), .init("fields", .array(fields.map { .string($0) })),
        ]
        query.append(token.map { .init("page_token", .string($0)) } ?? .init("page", .number(String(page))))
        let body: JSONValue = .object([.init("query", .object(query)), .init("file_type", "csv")])
        let answer: JSONValue
        do {
            answer = try await calls.post("/read", body, isRepeatable: true)
        } catch let error as MigratezError where token != nil && error.callRefused?.status == 400 {
            return try await create(module, fields: fields, page: page, token: nil)
        }
        guard let id = answer["data"]?[0]?["details"]?["id"]?.text, ZohoID.isID(id) else {
            throw MigratezError(.brokenResponse, "a new bulk read of \(module) has no id", remedy: .retry(after: nil))
        }
        return id
    }

    /// Waits for the job.
    ///
    /// - Returns: `nil` if there is no such job any more.
    func result(of job: String, _ module: String) async throws -> Result? {
        do {
            return try await watch.wait("bulk read \(job) of \(module)") { try await look(job, module) }
        } catch let error as MigratezError where Self.isGone(error) {
            return nil
        }
    }

    private func look(_ job: String, _ module: String) async throws -> Result? {
        guard let described = try await calls.get("/read/\(job)")["data"]?[0], let state = described["state"]?.text
        else {
            throw MigratezError(.brokenResponse, "bulk read \(job) tells no state", remedy: .retry(after: nil))
        }
        switch state {
        case "COMPLETED":
            let result = described["result"]
            guard let records = result?["count"]?.int, let hasMore = result?["more_records"]?.bool else {
                throw MigratezError(
                    .brokenResponse, "bulk read \(job) tells nothing of its result", remedy: .retry(after: nil))
            }
            return Result(
                records: records, hasMore: hasMore, nextToken: result?["next_page_token"]?.text,
                place: result?["download_url"]?.text ?? "/crm/bulk/\(calls.access.version)/read/\(job)/result")
        case "ADDED", "QUEUED", "IN PROGRESS": return nil
        default:
            throw MigratezError(
                .requestRefused, "bulk read \(job) of \(module) ended as \(state)", remedy: .fixConfiguration,
                hint: "run it again, or read with extract.api: coql")
        }
    }

    /// Whether an error says that a job or its result is not there any more: both are kept for a day.
    static func isGone(_ error: MigratezError) -> Bool {
        guard let refused = error.callRefused else { return false }
        return [404, 410].contains(refused.status) || refused.refusal.code == "RESOURCE_NOT_FOUND"
    }
}

/// Results of jobs that are being read piece by piece, packed as they came: only ten downloads are allowed in a minute.
/// In memory only, and none that is large.
final class BulkResults: Sendable {
    /// Of all of them together.
    static let bytesMax = 16 << 20

    struct Held: Sendable {
        var result: BulkReadJobs.Result
        var archive: [UInt8]
    }

    private let held = Mutex<[(job: String, held: Held)]>([])

    subscript(job: String) -> Held? { held.withLock { $0.first { $0.job == job }?.held } }

    /// The oldest ones make room.
    func keep(_ job: String, _ new: Held) {
        held.withLock { held in
            held.removeAll { $0.job == job }
            held.append((job, new))
            while held.reduce(0, { $0 + $1.held.archive.count }) > Self.bytesMax { held.removeFirst() }
        }
    }

    func drop(_ job: String) { held.withLock { $0.removeAll { $0.job == job } } }
}
