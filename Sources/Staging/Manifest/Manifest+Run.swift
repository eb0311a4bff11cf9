// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB
package import MigratezModel

/// How far a run is on its way from the first page to the certificate. Each arrow is one commit.
///
/// ```
/// running → loaded ⇄ verified → confirmed → keysDestroyed → unlinked → residueChecked → certified
///    └─────────┴──── abandoned ────▲
/// ```
package enum RunPhase: String, Sendable, Codable, CaseIterable {
    /// Stages are at work, or may be.
    case running
    /// Every record has its outcome.
    case loaded
    /// What was loaded has been read back.
    case verified
    /// A person, or a policy that a person wrote, has let go of the staged data.
    case confirmed
    /// No chunk of the run can be opened any more, by anybody.
    case keysDestroyed = "keys_destroyed"
    /// The files are gone, and the ids from the manifest.
    case unlinked
    /// It was checked that nothing is left.
    case residueChecked = "residue_checked"
    /// The certificate is written. Final.
    case certified

    /// Whether there is an arrow from this phase to `next`; a run that is given up is confirmed from any phase before.
    package func canBecome(_ next: RunPhase) -> Bool {
        switch (self, next) {
        case (.running, .loaded), (.loaded, .verified), (.verified, .confirmed): true
        case (.running, .confirmed), (.loaded, .confirmed): true
        // A later look found differences.
        case (.verified, .loaded): true
        // A replay of rejects, or a resumed stage, begins again.
        case (.loaded, .running), (.verified, .running): true
        case (.confirmed, .keysDestroyed), (.keysDestroyed, .unlinked), (.unlinked, .residueChecked): true
        case (.residueChecked, .certified): true
        default: false
        }
    }
}

/// What the run is doing, apart from how far it is.
package enum RunActivity: String, Sendable, Codable, CaseIterable {
    /// A process works on it, or did when it was killed.
    case active
    /// It waits, for quota or on request; `resume` goes on.
    case paused
    /// Somebody stopped it, state saved.
    case interrupted
    /// It ended with an error, state saved.
    case failed
    /// It ended in good order.
    case finished
    /// Somebody ended it for good; what is staged stays until it is shredded.
    case cancelled
}

/// What a run is, as it is noted when it begins.
package struct RunDescription: Sendable, Hashable {
    /// The name of the pipeline.
    package var pipeline: String
    /// The digest of the plan, such as `sha256:5c1e…`.
    package var digest: String
    /// The source connector's name.
    package var source: String
    /// The destination connector's name.
    package var destination: String
    /// What is to become of the staged data; a pipeline file that is changed later changes nothing about it.
    package var retention: RetentionPolicy

    package init(
        pipeline: String, digest: String, source: String, destination: String,
        retention: RetentionPolicy = RetentionPolicy()
    ) {
        self.pipeline = pipeline
        self.digest = digest
        self.source = source
        self.destination = destination
        self.retention = retention
    }
}

/// One run as the manifest knows it.
package struct RunStatus: Sendable, Hashable {
    package var id: RunID
    package var description: RunDescription
    package var phase: RunPhase
    package var activity: RunActivity
    /// Why it is in this activity: the text of an `ErrorCode`.
    package var activityCode: String?
    /// The same for people.
    package var activityMessage: String?
    /// When a paused run can go on, if that is known.
    package var resumesAt: Timestamp?
    package var createdAt: Timestamp
    package var changedAt: Timestamp
    /// Who let go of the data, once somebody did.
    package var confirmation: Confirmation?
    /// Until when the data is kept, if that was requested.
    package var retention: Retention?
}

/// Who let go of the staged data, and on what ground.
package struct Confirmation: Sendable, Hashable {
    /// A person's name, or `policy`.
    package var person: String
    /// What it rests on: `verified`, `policy retention.shred: after_verify`, `abandoned: …`.
    package var basis: String
    package var confirmedAt: Timestamp
}

/// An explicit request to keep the staged data for some time.
package struct Retention: Sendable, Hashable {
    package var until: Timestamp
    package var person: String
    package var reason: String
    package var requestedAt: Timestamp
}

extension ManifestView {
    /// The run that this manifest is about.
    ///
    /// Throws `runNotFound` if the process ended before it noted the run: then there is a manifest, which may not even
    /// have its tables if the disk was full, but no data.
    package func run() throws -> RunStatus {
        guard try database.tableExists("run"), let row = try Row.fetchOne(database, sql: "SELECT * FROM run") else {
            throw MigratezError(
                .runNotFound, "the run was cut off before it began, and holds no data", remedy: .fixConfiguration,
                hint: "begin another one: migratez run PIPELINE.yaml")
        }
        let resumesAt: Int64? = row["resumes_at"]
        return RunStatus(
            id: try decoded(RunID(row["id"]), "id"),
            description: RunDescription(
                pipeline: row["pipeline"], digest: row["digest"], source: row["source"],
                destination: row["destination"], retention: try retentionPolicy()),
            phase: try decoded(RunPhase(rawValue: row["phase"]), "phase"),
            activity: try decoded(RunActivity(rawValue: row["activity"]), "activity"),
            activityCode: row["activity_code"], activityMessage: row["activity_message"],
            resumesAt: resumesAt.map { Timestamp(milliseconds: $0) },
            createdAt: Timestamp(milliseconds: row["created_at"]),
            changedAt: Timestamp(milliseconds: row["changed_at"]),
            confirmation: try confirmation(), retention: try retention())
    }

    private func confirmation() throws -> Confirmation? {
        try Row.fetchOne(database, sql: "SELECT * FROM confirmation").map { row in
            Confirmation(
                person: row["person"], basis: row["basis"],
                confirmedAt: Timestamp(milliseconds: row["confirmed_at"]))
        }
    }

    private func retention() throws -> Retention? {
        try Row.fetchOne(database, sql: "SELECT * FROM retention").map { row in
            Retention(
                until: Timestamp(milliseconds: row["until"]), person: row["person"], reason: row["reason"],
                requestedAt: Timestamp(milliseconds: row["requested_at"]))
        }
    }
}

extension ManifestTransaction {
    /// Notes the run; called once, by `StagingArea.create`.
    func insertRun(_ id: RunID, _ description: RunDescription) throws {
        try execute(
            """
            INSERT INTO run (id, pipeline, digest, source, destination, phase, activity, created_at, changed_at)
            VALUES (?, ?, ?, ?, ?, 'running', 'active', ?, ?)
            """,
            [
                id.text, description.pipeline, description.digest, description.source, description.destination,
                now.milliseconds, now.milliseconds,
            ])
        try insert(description.retention)
    }

    /// Takes the run one arrow further; throws `wrongRunState` if there is none from where it is. Being there already
    /// is fine, so that a step can be entered again. `confirmed` is reached through `confirm` only.
    package func advance(to phase: RunPhase) throws {
        precondition(phase != .confirmed, "a run is confirmed by somebody: use confirm(by:basis:)")
        try move(to: phase)
    }

    /// Lets go of the staged data.
    ///
    /// - Parameter isAbandoned: gives up a run that was not verified.
    package func confirm(by person: String, basis: String, isAbandoned: Bool = false) throws {
        let phase = try run().phase
        if phase == .confirmed { return }
        guard phase == .verified || isAbandoned else { throw wrongState(phase, .confirmed) }
        try move(to: .confirmed)
        try execute(
            "INSERT INTO confirmation (only, person, basis, confirmed_at) VALUES (1, ?, ?, ?)",
            [person, basis, now.milliseconds])
        try audit(actor: person, action: "confirm", detail: basis)
    }

    /// Notes what the run is doing, with the reason.
    package func setActivity(
        _ activity: RunActivity, code: ErrorCode? = nil, message: String? = nil, resumesAt: Timestamp? = nil
    ) throws {
        try execute(
            "UPDATE run SET activity = ?, activity_code = ?, activity_message = ?, resumes_at = ?, changed_at = ?",
            [activity.rawValue, code?.description, message, resumesAt?.milliseconds, now.milliseconds])
    }

    /// Keeps the staged data until then: no shredding before. Only on somebody's explicit request.
    package func retain(until: Timestamp, by person: String, reason: String) throws {
        let phase = try run().phase
        guard [.running, .loaded, .verified, .confirmed].contains(phase) else { throw wrongState(phase, .confirmed) }
        try execute(
            "INSERT OR REPLACE INTO retention (only, until, person, reason, requested_at) VALUES (1, ?, ?, ?, ?)",
            [until.milliseconds, person, reason, now.milliseconds])
        try audit(actor: person, action: "retain", detail: "until \(until): \(reason)")
    }

    /// Ends a retention before its time.
    package func endRetention(by person: String, reason: String) throws {
        if try execute("DELETE FROM retention", []) > 0 {
            try audit(actor: person, action: "end retention", detail: reason)
        }
    }

    private func move(to phase: RunPhase) throws {
        let current = try run().phase
        if current == phase { return }
        guard current.canBecome(phase) else { throw wrongState(current, phase) }
        try execute("UPDATE run SET phase = ?, changed_at = ?", [phase.rawValue, now.milliseconds])
    }

    private func wrongState(_ current: RunPhase, _ wanted: RunPhase) -> MigratezError {
        MigratezError(
            .wrongRunState, "the run is \(current.rawValue), so it cannot become \(wanted.rawValue)",
            remedy: .fixConfiguration)
    }
}
