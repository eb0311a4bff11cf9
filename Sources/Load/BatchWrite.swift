// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezChunkLines
import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezStaging

/// Writes one batch: the intent and the values before the change are durable before it is sent, the outcomes after.
///
/// A write whose fate is unknown is never repeated blindly: the destination is asked which rows it has, and only the
/// others are sent again. Whether a record was created or updated is decided before the write and kept with the intent;
/// what the destination says of a second write counts only where nothing else tells.
struct BatchWrite: Sendable {
    let destination: any Destination
    let staging: StagingArea
    let target: LoadTarget
    let route: WriteRoute
    let census: Census
    let clock: any WallClock
    /// How often rows are sent in all before the error is passed on.
    private static let attemptsMax = 4

    /// A row that was refused, for the rejects chunk.
    struct Refusal: Sendable {
        var row: LoadRow
        var rejection: Rejection
    }

    /// What is known of a batch while it is under way.
    private struct Course {
        var batch: Int64
        var plan: WritePlan
        /// Lines that were sent before by a write whose fate was unknown.
        var doubtful: Set<Int>
        /// Whether another process sent it.
        var isCutOff = false
        /// Whether each row must have a receipt.
        var isComplete = true
        /// Whether more receipts of the batch are to come.
        var keepsOpen = false
    }

    /// Sends the rows of the chunk and notes what became of them; gives back what was refused.
    ///
    /// - Parameter doubtful: the lines that an earlier process sent, which were not found.
    func write(_ rows: [LoadRow], ofChunk sequence: Int, doubtful: Set<Int>) async throws -> [Refusal] {
        guard let first = rows.map(\.line).min(), let last = rows.map(\.line).max() else { return [] }
        let plan = WritePlan(route: route.name, rows: rows)
        let (stream, text) = (target.stream, plan.text)
        let images = BeforeImages(staging: staging, stream: target.stream)
        let batch = try await images.keep(rows, ofChunk: sequence) { transaction in
            try transaction.openBatch(of: stream, chunkSequence: sequence, lines: first...last, route: text).id
        }
        return try await send(rows, Course(batch: batch, plan: plan, doubtful: doubtful))
    }

    /// Finds out what became of a batch that was cut off; rows that are not there are left to be sent again.
    func resolve(_ rows: [LoadRow], _ batch: StagedBatch) async throws -> [Refusal] {
        let course = Course(
            batch: batch.id, plan: WritePlan(batch.route), doubtful: Set(rows.map(\.line)),
            isCutOff: true, isComplete: false)
        // A record that carried our key before is told by its id, so that its being there does not pass for a write.
        let existing = ExistingRecords(
            destination: destination, staging: staging, target: target, route: route, census: census)
        let held = rows.filter { course.plan.held.contains($0.line) && $0.row.targetID == nil }
        let others = rows.filter { !course.plan.held.contains($0.line) || $0.row.targetID != nil }
        let identified = held.isEmpty ? [] : try await existing.identified(held).filter { $0.row.targetID != nil }
        let rows = others + identified
        return try await settle(rows, try await whatBecame(of: rows, note: batch.note), course)
    }

    private func send(_ rows: [LoadRow], _ course: Course) async throws -> [Refusal] {
        var course = course
        var refusals: [Refusal] = []
        // Halves of a batch that was refused as a whole wait behind the first one.
        var parts = [rows]
        var attempt = 1
        while let part = parts.first {
            let intent = ManifestIntent(staging: staging, batch: course.batch)
            do {
                let receipts = try await destination.write(
                    Batch(object: target.object, rows: part.map(\.row)), by: route, intent: intent)
                course.keepsOpen = parts.count > 1
                refusals += try await settle(part, receipts, course)
                parts.removeFirst()
                if parts.isEmpty { return refusals }
            } catch let error as MigratezError {
                let isRefused = error.remedy == .rejectRecord
                if !isRefused { try await pause(after: error, attempt: &attempt, course.batch) }
                // Some of the rows may have been written all the same.
                let known = try await whatBecame(of: part, note: await intent.lastNote)
                course.doubtful.formUnion(part.map(\.line))
                var partly = course
                (partly.isComplete, partly.keepsOpen) = (false, true)
                refusals += try await settle(part, known, partly)
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
        let batch = course.batch
        try await staging.manifest.commit { try $0.settleBatch(batch) }
        return refusals
    }

    /// Waits before rows whose fate is unknown are looked up; passes the error on if it will not help. Batches that
    /// failed together wait up to twice as long, each by its number, so that they do not come back together.
    private func pause(after error: MigratezError, attempt: inout Int, _ batch: Int64) async throws {
        guard case .retry(let delay) = error.remedy, attempt < Self.attemptsMax else { throw error }
        attempt += 1
        try await staging.manifest.commit { try $0.doubtBatch(batch) }
        let wait = min(delay ?? .seconds(1), .seconds(60))
        try await clock.sleep(for: wait + wait * Int(batch % 8) / 8)
    }

    /// Asks the destination which of the rows it has; a row that is not in the answer was not written, or is of a
    /// record that existed before, for which a second write changes nothing.
    private func whatBecame(of rows: [LoadRow], note: String?) async throws -> [Receipt] {
        // Rows that have their outcome are not among these; there may be none left.
        guard !rows.isEmpty else { return [] }
        let receipts = try await destination.resolve(
            Batch(object: target.object, rows: rows.map(\.row)), by: route, note: note)
        guard target.fieldOf != nil else { return receipts }
        let known = Set(receipts.map(\.key))
        return try await receipts + linked(rows.filter { !known.contains($0.row.key) })
    }

    /// The links among these whose field holds what it is to hold.
    private func linked(_ rows: [LoadRow]) async throws -> [Receipt] {
        let names = Set(rows.flatMap { $0.row.references.map(\.field) }).sorted()
        let held = try await destination.records(
            of: target.object, ids: rows.compactMap(\.row.targetID), fields: names
        ).mapValues { $0.fields.withUnsafeBufferPointer { JSONValue(validated: $0) } }
        return rows.compactMap { row in
            guard let id = row.row.targetID, let fields = held[id],
                row.row.references.allSatisfy({ fields[$0.field]?.text == $0.targetID })
            else { return nil }
            return Receipt(key: row.row.key, result: .updated(id: id))
        }
    }

    /// Notes the outcomes of the rows that have a receipt. Refused rows get theirs when the rejects chunk is sealed.
    private func settle(_ rows: [LoadRow], _ receipts: [Receipt], _ course: Course) async throws -> [Refusal] {
        guard !course.isComplete || receipts.count == rows.count else {
            throw MigratezError(
                .internalError, "\(destination.name) gave \(receipts.count) receipts for \(rows.count) rows")
        }
        var outcomes: [RecordOutcome] = []
        var links: [StreamName: [RecordOutcome]] = [:]
        var refusals: [Refusal] = []
        outcomes.reserveCapacity(rows.count)
        let joined = JoinedReceipts(receipts, toRows: rows.count) { rows[$0].row.key }
        for number in rows.indices {
            let row = rows[number]
            guard let receipt = joined[number] else {
                guard !course.isComplete else {
                    throw MigratezError(.internalError, "\(destination.name) gave no receipt for a row")
                }
                continue
            }
            let id: String
            switch receipt.result {
            case .created(let created): id = created
            case .updated(let updated): id = updated
            case .rejected(let rejection):
                refusals.append(Refusal(row: row, rejection: rejection))
                continue
            }
            let isUpdate = isUpdate(row, receipt, course)
            outcomes.append(
                RecordOutcome(
                    ordinal: row.record.ordinal, outcome: isUpdate ? .updated : .created,
                    sourceID: target.isLink ? nil : row.record.sourceID, targetID: id))
            for (stream, outcome) in row.linkOutcomes(isUpdate: course.plan.held.contains(row.line)) {
                links[stream, default: []].append(outcome)
            }
        }
        let (stream, settled, settledLinks) = (target.stream, outcomes, links)
        let batch = course.keepsOpen ? nil : course.batch
        try await staging.manifest.commit { transaction in
            try LoadOutcomes.record(settled, links: settledLinks, of: stream, transaction)
            if let batch { try transaction.settleBatch(batch) }
        }
        return refusals
    }

    /// Whether the row's record was there before the run.
    private func isUpdate(_ row: LoadRow, _ receipt: Receipt, _ course: Course) -> Bool {
        if course.plan.isUpdate(row.line) { return true }
        if census == .disturbed, course.isCutOff { return true }
        // Only of an object without our key does the destination know better, at the first write: a link that its own
        // automation made.
        guard case .updated = receipt.result, census == .unknown, row.holder == nil else { return false }
        return !course.doubtful.contains(row.line)
    }
}

/// How outcomes of the load are noted.
enum LoadOutcomes {
    static func record(
        _ outcomes: [RecordOutcome], links: [StreamName: [RecordOutcome]], of stream: StreamName,
        _ transaction: ManifestTransaction
    ) throws {
        try transaction.recordOutcomes(inOrder(outcomes), of: stream, in: .load)
        for (link, outcomes) in links {
            let sorted = inOrder(outcomes)
            try transaction.recordOutcomes(sorted, of: link, in: .load)
            let rejects = sorted.filter { $0.outcome == .rejected }.map {
                Reject(ordinal: $0.ordinal, stage: .load, sourceID: nil, code: .parentNotLoaded)
            }
            try transaction.recordRejects(rejects, of: link)
        }
    }

    /// By ordinal; those of a batch are mostly in order already, and stay where they are.
    private static func inOrder(_ outcomes: [RecordOutcome]) -> [RecordOutcome] {
        let areSorted = outcomes.indices.dropFirst().allSatisfy { outcomes[$0 - 1].ordinal <= outcomes[$0].ordinal }
        return areSorted ? outcomes : outcomes.sorted { $0.ordinal < $1.ordinal }
    }
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
