// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import MigratezStaging
import MigratezTransform

/// The sections in the order in which somebody reads them. Each has the same tables in every form of the report.
extension ReportContent {
    var sections: [ReportSection] {
        [
            reconciliation, sinceEarlierRun, issues, decisions, merges, fallbacks, fillRates, verification,
            contentSection, sums,
            throughput, memory,
            requests, estimate,
        ].compactMap { $0 } + [shredding]
    }

    /// What the run is, as name and value.
    var facts: [(key: String, title: String, value: ReportValue)] {
        var facts: [(key: String, title: String, value: ReportValue)] = [
            ("run", "Run", .text(run.id.text)), ("pipeline", "Pipeline", .text(run.description.pipeline)),
            ("source", "Source", .text(run.description.source)),
            ("destination", "Destination", .text(run.description.destination)),
            ("plan_digest", "Plan digest (SHA-256)", .text(run.description.digest)),
            ("version", "Migratez version", .text(ProgramVersion.text)), ("phase", "Phase", .text(phaseName)),
            ("started_at", "Begun", .time(run.createdAt)), ("written_at", "Report written", .time(written)),
        ]
        if let recordsMax { facts.append(("limit", "Records of each object at most", .count(recordsMax))) }
        if history.sessions > 0 {
            facts.append(("worked_ms", "Time at work", .milliseconds(history.worked)))
            facts.append(("sessions", "Sessions", .count(history.sessions)))
        }
        if let code = run.activityCode { facts.append(("activity_code", "Ended with", .text(code))) }
        if let confirmation = run.confirmation {
            facts.append(("confirmed_by", "Confirmed by", .text(confirmation.person)))
            facts.append(("confirmed_at", "Confirmed", .time(confirmation.confirmedAt)))
        }
        return facts
    }

    static func title(_ word: String) -> String { word.prefix(1).uppercased() + word.dropFirst() }

    private var phaseName: String { run.phase.rawValue.replacing("_", with: " ") }

    private var reconciliation: ReportSection {
        var section = ReportSection(
            "reconciliation", "Reconciliation",
            "Every record and every link that was read ended in exactly one way: read = created + updated + merged + "
                + "filtered + skipped + rejected.")
        var table = ReportTable(
            "balances", caption: "What was read, and what became of it",
            [.text("Stream"), .text("Kind"), .number("Read")]
                + Outcome.allCases.map { .number(Self.title($0.name), key: $0.name) }
                + [.text("Balance", key: "closed")])
        for balance in balances {
            table.add(
                [.text(balance.stream.name.text), .text(balance.stream.kind.rawValue), .count(balance.read)]
                    + Outcome.allCases.map { .count(balance[$0]) }
                    + [.flag(balance.isClosed, yes: "closed", no: "OPEN")])
        }
        section.tables = [table]
        if let recordsMax {
            section.remarks.append(
                "This run was limited: at most \(ReportValue.count(recordsMax).shown) records of each object were read, "
                    + "whatever else the source holds. Links to records that were not read were skipped "
                    + "(\(ErrorCode.parentNotRead)).")
        }
        return section
    }

    private var issues: ReportSection {
        var section = ReportSection(
            "issues", "Rejected records",
            rejects.isEmpty
                ? "No record was rejected." : "Records that could not be moved, by reason, with the way out.")
        guard !rejects.isEmpty else { return section }
        var table = ReportTable(
            "rejects", caption: "Rejected records by reason",
            [
                .text("Stream"), .text("Code"), .number("Records", key: "count"), .text("Reason"),
                .note("What to do", key: "advice"), .text("Vendor code"), .text("Fields"), .text("Stage"),
                .text("Example"),
            ])
        let advice = IssueAdvice(run: run.id, plan: plan)
        for reject in rejects {
            table.add([
                .text(reject.stream.text), .text(reject.code), .count(reject.count),
                .text(ErrorCode(reject.code)?.meaning),
                // After shredding nothing can be tried again.
                certificate == nil ? .text(advice.sentence(reject)) : .none,
                .text(reject.vendorCode), .list(reject.fields), .text(reject.stage.rawValue), .text(reject.example),
            ])
        }
        section.tables = [table]
        return section
    }

    private var decisions: ReportSection? {
        guard !audit.isEmpty else { return nil }
        var section = ReportSection("decisions", "Decisions", "What people and policies did to the run.")
        var table = ReportTable(
            "audit", caption: "Decisions, in order of time",
            [.text("Time"), .text("Who", key: "actor"), .text("What", key: "action"), .text("Detail")])
        for entry in audit {
            table.add([.time(entry.time), .text(entry.actor), .text(entry.action), .text(entry.detail)])
        }
        section.tables = [table]
        return section
    }

    private var merges: ReportSection? {
        let merged = balances.filter { $0[.merged] > 0 }
        guard !merged.isEmpty else { return nil }
        var section = ReportSection(
            "merges", "Merged duplicates",
            "Duplicates became one record each; links to any of them lead to the one that was kept.")
        var table = ReportTable(
            "merges", caption: "Merged records by stream",
            [
                .text("Stream"), .number("Merged"), .number("Into so many", key: "groups"),
                .number("Share of all", key: "share"),
            ])
        for balance in merged {
            let groups = count("", FieldCount.mergeGroups, of: balance.stream.name)
            table.add([
                .text(balance.stream.name.text), .count(balance[.merged]), groups > 0 ? .count(groups) : .none,
                .share(balance[.merged], of: balance.read),
            ])
        }
        section.tables = [table]
        return section
    }

    private var fallbacks: ReportSection? {
        var table = ReportTable(
            "fallbacks", caption: "Fields that did not simply get the source's value",
            [
                .text("Stream"), .text("Field"), .text("What happened", key: "event"), .number("Records", key: "count"),
                .number("Share of mapped", key: "share"),
            ])
        for stream in balances.map(\.stream.name) {
            let mapped = count("", FieldCount.mapped, of: stream)
            for event in MappingTally.Event.allCases where event.isFallback {
                for field in fields(of: stream) {
                    let count = count(field, event.name, of: stream)
                    guard count > 0 else { continue }
                    table.add([
                        .text(stream.text), .text(field), .text(Self.words(event)), .count(count),
                        .share(count, of: mapped),
                    ])
                }
            }
        }
        guard !table.rows.isEmpty || !tags.isEmpty else { return nil }
        var section = ReportSection(
            "fallbacks", "Owners and values that fell back",
            "Where the mapping put something else in the place of the source's own value, as the pipeline file says.")
        if !table.rows.isEmpty { section.tables.append(table) }
        if !tags.isEmpty {
            var tagged = ReportTable(
                "tags", caption: "Records under a tag",
                [.text("Stream"), .text("Tag"), .number("Records", key: "count")])
            for tag in tags { tagged.add([.text(tag.stream.text), .text(tag.tag), .count(tag.count)]) }
            section.tables.append(tagged)
            if certificate == nil { section.remarks.append("The records under each tag are listed in tags.csv.") }
        }
        return section
    }

    private static func words(_ event: MappingTally.Event) -> String {
        switch event {
        case .defaultUsed: "the default stood in"
        case .valueKept: "a value that is not in the value map was kept"
        case .valueDropped: "a value that is not in the value map was left out"
        case .valueReplaced: "a value that is not in the value map was replaced"
        case .personReplaced: "the owner has no counterpart; somebody else got the record"
        case .valueNulled: "a value that did not fit was left out"
        case .valueTruncated: "the value was cut to its length"
        case .phoneKept: "a number that cannot be read was kept as it is"
        case .sourceFilled, .filled: ""
        }
    }

    private var fillRates: ReportSection? {
        var table = ReportTable(
            "fill_rates", caption: "In how many records each field has a value",
            [
                .text("Stream"), .text("Field"), .number("Mapped records", key: "mapped"),
                .number("Filled in source", key: "source"), .number("Filled as sent", key: "sent"),
                .number("Read back", key: "compared"), .number("Sent with value", key: "compared_sent"),
                .number("Filled in destination", key: "held"), .number("Different"),
            ])
        for stream in balances.map(\.stream.name) {
            let verified = verifications.first { $0.result.stream == stream }?.result
            let mapped = count("", FieldCount.mapped, of: stream)
            for field in fields(of: stream) {
                let found = verified?.fields.first { $0.field == field }
                let isMapped = mapped > 0 && (fieldCounts[stream] ?? []).contains { $0.field == field }
                let compared = (verified?.compared ?? 0) - (verified?.missing ?? 0)
                table.add([
                    .text(stream.text), .text(field), isMapped ? .count(mapped) : .none,
                    isMapped
                        ? .share(count(field, MappingTally.Event.sourceFilled.name, of: stream), of: mapped) : .none,
                    isMapped ? .share(count(field, MappingTally.Event.filled.name, of: stream), of: mapped) : .none,
                    found == nil ? .none : .count(verified?.compared ?? 0),
                    found.map { .share($0.sent, of: verified?.compared ?? 0) } ?? .none,
                    found.map { .share($0.held, of: compared) } ?? .none,
                    found.map { .count($0.different) } ?? .none,
                ])
            }
        }
        guard !table.rows.isEmpty else { return nil }
        var section = ReportSection(
            "fill_rates", "Fill rates before and after",
            "In how many records a field has a value: in the source and as it was sent, of all records that were mapped; "
                + "and in the destination, of the records that were read back.")
        section.tables = [table]
        return section
    }

    private var verification: ReportSection {
        var section = ReportSection(
            "verification", "Read back from the destination",
            verifications.isEmpty
                ? "Nothing has been read back yet: migratez verify \(run.id)"
                : "What the destination holds, compared with what was sent, record by record and by id.")
        guard !verifications.isEmpty else { return section }
        var table = ReportTable(
            "verification", caption: "Records read back and compared",
            [
                .text("Stream"), .text("Object"), .text("Verified at"), .number("Loaded"),
                .number("From earlier runs", key: "kept"), .number("Counted there", key: "counted"),
                .number("Compared"), .number("Missing"),
                .text("Fields that differ", key: "differences"), .text("Result", key: "agrees"),
            ])
        for (result, time) in verifications {
            let differences = result.fields.filter { $0.different > 0 }.map {
                "\($0.field) \(ReportValue.count($0.different).shown)"
            }
            table.add([
                .text(result.stream.text), .text(result.object), .time(time), .count(result.loaded),
                .count(result.kept), .count(result.counted), .count(result.compared), .count(result.missing),
                .list(differences),
                .flag(result.isGood, yes: "agrees", no: "DIFFERS"),
            ])
        }
        section.tables = [table]
        return section
    }

    private var sums: ReportSection? {
        let results = verifications.map(\.result).filter { !$0.sums.isEmpty }
        guard !results.isEmpty else { return nil }
        var section = ReportSection(
            "sums", "Sums",
            "Numbers added up on both sides, over the records that were read back; decimal, without rounding.")
        var table = ReportTable(
            "sums", caption: "Sums of numbers, in all and by what choice fields say",
            [
                .text("Stream"), .text("Field"), .text("Group"), .number("Values sent", key: "sent_count"),
                .number("Sum sent", key: "sent"), .number("Values there", key: "held_count"),
                .number("Sum there", key: "held"), .text("Result", key: "agrees"),
            ])
        for result in results {
            for sum in result.sums {
                table.add([
                    .text(result.stream.text), .text(sum.field),
                    sum.labels.isEmpty ? .text("all records") : .list(sum.labels), .count(sum.sentCount),
                    .decimal(sum.sent), .count(sum.heldCount), .decimal(sum.held),
                    .flag(sum.agrees, yes: "agrees", no: sum.unreadable > 0 ? "UNREADABLE VALUES" : "DIFFERS"),
                ])
            }
        }
        section.tables = [table]
        return section
    }

    // MARK: Counts

    private func count(_ field: String, _ measure: String, of stream: StreamName) -> Int {
        (fieldCounts[stream] ?? []).first { $0.field == field && $0.measure == measure }?.count ?? 0
    }

    /// The fields of a stream in the order of the pipeline file; those that it does not name come after them.
    private func fields(of stream: StreamName) -> [String] {
        let planned = plan?.transform.object(stream)?.fields.map(\.target) ?? []
        let verified = verifications.first { $0.result.stream == stream }?.result.fields.map(\.field) ?? []
        let known = Set((fieldCounts[stream] ?? []).map(\.field) + verified).subtracting([""])
        return planned.filter { known.contains($0) } + known.subtracting(planned).sorted()
    }
}
