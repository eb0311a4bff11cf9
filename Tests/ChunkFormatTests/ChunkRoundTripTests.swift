// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezChunkFormat
import MigratezCrypto
import MigratezModel
import MigratezTestKit
import Testing

struct ChunkRoundTripTests {
    @Test(arguments: borderSizes, ChunkContext.Packing.allCases)
    func `a chunk comes back`(size: Int, packing: ChunkContext.Packing) throws {
        let context = context(packing: packing)
        let plaintext = noise(size)
        let (file, summary) = try chunk(plaintext, context)
        #expect(summary.plaintextBytes == size)
        #expect(summary.ciphertextBytes == file.count)
        #expect(summary.ciphertextDigest == SHA256.digest(of: file))
        let reading = read(file, as: context, piece: 3_001)
        #expect(reading.error == nil)
        #expect(reading.bytes == plaintext)
    }

    @Test(arguments: [1, 888, 65_536, 1_000_000]) func `the size of the pieces put in changes nothing`(
        piece: Int
    ) throws {
        let plaintext = records(bytes: 300_000)
        #expect(read(try chunk(plaintext, context(), piece: piece).file, as: context()).bytes == plaintext)
    }

    @Test func `output may be taken away at any time`() throws {
        let plaintext = noise(400_000)
        var (file, buffer): ([UInt8], [UInt8]) = ([], [])
        var encoder = try ChunkEncoder(context: context(), key: testKey, into: &buffer)
        for start in stride(from: 0, to: plaintext.count, by: 1000) {
            try encoder.append(Array(plaintext[start..<start + 1000]), into: &buffer)
            file.append(contentsOf: buffer)
            buffer.removeAll(keepingCapacity: true)
        }
        let summary = try encoder.finish(into: &buffer)
        file.append(contentsOf: buffer)
        #expect(summary.ciphertextDigest == SHA256.digest(of: file))
        #expect(read(file, as: context()).bytes == plaintext)
    }

    @Test func `two chunks of the same data have nothing in common but the clear part`() throws {
        let plaintext = records(bytes: 2_000)
        #expect(try chunk(plaintext, context()).summary != chunk(plaintext, context()).summary)
    }

    @Test func `no plaintext is in a chunk`() throws {
        let plaintext = Array(#"{"email":"canary.4711@example.com"}"#.utf8) + [0x0A]
        for packing in ChunkContext.Packing.allCases {
            let file = try chunk(plaintext, context(packing: packing)).file
            #expect(file.firstRange(of: Array("canary".utf8)) == nil)
        }
    }

    @Test func `the context has one text`() {
        #expect(context().description == "1.zstd.9f3c01aa.contact.raw.31.1")
        #expect(
            context(stream: "contact-to-company", kind: .ready, sequence: 0, attempt: 12, packing: .none).description
                == "1.none.9f3c01aa.contact-to-company.ready.0.12")
    }

    @Test func `a chunk that outgrows the limit is not written`() throws {
        let limits = ChunkLimits(plaintextMax: ByteCount(1000))
        #expect(try chunk(noise(1000), context(), limits: limits).summary.plaintextBytes == 1000)
        let error = #expect(throws: MigratezError.self) { _ = try chunk(noise(1001), context(), limits: limits) }
        #expect(error?.code == .limitExceeded)
    }
}

struct ChunkLineTests {
    private let blockBytes = ChunkDecoder.blockBytes

    /// Lines of the given lengths, without their line feeds.
    private func lines(_ lengths: [Int]) -> [UInt8] {
        var bytes: [UInt8] = []
        for (i, length) in lengths.enumerated() {
            bytes.append(contentsOf: noise(length, seed: UInt64(i)).map { $0 == 0x0A ? 0x0B : $0 })
            bytes.append(0x0A)
        }
        return bytes
    }

    @Test(arguments: ChunkContext.Packing.allCases) func `blocks are whole lines`(packing: ChunkContext.Packing) throws
    {
        let context = context(packing: packing)
        let plaintext = records(bytes: 2_000_000)
        let file = try chunk(plaintext, context).file
        var decoder = try ChunkDecoder(asking: context, key: testKey, reading: source(of: file, piece: 10_007))
        var (block, all): ([UInt8], [UInt8]) = ([], [])
        while try decoder.next(into: &block) {
            #expect(block.last == 0x0A)
            #expect(block.count < 2 * blockBytes)
            all.append(contentsOf: block)
        }
        #expect(block.isEmpty)
        #expect(all == plaintext)
        let isMore = try decoder.next(into: &block)
        #expect(!isMore)
    }

    @Test func `lines around the size of a block`() throws {
        for length in [blockBytes - 2, blockBytes - 1, blockBytes, blockBytes + 1, 3 * blockBytes] {
            for plaintext in [lines([length]), lines([length, 0, 5]), lines([5, length]), lines([length, length])] {
                let reading = readLines(try chunk(plaintext, context()).file, as: context())
                #expect(reading.error == nil)
                #expect(reading.bytes == plaintext)
            }
        }
    }

    @Test func `every line is given once, without its line feed`() throws {
        let lengths = [0, 1, 0, 0, 300_000, 17, 131_072, 2]
        let plaintext = lines(lengths)
        let file = try chunk(plaintext, context()).file
        var decoder = try ChunkDecoder(asking: context(), key: testKey, reading: source(of: file))
        var (seen, all): ([Int], [UInt8]) = ([], [])
        try decoder.forEachLine { (line) throws(MigratezError) in
            seen.append(line.count)
            all.append(contentsOf: line)
            all.append(0x0A)
        }
        #expect(seen == lengths)
        #expect(all == plaintext)
    }

    @Test func `an empty chunk has no lines`() throws {
        let reading = readLines(try chunk([], context()).file, as: context())
        #expect(reading.error == nil)
        #expect(reading.bytes.isEmpty)
    }

    @Test func `a last line without an end is damage`() throws {
        let reading = readLines(try chunk(Array("{}\n{\"id\"".utf8), context()).file, as: context())
        #expect(reading.error?.code == .chunkCorrupt)
        #expect(reading.bytes.isEmpty)
    }

    @Test(arguments: [10, 131_071, 131_072, 131_073, 500_000]) func `a record may have the limit and no byte more`(
        limit: Int
    ) throws {
        let limits = ChunkLimits(recordMax: ByteCount(limit))
        for before in [[], [3], [limit]] {
            let fits = lines(before + [limit, 1])
            #expect(readLines(try chunk(fits, context()).file, as: context(), limits: limits).bytes == fits)
            let tooLong = try chunk(lines(before + [limit + 1, 1]), context()).file
            #expect(readLines(tooLong, as: context(), limits: limits).error?.code == .limitExceeded)
        }
    }

    @Test func `a record of 16 MiB passes, one byte more does not`() throws {
        for (length, passes) in [(16 << 20, true), ((16 << 20) + 1, false)] {
            let plaintext = [UInt8](repeating: 0x20, count: length) + [0x0A]
            let reading = readLines(try chunk(plaintext, context()).file, as: context())
            #expect(reading.error?.code == (passes ? nil : .limitExceeded))
            #expect(reading.bytes.count == (passes ? plaintext.count : 0))
        }
    }
}
