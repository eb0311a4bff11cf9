// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
package import MigratezCrypto
package import MigratezModel
package import MigratezStaging

/// What a person is known by, before any run's key has made pseudonyms of it.
package struct SubjectQuery: Sendable {
    package var emails: [String]
    package var phones: [String]

    package init(emails: [String], phones: [String]) {
        self.emails = emails
        self.phones = phones
    }
}

/// What is staged of a person.
package struct SubjectFinding: Sendable {
    package var subject: Pseudonym
    package var records: [SubjectRecord]
    /// Objects that are not read to their end yet, so that more may come.
    package var unread: [StreamName]
}

extension Workplace {
    /// Looks for a person in what is staged of a run, while others may work on it; noted in the audit log first.
    package func findSubject(
        _ query: SubjectQuery, in entry: RunRegistry.Entry
    ) async throws -> SubjectFinding {
        try await find(query, in: entry, as: .subjectFind).finding
    }

    /// Writes what is staged of a person into a new folder; noted in the audit log first.
    ///
    /// - Returns: what was found, and how many staged lines were written.
    package func exportSubject(
        _ query: SubjectQuery, in entry: RunRegistry.Entry, to folder: String
    ) async throws -> (finding: SubjectFinding, lines: Int) {
        let (inspection, finding) = try await find(query, in: entry, as: .subjectExport)
        guard !finding.records.isEmpty else { return (finding, 0) }
        return (finding, try await SubjectExport(of: inspection).write(finding.records, to: folder))
    }

    /// Erases or holds back what is staged of a person (`SubjectRequest`), as the owner of the run; noted in the audit log
    /// first.
    package func holdSubject(
        _ query: SubjectQuery, in entry: RunRegistry.Entry, as kind: HoldKind, by person: String
    ) async throws -> SubjectRequest.Receipt {
        try await withStaging(of: entry) { staging in
            let wanted = try identifiers(query, staging.keys.pseudonyms)
            let action: AuditAction = kind == .erased ? .subjectErase : .subjectRestrict
            try audit(action, run: staging.folder.run, object: wanted.subject.description)
            return try await SubjectRequest(wanted, in: staging).hold(as: kind, by: person)
        }
    }

    /// Puts right what is staged of a person before it is loaded (`SubjectCorrection`), as the owner of the run; noted in
    /// the audit log first. Neither side is asked for anything.
    package func correctSubject(
        _ query: SubjectQuery, in entry: RunRegistry.Entry, _ values: SubjectCorrection.Values, by person: String
    ) async throws -> SubjectCorrection.Receipt {
        let source = try await PlanConnection.open(entry.pipeline, in: self).source
        return try await withStaging(of: entry) { staging in
            let wanted = try identifiers(query, staging.keys.pseudonyms)
            try audit(.subjectCorrect, run: staging.folder.run, object: wanted.subject.description)
            let correction = SubjectCorrection(wanted, values, in: staging) { source.layout(of: $0) }
            return try await correction.apply(by: person)
        }
    }

    private func find(
        _ query: SubjectQuery, in entry: RunRegistry.Entry, as action: AuditAction
    ) async throws -> (run: RunInspection, finding: SubjectFinding) {
        let inspection = try await inspectWithKey(entry.run)
        guard let key = inspection.pseudonyms else {
            throw MigratezError(.keyMissing, "the key of run \(entry.run) is not there")
        }
        let wanted = try identifiers(query, key)
        try audit(action, run: inspection.folder.run, object: wanted.subject.description)
        let scan = SubjectScan(run: inspection)
        let finding = SubjectFinding(
            subject: wanted.subject, records: try await scan.records(of: wanted),
            unread: try await scan.objects().filter { $0.state(of: .extract) != .done }.map(\.name))
        return (inspection, finding)
    }

    private func identifiers(_ query: SubjectQuery, _ key: PseudonymKey) throws(MigratezError) -> SubjectIdentifiers {
        try SubjectIdentifiers(emails: query.emails, phones: query.phones, key: key)
    }

    /// Runs `body` as the owner of what is staged of a run, with the settings that its pipeline file has for that.
    private func withStaging<R>(
        of entry: RunRegistry.Entry, _ body: (StagingArea) async throws -> R
    ) async throws -> R {
        guard let plan = entry.plan else {
            throw MigratezError(
                .fileNotFound, "\(entry.pipeline) cannot be read, and it says how the run is staged",
                remedy: .fixConfiguration, hint: "put the file back")
        }
        let (staging, _) = try await StagingArea.open(
            try entry.folder(in: self), root: try await rootKey(of: entry),
            settings: try plan.stagingSettings(in: self))
        let result: R
        do {
            result = try await body(staging)
        } catch {
            try await staging.close()
            throw error
        }
        try await staging.close()
        return result
    }
}
