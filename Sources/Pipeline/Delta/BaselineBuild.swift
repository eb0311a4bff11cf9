// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezChunkLines
import MigratezConnectorKit
import MigratezJSON
import MigratezLoad
import MigratezModel
import MigratezStaging

/// Writes down in what state a loaded run left the destination.
///
/// From the ready chunks and the outcomes; what the run did not bring again is taken over from the baseline that it
/// went on from. Memory is bounded by the entries of one commit.
struct BaselineBuild {
    private let staged: any StagedRun
    /// What the run went on from.
    private let earlier: Baseline?
    private let baseline: Baseline
    private let delta: LoadDelta
    private static let batchLines = 2_000
    /// Entries of one commit: each waits for the disk.
    private static let commitEntries = 20_000

    init(of staged: any StagedRun, continuing earlier: Baseline?, into baseline: Baseline) {
        self.staged = staged
        self.earlier = earlier
        self.baseline = baseline
        delta = LoadDelta(baseline)
    }

    /// Fills the baseline and completes it.
    func run(_ id: RunID) async throws {
        let notes = try await staged.manifest.read { try $0.notes(prefix: LoadStage.objectNote) }
        var streams = Set(try earlier?.streams ?? [])
        for note in notes {
            guard let stream = StreamName(String(note.key.dropFirst(LoadStage.objectNote.count))) else { continue }
            try await add(stream)
            streams.insert(stream)
        }
        try baseline.indexTargetIDs()
        for stream in streams.sorted(by: { $0.text < $1.text }) { try await takeOver(stream) }
        try baseline.complete(since: id.text)
    }

    // MARK: Of this run

    private func add(_ stream: StreamName) async throws {
        let contentField = try await staged.manifest.read { try $0.note(LoadStage.contentNote + stream.text) }
        var fields = FieldPlaces(try earlier?.fields(of: stream) ?? [])
        var entries: [Baseline.Entry] = []
        try await staged.forEachReadyBatch(
            of: stream, upTo: Self.batchLines,
            facts: { try await staged.changedFields(of: stream, readySequence: $0.address.sequence) },
            do: { lines, changed in
                entries += try await self.entries(of: lines, stream, changed, contentField, &fields)
                guard entries.count >= Self.commitEntries else { return }
                try baseline.put(entries, of: stream)
                entries.removeAll(keepingCapacity: true)
            })
        try baseline.put(entries, of: stream)
        try baseline.setFields(fields.names, of: stream)
    }

    private func entries(
        of lines: [ReadyLine], _ stream: StreamName, _ changed: [Int: (origin: ImageOrigin, names: Set<String>)],
        _ contentField: String?, _ fields: inout FieldPlaces
    ) async throws -> [Baseline.Entry] {
        let outcomes = try await staged.outcomes(of: stream, lines.map(\.ordinal))
        let brought = lines.filter { outcomes[$0.ordinal]?.leavesRecord == true }
        let parents = try await staged.parents(of: brought)
        let contents = contentField == nil ? [:] : try await contents(of: brought, stream)
        var entries: [Baseline.Entry] = []
        for line in brought {
            guard let id = outcomes[line.ordinal]?.targetID,
                let written = WrittenLine(line, id: id, parents)
            else { continue }
            let image = changed[line.ordinal]
            // What the record held when it was found stays the destination's.
            let isCompleted = image?.origin == .completed
            var entry = Baseline.Entry(key: written.key, targetID: id, others: isCompleted ? .theirs : .blank)
            for member in written.fields where !isCompleted || image?.names.contains(member.key) == true {
                entry[fields.place(of: member.key)] = delta.fingerprint(member.value)
            }
            if let contentField, !isCompleted, let content = contents[line.ordinal], content.sha256 != nil {
                entry[fields.place(of: contentField)] = delta.fingerprint(content.sha256.map(LoadDelta.contentValue))
                entry[fields.place(of: LoadDelta.versionName(contentField))] =
                    delta.fingerprint(content.version.map { .string($0) })
            }
            entries.append(entry)
        }
        entries.sort { $0.key < $1.key }
        if let earlier {
            let before = try earlier.entries(of: stream, keys: entries.map(\.key))
            let ordinals = Dictionary(brought.map { ($0.sourceID, $0.ordinal) }) { first, _ in first }
            for number in entries.indices {
                guard let old = before[entries[number].key] else { continue }
                let names = ordinals[entries[number].key].flatMap { changed[$0]?.names } ?? []
                for (place, name) in fields.names.enumerated() where old[place] == .theirs && !names.contains(name) {
                    entries[number][place] = .theirs
                }
                entries[number].others = old.others
                let ordinal = ordinals[entries[number].key]
                guard let contentField, ordinal.flatMap({ contents[$0] })?.sha256 == nil else { continue }
                for name in [contentField, LoadDelta.versionName(contentField)] {
                    guard let place = fields.names.firstIndex(of: name) else { continue }
                    entries[number][place] = old[place]
                }
            }
        }
        return entries
    }

    /// What is known of the contents of these lines' records, by ordinal.
    private func contents(of lines: [ReadyLine], _ stream: StreamName) async throws -> [Int: StagedContent] {
        let ordinals = lines.map(\.ordinal)
        let contents = try await staged.manifest.read { try $0.contents(of: stream, ordinals: ordinals) }
        return Dictionary(contents.map { ($0.ordinal, $0) }) { first, _ in first }
    }

    // MARK: Of earlier runs

    private func takeOver(_ stream: StreamName) async throws {
        guard let earlier else { return }
        // The places of an earlier baseline are kept, so that its fingerprints can be taken as they are.
        if try baseline.fields(of: stream).isEmpty { try baseline.setFields(earlier.fields(of: stream), of: stream) }
        var last: String?
        while true {
            let page = try earlier.entries(
                of: stream, marked: Baseline.Mark.allCases, after: last, limit: Self.batchLines)
            guard let end = page.last else { return }
            last = end.entry.key
            let known = try baseline.marks(targetIDs: page.map(\.entry.targetID))
            let removed = try await removed(page.map(\.entry.key), of: stream)
            let kept = page.map(\.entry).filter { known[$0.targetID] == nil && !removed.contains($0.key) }
            try baseline.put(kept, of: stream, replacing: false)
        }
    }

    /// Those of the keys whose records are no more.
    private func removed(_ keys: [String], of stream: StreamName) async throws -> Set<String> {
        let removals = try await staged.manifest.read { try $0.removals(of: stream, keys: keys) }
        return Set(removals.filter { $0.outcome == .deleted || $0.outcome == .gone }.map(\.key))
    }
}

/// The places that the fields of a stream have in a baseline.
private struct FieldPlaces {
    private(set) var names: [String]
    private var places: [String: Int]

    init(_ names: [String]) {
        self.names = names
        places = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0) })
    }

    mutating func place(of name: String) -> Int {
        if let place = places[name] { return place }
        names.append(name)
        places[name] = names.count - 1
        return names.count - 1
    }
}

extension RecordOutcome {
    /// Whether the run knows a record of the destination that is its own afterwards: one that it wrote, or one of an
    /// earlier run that it left alone.
    fileprivate var leavesRecord: Bool {
        switch outcome {
        case .created, .updated: true
        case .skipped: code == ErrorCode.unchanged.description || code == ErrorCode.changedThere.description
        case .merged, .filtered, .rejected: false
        }
    }
}
