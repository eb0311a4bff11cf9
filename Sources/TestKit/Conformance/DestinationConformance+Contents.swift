// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezCrypto
import MigratezModel

/// What destinations do with contents.
extension DestinationConformance {
    /// Empty, small, one whole piece, and several.
    private static let allSizes = [0, 1, 1000, RowContent.pieceBytesMax, 500_001]

    static func checkContents(_ subject: some DestinationSubject) async throws {
        try require(
            subject.destinationCapabilities.movesFiles == (subject.content != nil), "files are not as declared")
        guard let content = subject.content else { return }
        let destination = try await subject.prepared()
        let schema = try await destination.discover([content.object]).first
        try require(schema?.content?.field == content.field, "\(content.object) takes content in another field")
        let before = try await content.count()
        let sizes = sizes(content)
        var ids: [String] = []
        for number in sizes.indices {
            let batch = try await batch(content, number)
            let unwritten = try await destination.found(batch)
            try require(unwritten.isEmpty, "a file is found that was never written")
            let intent = KeptIntent()
            let receipts = try await destination.put(batch, intent: intent)
            guard let id = receipts.first?.id, receipts.count == 1 else {
                throw ConformanceFailure("a file of \(sizes[number]) bytes is \(receipts.map(\.result))")
            }
            try require(receipts[0].isCreated, "a new file is \(receipts[0].result)")
            let found = try await subject.makeDestination().found(batch, note: await intent.last)
            try require(found.map(\.id) == [id], "a file that was written is not found by what is known of it")
            ids.append(id)
        }
        // Besides those that are counted: it may leave nothing behind.
        if !content.takesEmpty { try await checkEmpty(batch(content, sizes.count, []), at: destination) }
        try await destination.finish()
        let held = try await content.count() - before
        try require(held == sizes.count, "\(held) records of \(sizes.count) files")
        for (number, id) in ids.enumerated() {
            let read = try await read(content.object, id, at: try subject.makeDestination())
            try require(read == bytes(content, number), "file \(number) does not read as it was written")
        }
        let deleted = try await subject.makeDestination().delete(object: content.object, ids: ids)
        try require(deleted.allSatisfy { $0.result == .deleted }, "files were not deleted")
        do {
            _ = try await read(content.object, ids[2], at: try subject.makeDestination())
        } catch is Rejection {
            return
        }
        throw ConformanceFailure("a file can be read that was deleted")
    }

    static func checkLostContents(_ subject: some RemoteDestinationSubject) async throws {
        guard let content = subject.content else { return }
        let destination = try await subject.prepared()
        let before = try await content.count()
        for (number, fault) in ConformanceFault.allCases.enumerated() {
            let batch = try await batch(content, number)
            subject.injectIntoContents(fault, times: 1)
            var id: String?
            for _ in 0..<3 where id == nil {
                let intent = KeptIntent()
                do {
                    id = try await destination.put(batch, intent: intent).first?.id
                } catch let error as MigratezError {
                    guard case .retry = error.remedy else { throw error }
                    id = try await subject.makeDestination().found(batch, note: await intent.last).first?.id
                }
            }
            guard let id else { throw ConformanceFailure("\(fault): a file was not written") }
            let read = try await read(content.object, id, at: try subject.makeDestination())
            try require(read == bytes(content, number), "\(fault): file \(number) does not read as it was written")
        }
        let held = try await content.count() - before
        try require(
            held == ConformanceFault.allCases.count, "\(held) records of \(ConformanceFault.allCases.count) files")
    }

    /// A file that the account does not take is told with its reason: one that is left out without a word is lost.
    private static func checkEmpty(_ batch: Batch, at destination: any Destination) async throws {
        let receipts = try await destination.put(batch)
        guard receipts.count == 1, case .rejected(let rejection) = receipts[0].result else {
            throw ConformanceFailure("an empty file is \(receipts.map(\.result))")
        }
        let isExplained = rejection.fields == batch.rows.compactMap(\.content?.field) || rejection.reason != nil
        try require(isExplained, "an empty file is refused as \(rejection.code) without a reason")
        try require(try await destination.found(batch).isEmpty, "an empty file is found that was refused")
    }

    /// The sizes of what is written, each of which the account takes.
    private static func sizes(_ content: ContentSubject) -> [Int] { allSizes.filter { content.takesEmpty || $0 > 0 } }

    private static func bytes(_ content: ContentSubject, _ number: Int) -> [UInt8] {
        let sizes = sizes(content)
        return (0..<sizes[number % sizes.count]).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8 &+ number) }
    }

    private static func batch(_ content: ContentSubject, _ number: Int, _ data: [UInt8]? = nil) async throws -> Batch {
        var row = try await content.row(number)
        let data = data ?? bytes(content, number)
        row.content = RowContent(field: content.field, sha256: SHA256.digest(of: data), data)
        return Batch(object: content.object, rows: [row])
    }

    private static func read(_ object: String, _ id: String, at destination: any Destination) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        try await destination.readContent(object: object, id: id) { piece in
            try require(piece.count <= 256 << 10, "a piece has \(piece.count) bytes")
            bytes += piece
        }
        return bytes
    }
}
