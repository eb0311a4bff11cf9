// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezCrypto
import MigratezJSON
import MigratezModel

/// What sources do with contents.
extension SourceConformance {
    static func checkContents(_ subject: some SourceSubject) async throws {
        try require(subject.sourceCapabilities.movesFiles == !subject.contents.isEmpty, "files are not as declared")
        let source = try subject.makeSource()
        for expected in subject.contents {
            guard try await source.discover([expected.stream]).first?.content != nil else {
                throw ConformanceFailure("that \(expected.stream) has content was not discovered")
            }
            var found: Set<String> = []
            try await forEachRecord(source, expected.stream) { id, record in
                if expected.unavailable.contains(id) {
                    found.insert(id)
                    try await requireUnavailable(source, expected.stream, id, record)
                }
                guard let digest = expected.digests[id] else { return }
                found.insert(id)
                for _ in 0..<2 {
                    let read = try await digestOfContent(source, expected.stream, id, record)
                    try require(read == digest, "the content of \(expected.stream) \(id) is another one")
                }
            }
            let missing = expected.unavailable.union(expected.digests.keys).subtracting(found)
            try require(missing.isEmpty, "\(expected.stream): \(missing.count) records with content are missing")
        }
    }

    /// Either the content comes whole, or an error says that it did not and that trying again may help.
    static func checkFaultyContents(_ subject: some RemoteSourceSubject) async throws {
        for expected in subject.contents {
            var faults = ConformanceFault.allCases[...]
            let source = try subject.makeSource()
            try await forEachRecord(source, expected.stream) { id, record in
                guard let digest = expected.digests[id], let fault = faults.popFirst() else { return }
                subject.injectIntoContents(fault, times: 1)
                var read: [UInt8]?
                for _ in 0..<3 where read == nil {
                    do {
                        read = try await digestOfContent(source, expected.stream, id, record)
                    } catch let error as MigratezError {
                        guard case .retry = error.remedy else { throw error }
                    }
                }
                try require(read == digest, "\(fault): the content of \(expected.stream) \(id) is another one")
            }
            try require(faults.isEmpty, "\(expected.stream) has too few contents for all faults")
        }
    }

    private static func requireUnavailable(
        _ source: any Source, _ stream: StreamName, _ id: String, _ record: ArraySlice<UInt8>
    ) async throws {
        do {
            _ = try await digestOfContent(source, stream, id, record)
        } catch let rejection as Rejection {
            return try require(rejection.code == .contentUnavailable, "a content that is gone is \(rejection.code)")
        }
        throw ConformanceFailure("the content of \(stream) \(id), which is gone, was read")
    }

    private static func digestOfContent(
        _ source: any Source, _ stream: StreamName, _ id: String, _ record: ArraySlice<UInt8>
    ) async throws -> [UInt8] {
        var hash = SHA256()
        try await source.readContent(of: stream, id: id, record: record) { piece in
            try require(piece.count <= 256 << 10, "a piece has \(piece.count) bytes")
            hash.update(piece)
        }
        return hash.finish()
    }

    private static func forEachRecord(
        _ source: any Source, _ stream: StreamName, _ body: (String, ArraySlice<UInt8>) async throws -> Void
    ) async throws {
        let layout = source.layout(of: stream)
        let content = try await source.discover([stream]).first?.content
        let fields = (content?.versionFields ?? []) + [content?.sizeField].compactMap(\.self)
        var cursor: Cursor?
        repeat {
            let page = try await source.readPage(of: stream, fields: fields, after: cursor)
            for range in page.records {
                guard let id = try JSONValue(parsing: Array(page.bytes[range]))[layout.id]?.text else {
                    throw ConformanceFailure("a record of \(stream) has no id")
                }
                try await body(id, page.bytes[range])
            }
            cursor = page.next
        } while cursor != nil
    }
}
