// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezChunkLines
import MigratezModel
import MigratezStaging
import Synchronization

/// Keeps what records of the destination hold before rows change it.
struct BeforeImages: Sendable {
    let staging: StagingArea
    let stream: StreamName

    /// Seals the values that the rows of a ready chunk will change in a before chunk, in one commit with what `intent`
    /// notes.
    ///
    /// A record has one image, the first: after a crash its values may be those that the run wrote. Only an image of
    /// another record, which was found for the row then and was not changed, gives way.
    func keep<T: Sendable>(
        _ rows: [LoadRow], ofChunk readySequence: Int,
        with intent: @escaping @Sendable (ManifestTransaction) throws -> T
    ) async throws -> T {
        let stream = stream
        let changing = rows.compactMap { row in row.before.map { (row: row, image: $0) } }
        let kept = try await ids(of: changing.map(\.row.record.ordinal))
        let fresh = changing.filter { kept[$0.row.record.ordinal] != $0.image.id }
        let known = changing.map(\.row.record.ordinal).filter { kept[$0] != nil }
        let note: @Sendable (ManifestTransaction) throws -> T = { transaction in
            try transaction.moveImages(of: stream, ordinals: known, toReady: readySequence)
            return try intent(transaction)
        }
        guard !fresh.isEmpty else { return try await staging.manifest.commit(note) }
        let result = Mutex<T?>(nil)
        _ = try await staging.withChunkWriter(stream, .before) { transaction, chunk in
            let places = fresh.enumerated().map { line, entry in
                ImagePlace(
                    ordinal: entry.row.record.ordinal, targetID: entry.image.id, origin: entry.image.origin,
                    chunkSequence: chunk.address.sequence, line: line, readySequence: readySequence)
            }
            try transaction.recordImages(places, of: stream)
            let value = try note(transaction)
            result.withLock { $0 = value }
        } _: { writer in
            for (row, image) in fresh {
                var bytes: [UInt8] = []
                image.line(ordinal: row.record.ordinal, fields: row.fieldNames).append(to: &bytes)
                try writer.append(bytes, records: 1)
            }
        }
        guard let value = result.withLock({ $0 }) else {
            throw MigratezError(.internalError, "a before chunk was sealed without the intent of its write")
        }
        return value
    }

    /// The ids of the records of which an image is kept, by ordinal.
    private func ids(of ordinals: [Int]) async throws -> [Int: String] {
        guard !ordinals.isEmpty else { return [:] }
        let (stream, sorted) = (stream, ordinals.sorted())
        let images = try await staging.manifest.read { try $0.images(of: stream, ordinals: sorted) }
        return Dictionary(images.map { ($0.ordinal, $0.targetID) }) { first, _ in first }
    }
}
