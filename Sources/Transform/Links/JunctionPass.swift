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
    /// The transform of both ends must be complete. Links that have become equal through merged records are made once.
    /// Does nothing if it is done already.
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
        var pass = JunctionPass(stage: self, route: route, fromField: fromField, toField: toField, first: first)
        do {
            try await pass.run()
        } catch {
            await pass.discard()
            throw error
        }
    }
}

/// The second pass over a link's edges: every one gets an outcome or becomes a ready line.
private struct JunctionPass: ~Copyable {
    private let stage: TransformStage
    private let route: LinkRoute
    private let from: ReferenceRole
    private let to: ReferenceRole
    /// The fields that hold something of the edge itself, in a fixed order.
    private let fields: [(name: String, attribute: LinkSpec.EdgeAttribute)]
    /// Edges before this one are done.
    private var first: Int
    private let lineWriter: LinkLineWriter
    private var output: TransformOutput
    private var writer = JSONWriter()
    private var reported: Int
    /// How many edges are worked through before it is time to look whether a chunk is full.
    private static let blockEdges = 4096

    init(stage: TransformStage, route: LinkRoute, fromField: String, toField: String, first: Int) {
        self.stage = stage
        self.route = route
        self.first = first
        let onMissing = route.onMissing.rawValue
        from = ReferenceRole(field: fromField, stream: route.from, onMissing: onMissing)
        to = ReferenceRole(field: toField, stream: route.to, onMissing: onMissing)
        lineWriter = LinkLineWriter(from: from, to: to)
        fields = route.map.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        reported = first
        output = TransformOutput(staging: stage.staging, stream: route.stream, mapping: nil, ownerTag: nil)
    }

    mutating func run() async throws {
        let tables = try await stage.targets.tables([route.from, route.to])
        try await output.open()
        // A run that goes on has not seen the links before, and where one of several is wanted, all must be seen first.
        if first == 0, route.choose == .all, let from = tables?[route.from], let to = tables?[route.to],
            let end = try await settleAsRead(from, to)
        {
            return try await output.commit(.record(end), isLast: true)
        }
        let decisions = try await stage.decide(route, tables)
        let needsEdges = decisions.hasLabels || fields.contains { $0.attribute == .primary }
        let end = needsEdges ? try await settleBesideEdges(decisions) : try await settle(decisions)
        try await output.commit(.record(end), isLast: true)
    }

    mutating func discard() async { await output.discard() }

    /// What a link says of itself, apart from its ends.
    private struct Attributes {
        var label: String?
        var isPrimary = false
    }

    /// Thrown where the decisions have to be sorted from some edge on.
    private struct NeedsSorting: Error {}

    /// Settles the edges one by one as they are read.
    ///
    /// - Returns: the ordinal of the edge after the last; `nil` if those from `first` on are left, and must be sorted.
    private mutating func settleAsRead(_ from: TargetTable, _ to: TargetTable) async throws -> Int? {
        var ends = LinkEnds(
            from: from, to: to, pseudonyms: stage.pseudonyms,
            leavesOutLoops: route.isDeferred && route.from == route.to)
        var reached = 0
        do {
            try await StreamReader(staging: stage.staging, stream: route.stream, kind: .raw).forEachLine {
                ordinal, line in
                let edge = try EdgeLine.parse(line)
                guard let decision = ends.decide(ordinal, edge, in: line) else { throw NeedsSorting() }
                let label = edge.label.map { JSONText.string($0, of: line) }
                try settle(decision, Attributes(label: label, isPrimary: edge.isPrimary))
                reached = ordinal + 1
            } afterBlock: { next in
                try await endBlock(next)
            }
        } catch is NeedsSorting {
            first = reached
            return nil
        }
        return reached
    }

    /// Where nothing is said of the links but their ends, the decisions have it all.
    private mutating func settle(_ decisions: consuming JunctionDecisions) async throws -> Int {
        var next = first
        while let decision = try decisions.entries.next(JunctionDecision.init) {
            let edge = Int(decision.edge)
            guard edge >= first else { continue }
            try settle(decision, Attributes())
            next = edge + 1
            if next.isMultiple(of: Self.blockEdges) { try await endBlock(next) }
        }
        report(next)
        return next
    }

    /// What the links say of themselves stands in the edge chunks, which are in the order of the decisions.
    private mutating func settleBesideEdges(_ decisions: consuming JunctionDecisions) async throws -> Int {
        var decisions = decisions
        var end = first
        let reader = StreamReader(staging: stage.staging, stream: route.stream, kind: .raw)
        try await reader.forEachLine(from: first) { ordinal, line in
            guard let decision = try decisions.advance(to: UInt64(ordinal)) else {
                throw MigratezError(.internalError, "link \(ordinal) of \(route.stream) has no decision")
            }
            let edge = try EdgeLine.parse(line)
            let label = edge.label.map { JSONText.string($0, of: line) }
            try settle(decision, Attributes(label: label, isPrimary: edge.isPrimary))
        } afterBlock: { next in
            end = max(end, next)
            try await endBlock(end)
        }
        return end
    }

    private mutating func endBlock(_ next: Int) async throws {
        report(next)
        guard try output.isFull else { return }
        try await output.commit(.record(next))
        try await output.open()
    }

    private mutating func report(_ next: Int) {
        stage.progress.advance(.transform, route.stream, by: next - reported)
        reported = next
    }

    private mutating func settle(_ decision: JunctionDecision, _ attributes: Attributes) throws {
        let edge = Int(decision.edge)
        switch decision.action {
        case .merged: output.settleLink(route.stream, edge, .merged)
        case .notChosen: output.settleLink(route.stream, edge, .skipped)
        case .missing:
            output.settleLink(route.stream, edge, route.fateOfMissing.outcome, route.fateOfMissing.code)
        case .leftOut:
            let outcome: Outcome = route.onMissing == .quarantine ? .rejected : .skipped
            output.settleLink(route.stream, edge, outcome, .parentNotLoaded)
        case .load where attributes.label == nil && fields.isEmpty:
            try output.append(edge, from: Int(decision.from), to: Int(decision.to), by: lineWriter)
        case .load: try output.append(readyLine(for: decision, attributes))
        }
    }

    private mutating func readyLine(for decision: JunctionDecision, _ attributes: Attributes) -> ReadyLine {
        writer.removeAll()
        writer.beginObject()
        for field in fields {
            switch field.attribute {
            case .label:
                guard let label = attributes.label else { continue }
                writer.key(field.name)
                writer.string(label)
            case .primary:
                writer.key(field.name)
                writer.bool(attributes.isPrimary)
            }
        }
        writer.endObject()
        return ReadyLine(
            ordinal: Int(decision.edge), sourceID: "", tag: attributes.label.map { Self.tag($0) }, fields: writer.bytes,
            references: [.init(from, ordinal: Int(decision.from)), .init(to, ordinal: Int(decision.to))])
    }

    /// What tells two labels apart in the keys of links. It is the same in every run, so that a later run finds the link
    /// that this one made.
    private static func tag(_ label: String) -> String {
        String(Hex.encode(SHA256.digest(of: Array(label.utf8))).prefix(8))
    }
}

extension JunctionDecisions {
    /// The decision for this edge; edges come in ascending order.
    fileprivate mutating func advance(to edge: UInt64) throws -> JunctionDecision? {
        while let decision = try entries.next(JunctionDecision.init) {
            if decision.edge == edge { return decision }
            guard decision.edge < edge else { return nil }
        }
        return nil
    }
}
