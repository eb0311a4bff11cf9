// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezChunkLines
import MigratezModel

/// Decides which of a record's links become its references, and what becomes of the others.
struct LookupChoice {
    /// What happens to one edge.
    struct EdgeOutcome {
        var route: Int
        var edge: UInt64
        var outcome: Outcome
        var code: ErrorCode?
    }

    /// The references that the record is loaded with.
    private(set) var references: [ReadyLine.Reference] = []
    /// The edges that have their outcome already; those of `references` get theirs when the record is loaded.
    private(set) var settled: [EdgeOutcome] = []
    /// Set if a link that the record cannot do without leads nowhere.
    private(set) var verdict: Verdict?

    enum Verdict {
        case reject(Rejection)
        case skip(ErrorCode)
    }

    /// - Parameters:
    ///   - edges: all edges of the record, of all routes; they are sorted here.
    ///   - routes: those that end in a field. Several may share one, which may point to several objects: it holds one
    ///     link all the same.
    ///   - roles: of the references that come from each route.
    init(_ edges: [RecordEdgeEntry], routes: [LinkRoute], roles: [ReferenceRole]) {
        guard !edges.isEmpty else { return }
        let sorted = edges.sorted { ($0.rank, $0.flags, $0.edge) < ($1.rank, $1.flags, $1.edge) }
        for (number, route) in routes.enumerated() {
            guard routes.firstIndex(where: { $0.field == route.field }) == number else { continue }
            choose(among: sorted.filter { routes[$0.route].field == route.field }, routes, roles)
        }
    }

    private mutating func choose(
        among edges: [RecordEdgeEntry], _ routes: [LinkRoute], _ roles: [ReferenceRole]
    ) {
        let chosen = edges.first { $0.state == .resolved }
        guard let route = (chosen ?? edges.first).map({ routes[$0.route] }), let field = route.field else { return }
        for edge in edges where edge != chosen {
            settled.append(Self.outcome(of: edge, besides: chosen, route: routes[edge.route]))
        }
        if let chosen {
            references.append(
                ReadyLine.Reference(roles[chosen.route], ordinal: Int(chosen.target), edge: Int(chosen.edge)))
        } else if route.onMissing != .empty, route.isLimited, edges.contains(where: { $0.state == .missing }) {
            verdict = verdict ?? .skip(.parentNotRead)
        } else if route.onMissing == .quarantine {
            verdict = .reject(Rejection(.parentMissing, fields: [field]))
        } else if route.onMissing == .skip, verdict == nil {
            verdict = .skip(.parentMissing)
        }
    }

    private static func outcome(
        of edge: RecordEdgeEntry, besides chosen: RecordEdgeEntry?, route: LinkRoute
    ) -> EdgeOutcome {
        switch edge.state {
        case .resolved:
            // After a merge two links may lead to the same record: then they have become one.
            let outcome: Outcome = edge.route == chosen?.route && edge.target == chosen?.target ? .merged : .skipped
            return EdgeOutcome(route: edge.route, edge: edge.edge, outcome: outcome)
        case .missing:
            let fate = route.fateOfMissing
            return EdgeOutcome(route: edge.route, edge: edge.edge, outcome: fate.outcome, code: fate.code)
        case .leftOut:
            let outcome: Outcome = route.onMissing == .quarantine ? .rejected : .skipped
            return EdgeOutcome(route: edge.route, edge: edge.edge, outcome: outcome, code: .parentNotLoaded)
        }
    }
}
