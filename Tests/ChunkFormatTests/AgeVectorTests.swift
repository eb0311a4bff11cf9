// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import FoundationEssentials
import MigratezChunkFormat
import MigratezCrypto
import MigratezModel
import MigratezTestKit
import Testing

/// The vectors of C2SP/CCTV for age v1: each file says in its preamble what must come out.
@Suite(.enabled(if: corpus("age") != nil, "the corpora are not beside the repository"))
struct AgeVectorTests {
    /// A vector: `key: value` lines, an empty line, the file.
    struct Vector {
        var expectation = ""
        var payloadDigest: String?
        var identities: [AgeIdentity] = []
        /// Whether a key of it is of a kind that is out of scope (post-quantum hybrids).
        var hasForeignIdentity = false
        var isArmored = false
        var file: [UInt8] = []

        init(_ bytes: [UInt8]) throws {
            var rest = bytes[...]
            var isCompressed = false
            while let end = rest.firstIndex(of: 0x0A) {
                let line = String(decoding: rest[..<end], as: UTF8.self)
                rest = rest[(end + 1)...]
                guard !line.isEmpty else { break }
                let colon = try #require(line.firstRange(of: ": "))
                let value = String(line[colon.upperBound...])
                switch line[..<colon.lowerBound] {
                case "expect": expectation = value
                case "payload": payloadDigest = value
                case "passphrase": identities.append(.passphrase(Secret(value)))
                case "identity":
                    if let identity = try? AgeIdentity.parse(Secret(value)) {
                        identities.append(identity)
                    } else {
                        hasForeignIdentity = true
                    }
                case "armored": isArmored = value == "yes"
                case "compressed": isCompressed = value == "zlib"
                default: break
                }
            }
            file = isCompressed ? try Self.inflate(Array(rest)) : Array(rest)
        }

        /// gzip unpacks what zlib packed if it is given its own kind of header; the checksum that it then misses at the
        /// end is zlib's, which is checked here.
        private static func inflate(_ zlib: [UInt8]) throws -> [UInt8] {
            let path = FileManager.default.temporaryDirectory.path() + "/migratez-vector-\(UUID().uuidString)"
            defer { try? FileManager.default.removeItem(atPath: path) }
            try write([0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0] + zlib.dropFirst(2), to: path)
            let bytes = shell("gzip -dc < \(path) 2>/dev/null").output
            var (a, b): (UInt32, UInt32) = (1, 0)
            for byte in bytes {
                a = (a + UInt32(byte)) % 65_521
                b = (b + a) % 65_521
            }
            let checksum = zlib.suffix(4).reduce(0 as UInt32) { $0 << 8 | UInt32($1) }
            try #require(b << 16 | a == checksum)
            return bytes
        }
    }

    static let names: [String] = {
        guard let folder = corpus("age") else { return [] }
        return ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
    }()

    @Test(arguments: names) func `a vector comes out as it says`(name: String) throws {
        let vector = try Vector(contents(of: "\(try #require(corpus("age")))/\(name)"))
        var reading = Reading()
        do throws(MigratezError) {
            let file = vector.isArmored ? try AgeArmor.decode(vector.file) : vector.file
            // Pieces of an odd size, so that headers and frames come in parts.
            reading = readAge(file, vector.identities, piece: 1_009)
        } catch { reading.error = error }
        let outcome = try reading.error.map { try #require($0.cause as? AgeFailure).kind.rawValue } ?? "success"
        if vector.hasForeignIdentity, outcome == AgeFailure.Kind.noMatch.rawValue {
            #expect(reading.bytes.isEmpty)
            return
        }
        #expect(outcome == vector.expectation, "\(reading.error?.description ?? "")")
        if let digest = vector.payloadDigest {
            #expect(Hex.encode(SHA256.digest(of: reading.bytes)) == digest)
        } else {
            #expect(reading.bytes.isEmpty)
        }
    }

    @Test func `the whole set is there`() {
        #expect(Self.names.count == 143)
    }
}
