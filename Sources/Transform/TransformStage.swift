// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezChunkLines
import MigratezConnectorKit
import MigratezCrypto
import MigratezJSON
package import MigratezModel
package import MigratezStaging

/// Turns the raw chunks of a stream into ready chunks: filters, maps, merges duplicates, resolves links.
///
/// Two passes over the raw chunks: the first (`Surveyor`) finds groups of duplicates and brings links to their records,
/// by external sorting; the second (`RecordPass`) maps record by record, and the groups after them. Memory is bounded by
/// the sorters' share and one record; what does not fit is spilled, encrypted. The first pass is repeated on resume and
/// finds the same; the second goes on behind the last sealed ready chunk.
package struct TransformStage: Sendable {
    let staging: StagingArea
    let spec: TransformSpec
    let context: MappingContext
    let sorterBytes: ByteCount
    let progress: any ProgressSink

    /// - Parameters:
    ///   - context: what the mapping must know of both sides.
    ///   - sorterBytes: memory for each of the two or three sorters that are open at once.
    package init(
        staging: StagingArea, spec: TransformSpec, context: MappingContext,
        sorterBytes: ByteCount, progress: any ProgressSink
    ) {
        self.staging = staging
        self.spec = spec
        self.context = context
        self.sorterBytes = sorterBytes
        self.progress = progress
    }

    /// Transforms all records of an object stream; its extraction, that of its lookup links, and the transform of the
    /// streams that these lead to must be complete. Does nothing if it is done already.
    package func transform(_ object: ObjectSpec, layout: RecordLayout) async throws {
        let stream = object.stream
        let state = try await staging.manifest.read { view in
            (
                done: try view.stream(stream)?.state(of: .transform) == .done,
                note: try view.note(TransformPosition.key(stream)), holds: try view.holds(of: stream)
            )
        }
        guard !state.done else { return }
        let routes = spec.routes.filter { $0.from == stream && $0.isLookup }
        let mapper = try RecordMapper(object, context: context)
        let surveyor = Surveyor(
            staging: staging, spec: object, layout: layout, mapper: mapper,
            matchKeys: MatchKeys(object, schema: context.sourceSchema(stream), pseudonyms: pseudonyms),
            lookups: routes, pseudonyms: pseudonyms, targets: targets, holds: state.holds, forestMemory: sorterBytes)
        let survey = try await surveyor.survey()
        var pass = RecordPass(
            stage: self, object: object, layout: layout, mapper: mapper, routes: routes,
            start: state.note.flatMap { TransformPosition($0) } ?? .start, holds: state.holds)
        do {
            try await pass.run(survey)
        } catch {
            await pass.discard()
            throw error
        }
    }

    var pseudonyms: PseudonymKey { staging.keys.pseudonyms }

    var targets: LinkTargets {
        // In place of the two sorters of a join.
        LinkTargets(staging: staging, pseudonyms: pseudonyms, tableBytes: ByteCount(sorterBytes.bytes * 2)) {
            try makeSorter(width: $0)
        }
    }

    /// A sorter of entries of a fixed width, or of any if `width` is nil.
    func makeSorter(width: Int?) throws -> ExternalSorter {
        staging.makeSorter(entryBytes: width, memory: sorterBytes)
    }
}
