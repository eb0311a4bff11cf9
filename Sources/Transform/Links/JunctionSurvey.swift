// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezChunkLines
import MigratezCrypto
import MigratezModel
import MigratezStaging

/// What is to be done with the edges of a link that is written by itself.
struct JunctionDecisions: ~Copyable {
    /// `JunctionDecision`s, one for each edge, in the order of the edge chunks.
    var entries: SortedEntries
    /// Whether any edge has a label.
    let hasLabels: Bool
}

extension TransformStage {
    /// Joins the edges with what their ids lead to. A pure function of the chunks and the pipeline, so that a resumed run
    /// finds the same.
    ///
    /// - Parameter tables: what the ids of both ends lead to, if that fits into memory.
    func decide(_ route: LinkRoute, _ tables: [StreamName: TargetTable]?) async throws -> JunctionDecisions {
        let resolved: ResolvedEdges
        if let from = tables?[route.from], let to = tables?[route.to] {
            resolved = try await resolve(route, from, to)
        } else {
            resolved = try await resolveBySorting(route)
        }
        let hasLabels = resolved.hasLabels
        return JunctionDecisions(entries: try decide(resolved.pairs, route), hasLabels: hasLabels)
    }

    /// Edges whose ends are looked up.
    private struct ResolvedEdges: ~Copyable {
        /// `JunctionEntry`s, in order.
        var pairs: SortedEntries
        let hasLabels: Bool
    }

    /// Looks up both ends of each edge in tables.
    private func resolve(
        _ route: LinkRoute, _ fromTable: TargetTable, _ toTable: TargetTable
    ) async throws -> ResolvedEdges {
        var pairs = try makeSorter(width: JunctionEntry.width)
        var hasLabels = false
        try await forEachEdge(of: route) { entry in
            hasLabels = hasLabels || entry.label != 0
            var entry = entry
            entry.resolve(to: fromTable.find(entry.key))
            try pairs.append(JunctionEntry(entry, to: toTable.find(entry.other)))
        }
        return ResolvedEdges(pairs: try pairs.sorted(), hasLabels: hasLabels)
    }

    /// Looks up first one end of all edges, then the other, each time by sorting both sides: for any number of records.
    private func resolveBySorting(_ route: LinkRoute) async throws -> ResolvedEdges {
        var byFrom = try makeSorter(width: EdgeEntry.width)
        var hasLabels = false
        try await forEachEdge(of: route) { entry in
            hasLabels = hasLabels || entry.label != 0
            try byFrom.append(entry)
        }
        var byTo = try makeSorter(width: EdgeEntry.width)
        var sorted = try byFrom.sorted()
        var join = try TargetJoin(await targets.sorted(route.from))
        while var entry = try sorted.next(EdgeEntry.init) {
            entry.resolve(to: try join.find(entry.key))
            swap(&entry.key, &entry.other)
            try byTo.append(entry)
        }
        var pairs = try makeSorter(width: JunctionEntry.width)
        sorted = try byTo.sorted()
        join = try TargetJoin(await targets.sorted(route.to))
        while let entry = try sorted.next(EdgeEntry.init) {
            try pairs.append(JunctionEntry(entry, to: try join.find(entry.key)))
        }
        return ResolvedEdges(pairs: try pairs.sorted(), hasLabels: hasLabels)
    }

    /// Calls `body` with each edge of the route, sorted by nothing and with no end looked up.
    private func forEachEdge(of route: LinkRoute, _ body: (EdgeEntry) throws -> Void) async throws {
        let ranks = route.choose == .primary
        let pseudonyms = pseudonyms
        try await StreamReader(staging: staging, stream: route.stream, kind: .raw).forEachLine { ordinal, line in
            let edge = try EdgeLine.parse(line)
            try body(
                EdgeEntry(
                    key: pseudonyms.pseudonym(of: edge.from, in: line), edge: UInt64(ordinal),
                    other: pseudonyms.pseudonym(of: edge.to, in: line), resolved: 0,
                    label: edge.label.map { EdgeEntry.label(pseudonyms.pseudonym(of: $0, in: line)) } ?? 0,
                    flags: EdgeEntry.flags(route: 0, isPrimary: edge.isPrimary && ranks, state: .missing)))
        }
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
