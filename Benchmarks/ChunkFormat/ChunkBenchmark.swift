// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezChunkFormat
import MigratezCrypto
import MigratezMeasuring
import MigratezModel
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Speed and memory of the chunk format: 200 MB of contacts through one chunk, out and back.
///
/// The chunk stays in memory (compressed, about 25 MB), so the growth that is reported is measured with the chunk's own
/// length taken off. Exits with 1 if it is more than 8 MiB: memory must not depend on the length of a chunk.
@main
enum ChunkBenchmark {
    static let plaintextBytes = 200_000_000
    static let growthBytesMax = 8 << 20

    static func main() throws {
        let lines = contacts(bytes: 4_000_000)
        var isBounded = true
        for (name, packing, level) in [
            ("zstd 1", ChunkContext.Packing.zstd, 1), ("zstd 3", .zstd, 3), ("no zstd", .none, 1),
        ] {
            isBounded =
                try measure(name, lines, packing: packing, level: CompressionLevel(clamping: level)) && isBounded
        }
        try measurePseudonyms()
        guard isBounded else {
            print("memory grows with the length of a chunk")
            exit(1)
        }
    }

    /// Encodes without keeping the output, then encodes once more into memory and decodes that.
    private static func measure(
        _ name: String, _ lines: [UInt8], packing: ChunkContext.Packing, level: CompressionLevel
    ) throws -> Bool {
        guard let run = RunID("00000000"), let stream = StreamName("contact") else { return false }
        let address = ChunkAddress(stream: stream, kind: .raw, sequence: 1)
        let context = ChunkContext(run: run, address: address, attempt: 1, packing: packing)
        let key = ChunkKey(id: "benchmark", key: try SymmetricKey())
        let repeats = plaintextBytes / lines.count

        let encodingStart = (cpu: ProcessCost.cpuSeconds, resident: ProcessCost.residentBytes)
        var output: [UInt8] = []
        var encoder = try ChunkEncoder(context: context, key: key, level: level, into: &output)
        for _ in 0..<repeats {
            try append(lines, to: &encoder, output: &output)
            output.removeAll(keepingCapacity: true)
        }
        let summary = try encoder.finish(into: &output)
        let encodingSeconds = ProcessCost.cpuSeconds - encodingStart.cpu
        let encodingGrowth = ProcessCost.residentBytes - encodingStart.resident

        var file: [UInt8] = []
        file.reserveCapacity(summary.ciphertextBytes + (1 << 20))
        var second = try ChunkEncoder(context: context, key: key, level: level, into: &file)
        for _ in 0..<repeats { try append(lines, to: &second, output: &file) }
        _ = try second.finish(into: &file)

        let decodingStart = (cpu: ProcessCost.cpuSeconds, resident: ProcessCost.residentBytes)
        var (count, bytes) = (0, 0)
        var decoder = try ChunkDecoder(asking: context, key: key, reading: source(of: file))
        try decoder.forEachLine { (line) throws(MigratezError) in
            count += 1
            bytes += line.count + 1
        }
        precondition(bytes == summary.plaintextBytes, "the chunk did not come back")
        let decodingSeconds = ProcessCost.cpuSeconds - decodingStart.cpu
        let decodingGrowth = ProcessCost.residentBytes - decodingStart.resident
        print(
            "\(name): ratio \(rounded(Double(bytes) / Double(file.count)));"
                + " encode \(Int(Double(bytes) / encodingSeconds / 1e6)) MB/cpu-s, \(ByteCount(encodingGrowth)) more memory;"
                + " decode \(Int(Double(bytes) / decodingSeconds / 1e6)) MB/cpu-s, \(ByteCount(decodingGrowth)) more memory"
        )
        return max(encodingGrowth, decodingGrowth) <= growthBytesMax
    }

    /// One record at a time, as stages do.
    private static func append(_ lines: [UInt8], to encoder: inout ChunkEncoder, output: inout [UInt8]) throws {
        try lines.span.withUnsafeBytes { bytes throws(MigratezError) in
            var start = 0
            while start < bytes.count {
                let end = min(start + 700, bytes.count)
                try encoder.append(UnsafeRawBufferPointer(rebasing: bytes[start..<end]), into: &output)
                start = end
            }
        }
    }

    private static func measurePseudonyms() throws {
        let (count, key) = (1_000_000, try SymmetricKey())
        let pseudonyms = PseudonymKey(derivedFrom: key)
        var value = Array("anna.meyer1234@example.com".utf8)
        var start = ProcessCost.cpuSeconds
        var sum: UInt64 = 0
        for i in 0..<count {
            value[3] = UInt8(truncatingIfNeeded: i)
            sum ^= pseudonyms.pseudonym(of: value).low
        }
        let sipHash = (ProcessCost.cpuSeconds - start) / Double(count) * 1e9
        start = ProcessCost.cpuSeconds
        for i in 0..<count / 10 {
            value[3] = UInt8(truncatingIfNeeded: i)
            sum ^= UInt64(HMACSHA256.code(for: value, key: key)[0])
        }
        let hmac = (ProcessCost.cpuSeconds - start) / Double(count / 10) * 1e9
        print("pseudonym: SipHash \(Int(sipHash)) ns, HMAC-SHA256 would be \(Int(hmac)) ns (\(sum & 1))")
    }

    private static func source(of bytes: [UInt8]) -> ByteSource {
        let position = Position()
        return { target throws(MigratezError) in
            let start = position.value.withLock { $0 }
            let count = min(target.count, bytes.count - start)
            bytes.withUnsafeBytes {
                target.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[start..<start + count]))
            }
            position.value.withLock { $0 += count }
            return count
        }
    }

    private final class Position: Sendable { let value = Mutex(0) }

    /// Contacts as an API gives them, of one fixed seed.
    private static func contacts(bytes: Int) -> [UInt8] {
        var state: UInt64 = 7
        func random(_ bound: UInt64) -> UInt64 {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return state % bound
        }
        let names = ["Anna", "Bob", "Chloé", "Dmitri", "Eve", "Faruk", "Grace", "Hiro"]
        var lines: [UInt8] = []
        while lines.count < bytes {
            let name = names[Int(random(8))]
            lines.append(
                contentsOf: #"{"id":"\#(random(100_000_000))","properties":{"firstname":"\#(name)","lastname":"#.utf8)
            lines.append(
                contentsOf: #""\#(names[Int(random(8))])son","email":"\#(name)\#(random(100_000))@example.com","#.utf8)
            lines.append(
                contentsOf: #""phone":"+49 \#(random(1_000_000_000))","city":"Berlin","company":null,"website":null,"#
                    .utf8)
            lines.append(
                contentsOf: #""hubspot_owner_id":"\#(random(20))","createdate":"2024-03-0\#(random(9))T08:11:22.123Z""#
                    .utf8)
            lines.append(
                contentsOf: #"},"updatedAt":"2025-01-12T08:\#(10 + random(50)):22.\#(100 + random(900))Z"}"#.utf8)
            lines.append(0x0A)
        }
        return lines
    }

    private static func rounded(_ value: Double) -> Double { (value * 10).rounded() / 10 }
}
