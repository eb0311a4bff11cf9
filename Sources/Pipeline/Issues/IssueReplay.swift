// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezChunkLines
import MigratezModel
import MigratezStaging
import MigratezTransform

/// Brings rejected records back into the run, mapped by the pipeline file as it is now.
package struct IssueReplay: Sendable {
    private let run: Run
    private let setup: RunSetup

    package init(_ run: Run, _ setup: RunSetup) {
        self.run = run
        self.setup = setup
    }

    /// Puts the rejected records of one code (`nil` = all) into new ready chunks, which the load stage then takes.
    ///
    /// What the mapping refuses again stays rejected, and so does a record that lacks a link which the pipeline does not
    /// let it come without. The new chunk and the end of the old rejection are one commit.
    /// - Parameter ids: only records with these ids of the source.
    /// - Returns: how many records will be tried again, and how many stay rejected.
    /// - Throws: `badCorrections` if nothing is rejected, or nothing with the code, or an id is not one of a rejected
    ///   record.
    package func prepare(code: String?, ids: [String]? = nil) async throws -> (tried: Int, refused: Int) {
        try await run.requireNotUndone()
        let readying = Readying(run)
        try await readying.checkPhase()
        let rules = try await CorrectionRules.all(run, setup)
        if let code { try await check(code) }
        if let ids { try await check(ids, among: rules.map(\.stream)) }
        guard try await run.staging.manifest.read({ try !$0.rejectCounts().isEmpty }) else {
            throw MigratezError(
                .badCorrections, "no record of run \(run.id) is rejected", remedy: .fixConfiguration,
                hint: "migratez status \(run.id)")
        }
        var counts = (tried: 0, refused: 0)
        for rules in rules { try await replay(rules, code: code, ids: ids, readying, &counts) }
        return counts
    }

    /// The rejects of one stream, a thousand at a time; each thousand becomes a ready chunk.
    private func replay(
        _ rules: CorrectionRules, code: String?, ids: [String]?, _ readying: Readying,
        _ counts: inout (tried: Int, refused: Int)
    ) async throws {
        let lines = RejectLines(run.staging)
        var start = 0
        while true {
            let from = start
            let rejects = try await run.staging.manifest.read {
                try $0.rejects(of: rules.stream, code: code, ids: ids, from: from, limit: Readying.chunkRecordsMax)
            }
            guard let last = rejects.last else { return }
            start = last.ordinal + 1
            let found = try await lines.read(rejects, of: rules.stream).sorted { $0.key < $1.key }
            let ready = try found.compactMap { try rules.mapped($0.value) }
            try await readying.stage(ready, of: rules.stream, counts: rules.takeCounts())
            counts.tried += ready.count
            counts.refused += found.count - ready.count
        }
    }

    private func check(_ code: String) async throws {
        let codes = Set(try await run.staging.manifest.read { try $0.rejectCounts() }.map(\.code)).sorted()
        guard !codes.contains(code) else { return }
        throw MigratezError(
            .badCorrections,
            "no record of run \(run.id) is rejected with the code \(code)"
                + (closest(to: code, among: codes).map { ". Did you mean '\($0)'?" } ?? ""),
            remedy: .fixConfiguration, hint: "migratez issues ls \(run.id)")
    }

    private func check(_ ids: [String], among streams: [StreamName]) async throws {
        let known = try await run.staging.manifest.read { view in
            Set(try streams.flatMap { try view.rejectedIDs(of: $0, among: ids) })
        }
        let unknown = ids.filter { !known.contains($0) }
        guard unknown.isEmpty else {
            throw MigratezError(
                .badCorrections, "no rejected record has the id \(unknown.prefix(5).joined(separator: ", "))",
                remedy: .fixConfiguration, hint: "migratez issues ls \(run.id)")
        }
    }
}

/// Puts records into ready chunks again, so that the load stage takes them.
struct Readying: Sendable {
    /// A chunk of them is one commit.
    static let chunkRecordsMax = 1000

    private let run: Run

    init(_ run: Run) { self.run = run }

    /// Throws `wrongRunState` if the run was cancelled, or is past the point where records can be tried again.
    func checkPhase() async throws {
        let (phase, activity) = try await run.staging.manifest.read { (try $0.run().phase, try $0.run().activity) }
        guard activity != .cancelled else {
            throw MigratezError(
                .wrongRunState, "run \(run.id) was cancelled, so its rejected records stay as they are",
                remedy: .fixConfiguration,
                hint: "begin a new run: migratez run \(run.plan.file); "
                    + "or let go of what is staged: migratez confirm \(run.id) --abandon")
        }
        guard [.running, .loaded, .verified].contains(phase) else {
            throw MigratezError(
                .wrongRunState, "run \(run.id) is \(phase.rawValue), so nothing can be tried again",
                remedy: .fixConfiguration, hint: "begin a new run: migratez run \(run.plan.file)")
        }
    }

    /// Writes one chunk; in the same commit the records stop being rejected, and the run has something to load again.
    func stage(_ records: [CorrectionRules.Ready], of stream: StreamName, counts: [FieldCount]) async throws {
        guard !records.isEmpty else { return }
        let ordinals = records.map(\.line.ordinal)
        let links = records.flatMap { record in
            record.line.references.compactMap { reference in reference.link.map { ($0, reference.edge) } }
        }
        let tagged = records.filter(\.hasSubstituteOwner).map(\.line.ordinal)
        let ownerTag = run.plan.transform.people?.unmatched.tag
        _ = try await run.staging.withChunkWriter(stream, .ready) { transaction, chunk in
            try transaction.reopen(of: stream, ordinals: ordinals)
            try transaction.removeUnavailableContents(of: stream, ordinals: ordinals)
            for (link, edge) in links { try transaction.removeRejects(of: link, ordinals: edge.map { [$0] } ?? []) }
            try transaction.add(counts, of: stream)
            if let ownerTag, !tagged.isEmpty { try transaction.tag(tagged, of: stream, as: ownerTag) }
            try transaction.set(.load, of: stream, to: .running)
            try transaction.setNote(LateLinks.note(chunk.address), "")
            if try transaction.run().phase != .running { try transaction.advance(to: .running) }
        } _: { writer in
            var bytes: [UInt8] = []
            for record in records { record.line.append(to: &bytes) }
            try writer.append(bytes, records: records.count)
        }
    }
}
