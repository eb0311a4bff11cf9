// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezChunkLines
import MigratezJSON
import MigratezModel
import MigratezStaging

/// Takes a sheet of corrected records back: each row that was edited becomes ready again, with its corrections.
///
/// All or nothing: first every row is checked, and only if the whole file is in order anything changes. Rows are matched
/// by stream, ordinal and id, in whatever order they stand. Memory is bounded; what does not fit is spilled, encrypted.
package struct IssueImport: Sendable {
    /// What a sheet says.
    package struct Summary: Sendable, Equatable {
        /// Rows of the sheet.
        package var rows = 0
        /// Rows that were edited.
        package var edited = 0
        /// How many cells were edited in each column, in the order of the pipeline file.
        package var changes: [(column: String, count: Int)] = []

        package init() {}

        package static func == (a: Summary, b: Summary) -> Bool {
            a.rows == b.rows && a.edited == b.edited
                && a.changes.elementsEqual(b.changes) { $0.column == $1.column && $0.count == $1.count }
        }
    }

    private let run: Run
    private let setup: RunSetup
    private let path: String
    private static let sorterBytes = ByteCount.MiB(16)
    private static let problemsMax = 20

    package init(_ run: Run, _ setup: RunSetup, file path: String) {
        self.run = run
        self.setup = setup
        self.path = path
    }

    /// Checks the sheet and, unless `isDry`, puts the edited records into new ready chunks, which the load stage takes.
    ///
    /// - Throws: `badCorrections` with each problem as `file:line: …`, at most twenty of them; no value is quoted.
    package func prepare(isDry: Bool = false) async throws -> Summary {
        let readying = Readying(run)
        try await readying.checkPhase()
        let rules = try await CorrectionRules.all(run, setup)
        var problems = SheetProblems(path: path, max: Self.problemsMax)
        var summary = Summary()
        let edited = try readEdited(rules, &problems, &summary)
        try problems.check()
        let corrected = try await correct(edited, rules, &problems, &summary)
        try problems.check()
        guard !isDry, summary.edited > 0 else { return summary }
        try await stage(corrected, rules, readying)
        return summary
    }

    // MARK: Reading

    /// The edited rows, by stream and ordinal.
    private func readEdited(
        _ rules: [CorrectionRules], _ problems: inout SheetProblems, _ summary: inout Summary
    ) throws -> SortedEntries {
        var reader = try SheetReader(path: path)
        let columns = try SheetColumns(reader.header, rules, path: path)
        var sorter = run.staging.makeSorter(entryBytes: nil, memory: Self.sorterBytes)
        while let row = try reader.next() {
            summary.rows += 1
            guard let place = columns.rules(of: row), let ordinal = Int(columns.identity(row)[1]), ordinal >= 0 else {
                problems.add(row.line, "stream and ordinal are not those of a record that was exported")
                continue
            }
            guard let cells = columns.cells(row, of: place) else {
                problems.add(1, "a column of '\(rules[place].stream)' that was exported is missing")
                continue
            }
            let digest = columns.digest(row)
            guard digest.first == "r", digest.count == 25 else {
                problems.add(row.line, "\(IssueSheet.digest) is not as it was exported")
                continue
            }
            let identity = columns.identity(row)
            guard IssueSheet.digest(run: run.id, identity: identity, cells: cells) != digest else { continue }
            let entry = SheetEntry(rules: place, ordinal: ordinal, line: row.line, texts: identity + cells)
            try entry.append(to: &sorter)
        }
        return try sorter.sorted()
    }

    // MARK: Correcting

    /// The ready lines of the edited rows, by stream and ordinal.
    private func correct(
        _ entries: consuming SortedEntries, _ rules: [CorrectionRules], _ problems: inout SheetProblems,
        _ summary: inout Summary
    ) async throws -> SortedEntries {
        var sorter = run.staging.makeSorter(entryBytes: nil, memory: Self.sorterBytes)
        var changes = rules.map { $0.fields.map { _ in 0 } }
        var batch: [SheetEntry] = []
        var last: (rules: Int, ordinal: Int, line: Int)?
        while let entry = try entries.withNext({ try SheetEntry($0) }) {
            if let last, last.rules == entry.rules, last.ordinal == entry.ordinal {
                problems.add(entry.line, "the record stands in line \(last.line) already")
                continue
            }
            last = (entry.rules, entry.ordinal, entry.line)
            if let first = batch.first, first.rules != entry.rules || batch.count == Readying.chunkRecordsMax {
                try await correct(batch, rules[first.rules], &changes[first.rules], &problems, &sorter)
                batch.removeAll(keepingCapacity: true)
            }
            batch.append(entry)
            summary.edited += 1
        }
        if let first = batch.first {
            try await correct(batch, rules[first.rules], &changes[first.rules], &problems, &sorter)
        }
        for (rules, counts) in zip(rules, changes) {
            for (field, count) in zip(rules.fields, counts) where count > 0 {
                summary.changes.append((IssueSheet.column(field, of: rules.stream), count))
            }
        }
        return try sorter.sorted()
    }

    private func correct(
        _ batch: [SheetEntry], _ rules: CorrectionRules, _ changes: inout [Int], _ problems: inout SheetProblems,
        _ sorter: inout ExternalSorter
    ) async throws {
        let ordinals = batch.map(\.ordinal)
        let rejects = try await run.staging.manifest.read { try $0.rejects(of: rules.stream, ordinals: ordinals) }
        let known = Dictionary(rejects.map { ($0.ordinal, $0) }) { first, _ in first }
        let lines = try await RejectLines(run.staging).read(rejects, of: rules.stream)
        for entry in batch {
            guard let reject = known[entry.ordinal], let line = lines[entry.ordinal] else {
                problems.add(entry.line, "\(rules.stream) \(entry.ordinal) was not exported, or is rejected no longer")
                continue
            }
            let identity = [
                rules.stream.text, String(reject.ordinal), reject.sourceID ?? "", reject.stage.rawValue, reject.code,
            ]
            guard Array(entry.texts.prefix(identity.count)) == identity else {
                let changed = zip(IssueSheet.identity, zip(entry.texts, identity)).filter { $0.1.0 != $0.1.1 }.map(\.0)
                problems.add(entry.line, "\(changed.joined(separator: ", ")) was changed")
                continue
            }
            guard let draft = try rules.draft(line) else {
                problems.add(entry.line, "the record cannot be read, so it cannot be corrected here")
                continue
            }
            guard !rules.isStoppedByLink(line) else {
                problems.add(
                    entry.line,
                    "the record lacks a linked record (\(line.fields.joined(separator: ", "))), which no cell can bring"
                )
                continue
            }
            let cells = Array(entry.texts.dropFirst(identity.count))
            if let (line, change) = correct(draft, cells, rules, entry.line, &changes, &problems) {
                try SheetEntry.append(line, counting: change, rules: entry.rules, to: &sorter)
            }
        }
    }

    /// The ready line with the corrections, and what there is to count of them; nil if a cell is not in order.
    private func correct(
        _ draft: CorrectionRules.Draft, _ cells: [String], _ rules: CorrectionRules, _ line: Int,
        _ changes: inout [Int], _ problems: inout SheetProblems
    ) -> (line: ReadyLine, change: CorrectedFields)? {
        var members: [JSONValue.Member] = []
        var values: [JSONValue?] = []
        var isGood = true
        for (place, cell) in cells.enumerated() {
            let old = draft.values[place]
            var value = old
            if cell != IssueSheet.cell(old) {
                changes[place] += 1
                switch IssueSheet.content(cell) {
                case .nothing?: value = nil
                case .null?: value = .null
                case .text(let text)?:
                    switch rules.value(text, of: place, insteadOf: old) {
                    case .success(let new): value = new
                    case .failure(let problem):
                        isGood = false
                        problems.add(
                            line, "\(IssueSheet.column(rules.fields[place], of: rules.stream)) \(problem.text)")
                    }
                case nil:
                    isGood = false
                    problems.add(
                        line,
                        "\(IssueSheet.column(rules.fields[place], of: rules.stream)) begins with a backslash; "
                            + "write two for one")
                }
            }
            if value == nil || value == .null || value == .string(""), rules.isRequired(place) {
                isGood = false
                problems.add(line, "\(IssueSheet.column(rules.fields[place], of: rules.stream)) is required")
            }
            if let value { members.append(.init(rules.fields[place], value)) }
            values.append(value)
        }
        guard isGood else { return nil }
        var ready = draft.line
        ready.fields = JSONValue.object(members).serialized()
        return (ready, draft.change(to: values))
    }

    // MARK: Staging

    private func stage(
        _ entries: consuming SortedEntries, _ rules: [CorrectionRules], _ readying: Readying
    ) async throws {
        var batch: [CorrectionRules.Ready] = []
        var counts: [FieldCount] = []
        var current = 0
        var reader = ReadyLineReader()
        while let (place, line, change) = try entries.withNext({ try SheetEntry.readyLine($0, with: &reader) }) {
            if place != current || batch.count == Readying.chunkRecordsMax {
                try await readying.stage(
                    batch, of: rules[current].stream, counts: counts + rules[current].takeCounts())
                batch.removeAll(keepingCapacity: true)
                counts.removeAll(keepingCapacity: true)
                current = place
            }
            batch.append(CorrectionRules.Ready(line: line, hasSubstituteOwner: change.hasSubstituteOwner))
            counts += rules[place].count(change)
        }
        try await readying.stage(batch, of: rules[current].stream, counts: counts + rules[current].takeCounts())
    }
}
