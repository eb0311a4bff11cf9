// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezChunkLines
import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezStaging

/// Writes one batch: the intent is durable before it is sent, the outcomes after.
///
/// A write whose fate is unknown is never repeated blindly: the destination is asked which rows it has, and only the
/// others are sent again.
struct BatchWrite: Sendable {
    let destination: any Destination
    let staging: StagingArea
    let target: LoadTarget
    let route: WriteRoute
    let clock: any WallClock
    /// How often rows are sent in all before the error is passed on.
    private static let attemptsMax = 4

    /// A row that was refused, for the rejects chunk.
    struct Refusal: Sendable {
        var row: LoadRow
        var rejection: Rejection
    }

    /// Sends the rows of the chunk and notes what became of them; gives back what was refused.
    func write(_ rows: [LoadRow], ofChunk sequence: Int) async throws -> [Refusal] {
        guard let first = rows.map(\.line).min(), let last = rows.map(\.line).max() else { return [] }
        let plan = WritePlan(route: route.name, updates: rows.filter { $0.row.targetID != nil }.map(\.line))
        let (stream, text) = (target.stream, plan.text)
        let batch = try await staging.manifest.commit { transaction in
            try transaction.openBatch(of: stream, chunkSequence: sequence, lines: first...last, route: text)
        }
        return try await send(rows, batch.id, plan)
    }

    /// Finds out what became of a batch that was cut off; rows that are not there are left to be sent again.
    func resolve(_ rows: [LoadRow], _ batch: StagedBatch) async throws -> [Refusal] {
        let plan = WritePlan(batch.route)
        // Rows that have their outcome are not among these; there may be none left.
        let receipts =
            rows.isEmpty
            ? []
            : try await destination.resolve(
                Batch(object: target.object, rows: rows.map(\.row)), by: route, note: batch.note)
        return try await settle(rows, receipts, batch.id, plan, isComplete: false)
    }

    private func send(_ rows: [LoadRow], _ batch: Int64, _ plan: WritePlan) async throws -> [Refusal] {
        var refusals: [Refusal] = []
        // Halves of a batch that was refused as a whole wait behind the first one.
        var parts = [rows]
        var attempt = 1
        while let part = parts.first {
            let intent = ManifestIntent(staging: staging, batch: batch)
            do {
                let receipts = try await destination.write(
                    Batch(object: target.object, rows: part.map(\.row)), by: route, intent: intent)
                refusals += try await settle(
                    part, receipts, batch, plan, isComplete: true, keepsOpen: parts.count > 1)
                parts.removeFirst()
                if parts.isEmpty { return refusals }
            } catch let error as MigratezError {
                let isRefused = error.remedy == .rejectRecord
                if !isRefused { try await pause(after: error, attempt: &attempt, batch) }
                // Some of the rows may have been written all the same.
                let known = try await destination.resolve(
                    Batch(object: target.object, rows: part.map(\.row)), by: route, note: await intent.lastNote)
                refusals += try await settle(part, known, batch, plan, isComplete: false, keepsOpen: true)
                let keys = Set(known.map(\.key))
                var rest = part.filter { !keys.contains($0.row.key) }
                if isRefused, rest.count == 1 {
                    refusals += rest.map { Refusal(row: $0, rejection: Rejection(error.code)) }
                    rest = []
                }
                let half = isRefused ? (rest.count + 1) / 2 : rest.count
                parts.replaceSubrange(0..<1, with: [Array(rest[..<half]), Array(rest[half...])].filter { !$0.isEmpty })
            }
        }
        try await staging.manifest.commit { try $0.settleBatch(batch) }
        return refusals
    }

    /// Waits before rows whose fate is unknown are looked up; passes the error on if it will not help.
    private func pause(after error: MigratezError, attempt: inout Int, _ batch: Int64) async throws {
        guard case .retry(let delay) = error.remedy, attempt < Self.attemptsMax else { throw error }
        attempt += 1
        try await staging.manifest.commit { try $0.doubtBatch(batch) }
        try await clock.sleep(for: min(delay ?? .seconds(1), .seconds(60)))
    }

    /// Notes the outcomes of the rows that have a receipt. Refused rows get theirs when the rejects chunk is sealed.
    private func settle(
        _ rows: [LoadRow], _ receipts: [Receipt], _ batch: Int64, _ plan: WritePlan, isComplete: Bool,
        keepsOpen: Bool = false
    ) async throws -> [Refusal] {
        var byKey: [String: Receipt] = [:]
        for receipt in receipts { byKey[receipt.key] = receipt }
        guard !isComplete || byKey.count == rows.count else {
            throw MigratezError(
                .internalError, "\(destination.name) gave \(byKey.count) receipts for \(rows.count) rows")
        }
        let updates = Set(plan.updates)
        var outcomes: [RecordOutcome] = []
        var links: [StreamName: [RecordOutcome]] = [:]
        var refusals: [Refusal] = []
        for row in rows {
            guard let receipt = byKey[row.row.key] else {
                guard !isComplete else {
                    throw MigratezError(.internalError, "\(destination.name) gave no receipt for a row")
                }
                continue
            }
            let outcome: Outcome
            let id: String
            switch receipt.result {
            case .created(let created):
                outcome = updates.contains(row.line) ? .updated : .created
                id = created
            case .updated(let updated):
                outcome = .updated
                id = updated
            case .rejected(let rejection):
                refusals.append(Refusal(row: row, rejection: rejection))
                continue
            }
            outcomes.append(
                RecordOutcome(
                    ordinal: row.record.ordinal, outcome: outcome,
                    sourceID: target.isLink ? nil : row.record.sourceID, targetID: id))
            for link in row.links {
                links[link.stream, default: []].append(RecordOutcome(ordinal: link.edge, outcome: .created))
            }
            for link in row.lostLinks { links[link.stream, default: []].append(LoadOutcomes.lost(link)) }
        }
        let (stream, settled, settledLinks) = (target.stream, outcomes, links)
        try await staging.manifest.commit { transaction in
            try LoadOutcomes.record(settled, links: settledLinks, of: stream, transaction)
            if !keepsOpen { try transaction.settleBatch(batch) }
        }
        return refusals
    }
}

/// How outcomes of the load are noted.
enum LoadOutcomes {
    static func record(
        _ outcomes: [RecordOutcome], links: [StreamName: [RecordOutcome]], of stream: StreamName,
        _ transaction: ManifestTransaction
    ) throws {
        try transaction.recordOutcomes(outcomes.sorted { $0.ordinal < $1.ordinal }, of: stream, in: .load)
        for (link, outcomes) in links {
            let sorted = outcomes.sorted { $0.ordinal < $1.ordinal }
            try transaction.recordOutcomes(sorted, of: link, in: .load)
            let rejects = sorted.filter { $0.outcome == .rejected }.map {
                Reject(ordinal: $0.ordinal, stage: .load, sourceID: nil, code: .parentNotLoaded)
            }
            try transaction.recordRejects(rejects, of: link)
        }
    }

    /// The outcome of a link whose other end was not loaded.
    static func lost(_ link: (stream: StreamName, edge: Int, isRejected: Bool)) -> RecordOutcome {
        RecordOutcome(ordinal: link.edge, outcome: link.isRejected ? .rejected : .skipped, code: .parentNotLoaded)
    }
}

/// What the manifest's `route` of a batch says: the way of writing, and the lines that update an existing record.
struct WritePlan {
    var route: String
    var updates: [Int]

    init(route: String, updates: [Int]) {
        self.route = route
        self.updates = updates
    }

    init(_ text: String) {
        let words = text.split(separator: " ")
        route = words.first.map(String.init) ?? ""
        updates = words.dropFirst().compactMap { Int($0) }
    }

    var text: String { ([route] + updates.map(String.init)).joined(separator: " ") }
}

/// Keeps what a connector notes in the manifest, and the last of it at hand.
private actor ManifestIntent: WriteIntent {
    private let staging: StagingArea
    private let batch: Int64
    private(set) var lastNote: String?

    init(staging: StagingArea, batch: Int64) {
        self.staging = staging
        self.batch = batch
    }

    func note(_ note: String) async throws {
        let batch = batch
        try await staging.manifest.commit { try $0.noteBatch(batch, note) }
        lastNote = note
    }
}
