// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezChunkLines
import MigratezJSON
import MigratezModel
import MigratezStaging

/// The second pass over the raw chunks of a stream: every record gets an outcome or becomes a ready line.
///
/// Records without duplicates are mapped in order. Those of a group are spilled, sorted by group, and folded into one
/// record each after the others are done.
struct RecordPass: ~Copyable {
    private let stage: TransformStage
    private let object: ObjectSpec
    private let layout: RecordLayout
    private let mapper: RecordMapper
    private let routes: [LinkRoute]
    private let roles: [ReferenceRole]
    private let start: TransformPosition
    private let holds: [Int: HoldKind]
    private var output: TransformOutput
    private var writer = JSONWriter()
    private var marks = MappingMarks()
    private var reported = TransformTally()

    init(
        stage: TransformStage, object: ObjectSpec, layout: RecordLayout, mapper: RecordMapper, routes: [LinkRoute],
        start: TransformPosition, holds: [Int: HoldKind]
    ) {
        self.stage = stage
        self.object = object
        self.layout = layout
        self.mapper = mapper
        self.routes = routes
        roles = routes.map { route in
            ReferenceRole(
                field: route.field ?? "", stream: route.to, link: route.stream, onMissing: route.onMissing.rawValue)
        }
        self.start = start
        self.holds = holds
        output = TransformOutput(
            staging: stage.staging, stream: object.stream, mapping: mapper.tally,
            ownerTag: stage.spec.people?.unmatched.tag)
    }

    mutating func run(_ survey: consuming RecordSurvey) async throws {
        let groups = try await mapSingles(survey)
        try await mapGroups(groups)
    }

    mutating func discard() async { await output.discard() }

    /// Works through all records in order; those of groups go into the sorter that comes back.
    private mutating func mapSingles(_ survey: consuming RecordSurvey) async throws -> SortedEntries {
        var groups = try stage.makeSorter(width: nil)
        var survey = SurveyCursor(survey)
        var index = RecordIndex(fields: layout.fields)
        var edges: [RecordEdgeEntry] = []
        let first: Int =
            switch start {
            // All records are done, and some of the links without one.
            case .record(let ordinal): min(ordinal, .max - 1)
            case .group: .max
            }
        try await output.open()
        let reader = StreamReader(staging: stage.staging, stream: object.stream, kind: .raw)
        try await reader.forEachLine { ordinal, line in
            try index.indexLine(line)
            let (root, original) = try survey.advance(to: UInt64(ordinal), edges: &edges)
            let isDone = ordinal < first
            if let root, original == nil {
                guard let id = index.sourceID(layout, in: line) else { return }
                try GroupMember.append(
                    root: root, ordinal: UInt64(ordinal), sourceID: id, edges: edges, record: line, to: &groups)
            } else if !isDone {
                try settle(ordinal, line, index, original: original, edges: edges)
            }
        } afterBlock: { next in
            if next > first, try output.isFull {
                try await output.commit(.record(next))
                try await output.open()
            }
            report()
        }
        if first < .max {
            try await settleOrphans(&survey)
            try await output.commit(.group(0))
        }
        return try groups.sorted()
    }

    /// Gives one record that has no duplicates its outcome or its ready line.
    private mutating func settle(
        _ ordinal: Int, _ line: UnsafeBufferPointer<UInt8>, _ index: borrowing RecordIndex, original: UInt64?,
        edges: [RecordEdgeEntry]
    ) throws {
        if let hold = holds[ordinal] {
            output.settle(ordinal, sourceID: index.sourceID(layout, in: line), .skipped, hold.code)
            return settleAll(edges, .skipped, hold.code)
        }
        if let locator = MalformedLine.locator(line, index) {
            return try output.reject(
                ordinal: ordinal, sourceID: locator, Rejection(.malformedRecord), record: line)
        }
        guard let id = index.sourceID(layout, in: line) else {
            return try output.reject(
                ordinal: ordinal, sourceID: nil, Rejection(.malformedRecord, fields: [layout.id]), record: line)
        }
        if let original {
            output.settle(ordinal, sourceID: id, .skipped, .repeatedRecord, survivor: Int(original))
            return
        }
        let provenance = RecordProvenance(layout, index, line, of: object)
        try map(ordinal, id, line, index, edges: edges, provenance)
    }

    /// Maps a record and puts it where it belongs.
    private mutating func map(
        _ ordinal: Int, _ id: String, _ record: UnsafeBufferPointer<UInt8>, _ index: borrowing RecordIndex,
        edges: [RecordEdgeEntry], _ provenance: RecordProvenance
    ) throws {
        let choice = LookupChoice(edges, routes: routes, roles: roles)
        writer.removeAll()
        switch mapper.map(index, record, into: &writer, marks: &marks) {
        case .filtered:
            output.settle(ordinal, sourceID: id, .filtered)
            settleAll(edges, .filtered, nil)
        case .rejected(let rejection):
            try output.reject(
                ordinal: ordinal, sourceID: id, rejection, record: record, references: choice.references,
                provenance: provenance)
            settleAll(edges, .rejected, .parentNotLoaded)
        case .mapped:
            switch choice.verdict {
            case .reject(let rejection):
                try output.reject(
                    ordinal: ordinal, sourceID: id, rejection, record: record, provenance: provenance)
                settleAll(edges, .rejected, rejection.code)
            case .skip(let code):
                output.settle(ordinal, sourceID: id, .skipped, code)
                settleAll(edges, .skipped, code)
            case nil:
                try output.append(
                    ReadyLine(
                        ordinal: ordinal, sourceID: id, fields: writer.bytes, references: choice.references,
                        provenance: provenance))
                mapper.tally.add(marks)
                if marks.contains(.personReplaced) { output.tagOwner(ordinal) }
                for edge in choice.settled {
                    output.settleLink(routes[edge.route].stream, Int(edge.edge), edge.outcome, edge.code)
                }
            }
        }
    }

    private mutating func settleAll(_ edges: [RecordEdgeEntry], _ outcome: Outcome, _ code: ErrorCode?) {
        for edge in edges { output.settleLink(routes[edge.route].stream, Int(edge.edge), outcome, code) }
    }

    /// Settles the links whose own record does not exist; a resumed run does so once more, with the same result.
    private mutating func settleOrphans(_ survey: inout SurveyCursor) async throws {
        while let edge = try survey.nextRemainingEdge() {
            let route = routes[edge.route]
            output.settleLink(route.stream, Int(edge.edge), route.fateOfMissing.outcome, route.fateOfMissing.code)
            if try output.isFull { try await output.commit(.record(.max)) }
        }
    }

    /// Folds each group into the record that is kept, and maps that.
    private mutating func mapGroups(_ members: consuming SortedEntries) async throws {
        var members = members
        let first: UInt64 =
            if case .group(let root) = start { UInt64(root) } else { 0 }
        var merge = GroupMerge(layout: layout, fields: object.sourceFields, rules: object.duplicates)
        var group: UInt64?
        var edges: [RecordEdgeEntry] = []
        var index = RecordIndex(fields: layout.fields)
        try await output.open()
        while let member = try members.withNext({ GroupMember($0) }) {
            if let root = group, root != member.root {
                try finish(&merge, edges: edges, &index)
                group = nil
                if try output.isFull {
                    try await output.commit(.group(Int(member.root)))
                    try await output.open()
                }
                report()
            }
            guard member.root >= first else { continue }
            if group == nil {
                merge.begin()
                edges.removeAll(keepingCapacity: true)
                group = member.root
            }
            try member.record.withUnsafeBufferPointer { record in
                try index.indexLine(record)
                merge.add(ordinal: member.ordinal, sourceID: member.sourceID, record: record, index: index)
            }
            edges += member.edges
        }
        if group != nil { try finish(&merge, edges: edges, &index) }
        try await output.commit(.group(.max), isLast: true)
        report()
    }

    private mutating func finish(
        _ merge: inout GroupMerge, edges: [RecordEdgeEntry], _ index: inout RecordIndex
    ) throws {
        guard let result = merge.result() else { return }
        if !result.merged.isEmpty { output.countMergeGroup() }
        for ordinal in result.merged {
            output.settle(
                Int(ordinal.ordinal), sourceID: ordinal.sourceID, .merged, survivor: Int(result.ordinal))
        }
        try result.record.withUnsafeBufferPointer { record in
            try index.indexLine(record)
            let provenance = RecordProvenance(result, of: object)
            try map(Int(result.ordinal), result.sourceID, record, index, edges: edges, provenance)
        }
    }

    private mutating func report() {
        let tally = output.tally
        let done = tally.ready + tally.settled - reported.ready - reported.settled
        if done > 0 { stage.progress.advance(.transform, object.stream, by: done) }
        let rejected = tally.rejected - reported.rejected
        if rejected > 0 { stage.progress.reject(.transform, object.stream, by: rejected) }
        reported = tally
    }
}

/// Walks the results of the survey beside the records.
private struct SurveyCursor: ~Copyable {
    private var survey: RecordSurvey
    private var member: PairEntry?
    private var repeated: PairEntry?
    private var edge: RecordEdgeEntry?
    private var isStarted = false

    init(_ survey: consuming RecordSurvey) { self.survey = survey }

    /// The group of the record, the earlier record with its id, and its links. Ordinals come in ascending order.
    mutating func advance(
        to ordinal: UInt64, edges: inout [RecordEdgeEntry]
    ) throws -> (root: UInt64?, original: UInt64?) {
        if !isStarted {
            isStarted = true
            member = try survey.members.next(PairEntry.init)
            repeated = try survey.repeats.next(PairEntry.init)
            edge = try survey.edges.next(RecordEdgeEntry.init)
        }
        var root: UInt64?
        var original: UInt64?
        edges.removeAll(keepingCapacity: true)
        while let next = member, next.first <= ordinal {
            if next.first == ordinal { root = next.second }
            member = try survey.members.next(PairEntry.init)
        }
        while let next = repeated, next.first <= ordinal {
            if next.first == ordinal { original = next.second }
            repeated = try survey.repeats.next(PairEntry.init)
        }
        while let next = edge, next.record <= ordinal {
            edges.append(next)
            edge = try survey.edges.next(RecordEdgeEntry.init)
        }
        return (root, original)
    }

    /// The next of the links that belong to no record, once all records have passed.
    mutating func nextRemainingEdge() throws -> RecordEdgeEntry? {
        if !isStarted {
            isStarted = true
            edge = try survey.edges.next(RecordEdgeEntry.init)
        }
        guard let next = edge else { return nil }
        edge = try survey.edges.next(RecordEdgeEntry.init)
        return next
    }
}
