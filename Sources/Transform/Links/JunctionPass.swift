// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezChunkLines
import MigratezCrypto
import MigratezJSON
import MigratezModel
import MigratezStaging

extension TransformStage {
    /// Turns the edges of a link that is written by itself into ready lines: one that is a record of its own in the
    /// destination, or that becomes a field of a record after it was loaded.
    ///
    /// The transform of both ends must be complete. Edges are joined with what their ids lead to, first one end, then
    /// the other, by sorting; links that have become equal through merged records are made once. Does nothing if it is
    /// done already.
    ///
    /// - Parameters:
    ///   - fromField: the junction's field that points to the from-record; empty for a deferred lookup.
    ///   - toField: the field that points to the to-record.
    package func transform(_ route: LinkRoute, fromField: String, toField: String) async throws {
        let state = try await staging.manifest.read { view in
            (
                done: try view.stream(route.stream)?.state(of: .transform) == .done,
                note: try view.note(TransformPosition.key(route.stream))
            )
        }
        guard !state.done else { return }
        let first: Int =
            if let note = state.note, case .record(let ordinal)? = TransformPosition(note) { ordinal } else { 0 }
        var decisions = DecisionCursor(try await decide(route))
        var output = TransformOutput(staging: staging, stream: route.stream, mapping: nil, ownerTag: nil)
        do {
            try await write(route, &decisions, &output, from: first, fromField: fromField, toField: toField)
        } catch {
            await output.discard()
            throw error
        }
    }

    private func write(
        _ route: LinkRoute, _ decisions: inout DecisionCursor, _ output: inout TransformOutput, from first: Int,
        fromField: String, toField: String
    ) async throws {
        var index = RecordIndex(fields: nil)
        var last = first
        try await output.open()
        let reader = StreamReader(staging: staging, stream: route.stream, kind: .raw)
        try await reader.forEachLine(from: first) { ordinal, line in
            guard let decision = try decisions.advance(to: UInt64(ordinal)) else {
                throw MigratezError(.internalError, "link \(ordinal) of \(route.stream) has no decision")
            }
            let leftOut: Outcome = route.onMissing == .quarantine ? .rejected : .skipped
            switch decision.action {
            case .merged: output.settleLink(route.stream, ordinal, .merged)
            case .notChosen: output.settleLink(route.stream, ordinal, .skipped)
            case .missing:
                output.settleLink(route.stream, ordinal, route.fateOfMissing.outcome, route.fateOfMissing.code)
            case .leftOut: output.settleLink(route.stream, ordinal, leftOut, .parentNotLoaded)
            case .load:
                let edge = try EdgeLine.parse(line, with: &index)
                try output.append(
                    readyLine(for: edge, route, ordinal: ordinal, decision, fromField: fromField, toField: toField))
            }
        } afterBlock: { next in
            progress.advance(.transform, route.stream, by: max(0, next - last))
            last = max(last, next)
            if output.isFull {
                try await output.commit(.record(next))
                try await output.open()
            }
        }
        try await output.commit(.record(last), isLast: true)
    }

    private func readyLine(
        for edge: Edge, _ route: LinkRoute, ordinal: Int, _ decision: JunctionDecision, fromField: String,
        toField: String
    ) -> ReadyLine {
        var writer = JSONWriter()
        writer.beginObject()
        for (field, attribute) in route.map.sorted(by: { $0.key < $1.key }) {
            switch attribute {
            case .label:
                guard let label = edge.label else { continue }
                writer.key(field)
                writer.string(label)
            }
        }
        writer.endObject()
        let onMissing = route.onMissing.rawValue
        return ReadyLine(
            ordinal: ordinal, sourceID: "",
            tag: edge.label.map { Self.tag($0) }, fields: writer.bytes,
            references: [
                .init(field: fromField, stream: route.from, ordinal: Int(decision.from), onMissing: onMissing),
                .init(field: toField, stream: route.to, ordinal: Int(decision.to), onMissing: onMissing),
            ])
    }

    /// What tells two labels apart in the keys of links. It is the same in every run, so that a later run finds the link
    /// that this one made.
    private static func tag(_ label: String) -> String {
        String(Hex.encode(SHA256.digest(of: Array(label.utf8))).prefix(8))
    }

    /// What is to be done with each edge, in the order of the edge chunks.
    private func decide(_ route: LinkRoute) async throws -> SortedEntries {
        var byFrom = try makeSorter(width: EdgeEntry.width)
        var index = RecordIndex(fields: nil)
        try await StreamReader(staging: staging, stream: route.stream, kind: .raw).forEachLine { ordinal, line in
            let edge = try EdgeLine.parse(line, with: &index)
            try byFrom.append(
                EdgeEntry(
                    key: pseudonyms.pseudonym(of: edge.from), edge: UInt64(ordinal),
                    other: pseudonyms.pseudonym(of: edge.to), resolved: 0,
                    label: edge.label.map { pseudonyms.pseudonym(of: $0).high } ?? 0,
                    flags: EdgeEntry.flags(
                        route: 0, isPrimary: edge.isPrimary && route.choose == .primary, state: .missing)))
        }
        var byTo = try makeSorter(width: EdgeEntry.width)
        var sorted = try byFrom.sorted()
        var join = try TargetJoin(await targets.sorted(route.from))
        while var entry = try sorted.next(EdgeEntry.init) {
            let target = try join.find(entry.key)
            entry.resolved = target?.ordinal ?? 0
            entry.flags = entry.flags & ~0xFF | (target?.state ?? .missing).rawValue
            swap(&entry.key, &entry.other)
            try byTo.append(entry)
        }
        var pairs = try makeSorter(width: JunctionEntry.width)
        sorted = try byTo.sorted()
        join = try TargetJoin(await targets.sorted(route.to))
        while let entry = try sorted.next(EdgeEntry.init) {
            let target = try join.find(entry.key)
            let state = entry.state == .resolved ? target?.state ?? .missing : entry.state
            try pairs.append(
                JunctionEntry(
                    from: entry.resolved, to: target?.ordinal ?? 0, label: entry.label, edge: entry.edge,
                    rank: entry.flags >> 8 & 0xFF, state: state))
        }
        return try decide(pairs.sorted(), route)
    }

    /// Links that are equal now are neighbours: the first is made. Where only one link of a record is wanted, the others
    /// are not chosen.
    private func decide(_ pairs: consuming SortedEntries, _ route: LinkRoute) throws -> SortedEntries {
        var decisions = try makeSorter(width: JunctionDecision.width)
        var pairs = pairs
        var previous: JunctionEntry?
        // Only where a choice is made are the links of one record held together.
        var ofRecord: [JunctionEntry] = []
        while let entry = try pairs.next(JunctionEntry.init) {
            guard entry.state == .resolved else {
                try decisions.append(JunctionDecision(entry, entry.state == .missing ? .missing : .leftOut))
                continue
            }
            if route.isDeferred, route.from == route.to, entry.from == entry.to {
                // Nothing is its own parent: a duplicate was merged with what it led to.
                try decisions.append(JunctionDecision(entry, .notChosen))
                continue
            }
            if route.choose == .all {
                try decisions.append(JunctionDecision(entry, entry.isSameLink(as: previous) ? .merged : .load))
                previous = entry
                continue
            }
            if let first = ofRecord.first, first.from != entry.from {
                try choose(ofRecord, &decisions)
                ofRecord.removeAll(keepingCapacity: true)
            }
            ofRecord.append(entry)
        }
        try choose(ofRecord, &decisions)
        return try decisions.sorted()
    }

    /// Decides on the links of one record of which one is wanted: the primary one, else the first.
    private func choose(_ links: [JunctionEntry], _ decisions: inout ExternalSorter) throws {
        let chosen = links.min { ($0.rank, $0.edge) < ($1.rank, $1.edge) }
        for link in links {
            let action: JunctionDecision.Action =
                link.edge == chosen?.edge ? .load : link.isSameLink(as: chosen) ? .merged : .notChosen
            try decisions.append(JunctionDecision(link, action))
        }
    }
}

/// Walks the decisions beside the edges, both in the same order.
private struct DecisionCursor: ~Copyable {
    private var decisions: SortedEntries

    init(_ decisions: consuming SortedEntries) { self.decisions = decisions }

    /// The decision for this edge.
    mutating func advance(to edge: UInt64) throws -> JunctionDecision? {
        while let decision = try decisions.next(JunctionDecision.init) {
            if decision.edge == edge { return decision }
            guard decision.edge < edge else { return nil }
        }
        return nil
    }
}
