// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezChunkLines
import MigratezConnectorKit
import MigratezJSON
package import MigratezModel
package import MigratezStaging
import MigratezTransform

/// Brings rejected records back into the run, mapped by the pipeline file as it is now.
package struct IssueReplay: Sendable {
    private let run: Run
    private let setup: RunSetup

    package init(_ run: Run, _ setup: RunSetup) {
        self.run = run
        self.setup = setup
    }

    /// Puts the rejected records of one code (`nil` = all) into new ready chunks, which the load stage then takes.
    ///
    /// What the mapping refuses again stays rejected. The new chunk and the end of the old rejection are one commit.
    /// - Returns: how many records will be tried again.
    package func prepare(code: String?) async throws -> Int {
        try await run.requireNotUndone()
        let spec = run.plan.transform
        let begun = try await run.staging.manifest.read { try $0.run() }
        guard [.running, .loaded, .verified].contains(begun.phase) else {
            throw MigratezError(
                .wrongRunState, "run \(run.id) is \(begun.phase.rawValue), so nothing can be tried again",
                remedy: .fixConfiguration, hint: "begin a new run: migratez run \(run.plan.file)")
        }
        let context = MappingContext(
            spec: spec, run: RunVariables(started: begun.createdAt, id: run.id.text, pipeline: run.plan.name),
            people: setup.people, sourceSchemas: setup.sourceSchemas, targetSchemas: setup.targetSchemas)
        var count = 0
        for object in spec.objects {
            let mapper = try RecordMapper(object, context: context)
            count += try await replay(object.stream, code: code, layout: run.source.layout(of: object.stream), mapper)
        }
        for route in spec.routes where !route.isLookup {
            count += try await replay(route.stream, code: code, layout: nil, nil)
        }
        if count > 0 {
            try await run.staging.manifest.commit { transaction in
                if try transaction.run().phase != .running { try transaction.advance(to: .running) }
            }
        }
        return count
    }

    /// The rejects of one stream, a thousand at a time; each thousand becomes a ready chunk.
    private func replay(
        _ stream: StreamName, code: String?, layout: RecordLayout?, _ mapper: RecordMapper?
    ) async throws -> Int {
        var count = 0
        var start = 0
        while true {
            let from = start
            let rejects = try await run.staging.manifest.read {
                try $0.rejects(of: stream, code: code, from: from, limit: 1000)
            }
            guard let last = rejects.last else { return count }
            start = last.ordinal + 1
            let lines = try await lines(of: rejects, stream).compactMap { try ready($0, layout, mapper) }
            guard !lines.isEmpty else { continue }
            count += lines.count
            let ordinals = lines.map(\.ordinal)
            let links = lines.flatMap {
                $0.references.compactMap { reference in reference.link.map { ($0, reference.edge) } }
            }
            _ = try await run.staging.withChunkWriter(stream, .ready) { transaction, _ in
                try transaction.reopenRejected(of: stream, ordinals: ordinals)
                for (link, edge) in links { try transaction.removeRejects(of: link, ordinals: edge.map { [$0] } ?? []) }
                try transaction.set(.load, of: stream, to: .running)
            } _: { writer in
                var bytes: [UInt8] = []
                for line in lines { line.append(to: &bytes) }
                try writer.append(bytes, records: lines.count)
            }
        }
    }

    /// The lines of the rejects chunks that these rejects stand in.
    private func lines(of rejects: [Reject], _ stream: StreamName) async throws -> [RejectLine.Parsed] {
        let bySequence = Dictionary(grouping: rejects.filter { $0.chunkSequence != nil }) { $0.chunkSequence ?? 0 }
        var found: [RejectLine.Parsed] = []
        for (sequence, rejects) in bySequence.sorted(by: { $0.key < $1.key }) {
            let wanted = Set(rejects.compactMap(\.line))
            let address = ChunkAddress(stream: stream, kind: .rejects, sequence: sequence)
            guard let chunk = try await run.staging.manifest.read({ try $0.chunk(address) }) else { continue }
            var reader = try run.staging.openChunkReader(chunk)
            var block: [UInt8] = []
            var index = RecordIndex(fields: nil)
            var number = 0
            while try reader.next(into: &block) {
                for line in block.split(separator: UInt8(ascii: "\n")) {
                    if wanted.contains(number) {
                        found.append(try line.withUnsafeBufferPointer { try RejectLine.parse($0, with: &index) })
                    }
                    number += 1
                }
            }
        }
        return found
    }

    /// The ready line of a rejected record; `nil` if it is still refused.
    private func ready(
        _ reject: RejectLine.Parsed, _ layout: RecordLayout?, _ mapper: RecordMapper?
    ) throws -> ReadyLine? {
        try reject.record.withUnsafeBufferPointer { record in
            if reject.stage == .load {
                var index = RecordIndex(fields: nil)
                return try ReadyLine(record, with: &index)
            }
            guard let layout, let mapper else { return nil }
            var index = RecordIndex(fields: layout.fields)
            try index.indexLine(record)
            guard let id = index.sourceID(layout, in: record) else { return nil }
            var writer = JSONWriter()
            guard mapper.map(index, record, into: &writer) == .mapped else { return nil }
            return ReadyLine(
                ordinal: reject.ordinal, sourceID: id, fields: writer.bytes, references: reject.references)
        }
    }
}

/// The vendors' own texts about rejected records; they may quote values.
package enum VendorTexts {
    /// By ordinal.
    package static func read(
        _ rejects: [Reject], of stream: StreamName, in inspection: RunInspection
    ) async throws -> [Int: String] {
        var texts: [Int: String] = [:]
        for sequence in Set(rejects.compactMap(\.chunkSequence)).sorted() {
            let address = ChunkAddress(stream: stream, kind: .rejects, sequence: sequence)
            guard let chunk = try await inspection.manifest.read({ try $0.chunk(address) }) else { continue }
            var reader = try inspection.openChunkReader(chunk)
            var block: [UInt8] = []
            var index = RecordIndex(fields: nil)
            while try reader.next(into: &block) {
                for line in block.split(separator: UInt8(ascii: "\n")) {
                    let parsed = try line.withUnsafeBufferPointer { try RejectLine.parse($0, with: &index) }
                    texts[parsed.ordinal] = parsed.vendorText
                }
            }
        }
        return texts
    }
}
