// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezConnectorKit
import MigratezFileConnector
import MigratezJSON
import MigratezModel
import MigratezTestKit
import Testing

/// Files that are packed: told by their first bytes, unpacked once, within bounds.
struct PackedFileTests {
    private let person = StreamName("person")!

    private func source(_ format: FileFormat, _ bytes: [UInt8], in folder: String) throws -> FileSource {
        // The name says nothing: it is the bytes that tell.
        try Data(bytes).write(to: URL(filePath: "\(folder)/people"))
        return try FileSource(
            format,
            settings: ConnectorSettings(texts: ["objects.person.file": "\(folder)/people", "objects.person.id": "id"]))
    }

    private func lines(_ format: FileFormat, _ count: Int, filler: Int = 900) -> String {
        var text = format == .csv ? "id,text\n" : ""
        for number in 1...count {
            let filler = String(repeating: "\(number % 10)", count: filler)
            text += format == .csv ? "\(number),\"\(filler)\n\"\n" : "{\"id\":\"\(number)\",\"text\":\"\(filler)\"}\n"
        }
        return text
    }

    private func ids(_ page: Page) throws -> [String] {
        try page.records.compactMap { try JSONValue(parsing: Array(page.bytes[$0]))["id"]?.text }
    }

    @Test(arguments: FileFormat.allCases, Packing.allCases)
    func `pages of a packed file are those of the plain one`(format: FileFormat, packing: Packing) async throws {
        try await withTemporaryFolder { folder in
            let text = Array(lines(format, 6_000).utf8)
            let source = try source(format, packing.pack(text), in: folder)
            var found: [String] = []
            var cursor: Cursor?
            var cursors: [Cursor?] = []
            repeat {
                cursors.append(cursor)
                let page = try await source.readPage(of: person, fields: [], after: cursor)
                #expect(page.malformed.isEmpty)
                found += try ids(page)
                cursor = page.next
            } while cursor != nil
            #expect(found == (1...6_000).map(String.init))
            #expect(cursors.count > 5)
            #expect(try await source.count(of: person) == 6_000)
            let estimate = try #require(try await source.estimatedCount(of: person))
            // A packed file is counted; a plain one tells by its length.
            #expect(packing == .plain ? abs(estimate - 6_000) < 600 : estimate == 6_000)
            #expect(try await source.discover([person])[0].fields.map(\.name) == ["id", "text"])
        }
    }

    @Test(arguments: FileFormat.allCases, [Packing.gzip, .zstd])
    func `a new process goes on in the middle of a packed file, at any page`(
        format: FileFormat, packing: Packing
    ) async throws {
        try await withTemporaryFolder { folder in
            let text = Array(lines(format, 5_000).utf8)
            let packed = packing.pack(text)
            var found: [String] = []
            var cursor: Cursor?
            repeat {
                // A new source each time: nothing is at hand of the page before.
                let page = try await source(format, packed, in: folder).readPage(of: person, fields: [], after: cursor)
                found += try ids(page)
                cursor = page.next
            } while cursor != nil
            #expect(found == (1...5_000).map(String.init))
        }
    }

    @Test(arguments: [Packing.gzip, .zstd])
    func `a file of several members or frames is read to its end`(packing: Packing) async throws {
        try await withTemporaryFolder { folder in
            let skippable: [UInt8] = packing == .zstd ? [0x50, 0x2A, 0x4D, 0x18, 2, 0, 0, 0, 1, 2] : []
            let parts = ["id\n1\n", "2\n", "", "3\n4"].map { packing.pack(Array($0.utf8)) }
            let source = try source(.csv, skippable + parts.joined(), in: folder)
            #expect(try await ids(source.readPage(of: person, fields: [], after: nil)) == ["1", "2", "3", "4"])
        }
    }

    @Test(arguments: FileFormat.allCases, [Packing.gzip, .zstd])
    func `a packed file that is cut off or damaged is an error wherever that is`(
        format: FileFormat, packing: Packing
    ) async throws {
        try await withTemporaryFolder { folder in
            let packed = packing.pack(Array(lines(format, 40, filler: 20).utf8))
            for length in [packed.count - 1, packed.count - 4, packed.count / 2, 12] {
                let source = try source(format, Array(packed[..<length]), in: folder)
                let error = await #expect(throws: MigratezError.self, "\(length)") {
                    try await source.count(of: person)
                }
                #expect(error?.message.contains("cannot be decompressed") == true)
            }
            var damaged = packed
            damaged[packed.count - 3] ^= 0xFF
            let checked = try source(format, damaged, in: folder)
            await #expect(throws: MigratezError.self) { try await checked.count(of: person) }
            let garbage = try source(format, packed + Array("garbage".utf8), in: folder)
            await #expect(throws: MigratezError.self) { try await garbage.count(of: person) }
        }
    }

    /// Of zstd only: gzip cannot pack better than one to a thousand.
    @Test func `a file that grows out of proportion is refused`() async throws {
        try await withTemporaryFolder { folder in
            let bomb = Packing.zstd.pack(Array(repeating: UInt8(ascii: "x"), count: 80 << 20))
            let source = try source(.ndjson, bomb, in: folder)
            let error = await #expect(throws: MigratezError.self) { try await source.count(of: person) }
            #expect(error?.code == .limitExceeded)
        }
    }

    @Test func `a window of more than 8 MiB is refused, and the message says how to do without`() async throws {
        try await withTemporaryFolder { folder in
            let text = Array(lines(.ndjson, 100).utf8)
            let fits = try source(.ndjson, Packing.zstd.pack(text, zstdWindowLog: 23), in: folder)
            #expect(try await fits.count(of: person) == 100)
            let wide = try source(.ndjson, Packing.zstd.pack(text, zstdWindowLog: 27), in: folder)
            let error = await #expect(throws: MigratezError.self) { try await wide.count(of: person) }
            #expect(error?.code == .limitExceeded && error?.hint?.contains("--long") == true)
        }
    }

    @Test(arguments: FileFormat.allCases, [Packing.gzip, .zstd])
    func `a row that is too long keeps its first bytes, and the rows after it are read`(
        format: FileFormat, packing: Packing
    ) async throws {
        try await withTemporaryFolder { folder in
            let long = String(repeating: "y", count: 17 << 20)
            let text = format == .csv ? "id\n1\n\(long)\n2\n" : "{\"id\":\"1\"}\n{\"id\":\"\(long)\"}\n{\"id\":\"2\"}\n"
            let source = try source(format, packing.pack(Array(text.utf8)), in: folder)
            let page = try await source.readPage(of: person, fields: [], after: nil)
            #expect(try ids(page) == ["1", "2"])
            #expect(page.malformed.map(\.locator) == [format == .csv ? "people, line 3" : "people, line 2"])
            #expect(page.malformed.first?.bytes.count == 16 << 20)
        }
    }
}
