// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezChunkFormat
import MigratezCrypto
import MigratezModel
import MigratezTestKit
import Testing

/// Nothing that is not exactly the chunk that was asked for gets a byte to a stage.
struct ChunkTamperingTests {
    @Test(arguments: [
        context(sequence: 32), context(attempt: 2), context(attempt: 0), context(stream: "company"),
        context(kind: .ready), context(packing: .none), context(run: "9f3c01ab"),
    ])
    func `a chunk that was not asked for is refused at its head`(asked: ChunkContext) throws {
        let file = try chunk(records(bytes: 1000), context()).file
        let reading = read(file, as: asked)
        #expect(reading.error?.code == .chunkMismatch)
        #expect(reading.bytes.isEmpty)
    }

    @Test func `a chunk that claims to be another one is refused by its encryption`() throws {
        let file = try chunk(records(bytes: 1000), context(attempt: 1)).file
        let claim = Array(context(attempt: 2).description.utf8)
        var forged = file
        let range = try #require(file.firstRange(of: Array(context(attempt: 1).description.utf8)))
        forged.replaceSubrange(range, with: claim)
        let reading = read(forged, as: context(attempt: 2))
        #expect(reading.error?.code == .chunkAuthentication)
        #expect(reading.bytes.isEmpty)
    }

    @Test func `another key, or another name for it, is refused`() throws {
        let file = try chunk(records(bytes: 1000), context()).file
        let otherKey = ChunkKey(id: testKey.id, key: try SymmetricKey())
        #expect(read(file, as: context(), key: otherKey).error?.code == .chunkAuthentication)
        let otherName = ChunkKey(id: "slot-8", key: testKey.key)
        #expect(read(file, as: context(), key: otherName).error?.code == .chunkMismatch)
    }

    @Test func `the head of one chunk does not open the body of another`() throws {
        let (a, b) = (try chunk(noise(500, seed: 1), context()).file, try chunk(noise(500, seed: 2), context()).file)
        let (headOfA, headOfB) = (try headerLength(a), try headerLength(b))
        let reading = read(Array(a[..<headOfA] + b[headOfB...]), as: context())
        #expect(reading.error?.code == .chunkAuthentication)
        #expect(reading.bytes.isEmpty)
    }

    @Test(arguments: ChunkContext.Packing.allCases)
    func `every flipped bit of a small chunk is noticed before a byte comes out`(packing: ChunkContext.Packing) throws {
        let context = context(packing: packing)
        let file = try chunk(Array("{\"id\":\"1\"}\n".utf8), context).file
        var accepted: [Int] = []
        for bit in 0..<file.count * 8 {
            var flipped = file
            flipped[bit / 8] ^= 1 << UInt8(bit % 8)
            let reading = read(flipped, as: context)
            if reading.error == nil || !reading.bytes.isEmpty { accepted.append(bit) }
        }
        #expect(accepted.isEmpty)
    }

    @Test func `a small chunk cut or extended anywhere is noticed before a byte comes out`() throws {
        let file = try chunk(Array("{\"id\":\"1\"}\n".utf8), context()).file
        for length in 0..<file.count {
            let reading = read(Array(file.prefix(length)), as: context())
            #expect(reading.error != nil && reading.bytes.isEmpty, "cut to \(length) bytes")
        }
        for count in [1, 15, 16, 17, 65_552, 70_000] {
            let reading = read(file + noise(count), as: context())
            #expect(reading.error != nil && reading.bytes.isEmpty, "extended by \(count) bytes")
        }
    }

    @Test func `a chunk cut at a frame's border or anywhere else gives a beginning and an error`() throws {
        let context = context(packing: .none)
        let plaintext = noise(5 * 65_536 + 1000)
        let file = try chunk(plaintext, context).file
        let head = try headerLength(file) + 16
        var cuts = (0...5).map { head + $0 * 65_552 }
        var generator = SeededGenerator(seed: 5)
        for _ in 0..<40 { cuts.append(Int.random(in: 0..<file.count, using: &generator)) }
        for cut in cuts {
            let reading = read(Array(file.prefix(cut)), as: context)
            #expect(reading.error != nil, "cut to \(cut) bytes")
            #expect(plaintext.starts(with: reading.bytes), "cut to \(cut) bytes")
            #expect(reading.bytes.count % 65_536 == 0)
        }
    }

    @Test func `frames that change places, come twice or go missing are refused`() throws {
        let context = context(packing: .none)
        let plaintext = noise(4 * 65_536)
        let file = try chunk(plaintext, context).file
        let head = try headerLength(file) + 16
        let frames = (0..<4).map { i in Array(file[(head + i * 65_552)..<(head + (i + 1) * 65_552)]) }
        for order in [[1, 0, 2, 3], [0, 0, 1, 2, 3], [0, 2, 3], [0, 1, 2, 3, 3], [0, 1, 3, 2], [3]] {
            let forged = Array(file[..<head]) + order.flatMap { frames[$0] }
            let reading = read(forged, as: context)
            #expect(reading.error?.code == .chunkAuthentication, "\(order)")
            #expect(plaintext.starts(with: reading.bytes), "\(order)")
        }
    }

    @Test func `errors say nothing of what is inside`() throws {
        var file = try chunk(Array("canary.4711@example.com\n".utf8), context()).file
        file[file.count - 1] ^= 1
        let error = try #require(read(file, as: context()).error)
        #expect(!"\(error)".contains("canary"))
        #expect((error.cause as? AgeFailure)?.kind == .payload)
    }

    /// The length of the header with the line feed at its end.
    private func headerLength(_ file: [UInt8]) throws -> Int {
        let footer = try #require(file.firstRange(of: Array("\n--- ".utf8)))
        return try #require(file[footer.upperBound...].firstIndex(of: 0x0A)) + 1
    }
}
