// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezChunkFormat
import MigratezChunkLines
import MigratezCrypto
import MigratezJSON
import MigratezModel
import MigratezTransform
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// One hot loop, so many times over one page of contacts: `benchmark-loops LOOP TIMES PAGE`.
///
/// For counting instructions (`Benchmarks/Instructions/check`): what a loop costs is the difference between two numbers
/// of times, which leaves out the start and whatever is made before. Without arguments it lists the loops.
@main
enum LoopBenchmark {
    static let loops: [(name: String, run: @Sendable (Contacts, Int) throws -> Void)] = [
        ("validate", validate), ("slice", slice), ("page", page), ("index", index), ("map", map),
        ("seal", { try seal($0, $1, .zstd) }), ("seal-unpacked", { try seal($0, $1, .none) }), ("open", open),
        ("pseudonym", pseudonym), ("link", link),
    ]

    static func main() throws {
        let arguments = CommandLine.arguments.dropFirst()
        guard let name = arguments.first else {
            for loop in loops { print(loop.name) }
            return
        }
        guard arguments.count == 3, let loop = loops.first(where: { $0.name == name }), let times = Int(arguments[2]),
            let page = contents(of: arguments[3])
        else {
            print("usage: benchmark-loops LOOP TIMES PAGE")
            exit(64)
        }
        try loop.run(Contacts(page: page), times)
    }

    /// Every page that a source answers with is checked once.
    private static func validate(_ contacts: Contacts, _ times: Int) throws {
        for _ in 0..<times { try JSONScanner.validate(contacts.page, limits: .page) }
    }

    /// … and cut into records.
    private static func slice(_ contacts: Contacts, _ times: Int) throws {
        for _ in 0..<times {
            precondition(elementRanges(at: ["results"], in: contacts.page)?.count == contacts.records.count)
        }
    }

    /// Both in one pass.
    private static func page(_ contacts: Contacts, _ times: Int) throws {
        for _ in 0..<times {
            let split = try contacts.page.withUnsafeBufferPointer {
                try PageSplit.validating($0, list: "results", limits: .page)
            }
            precondition(split?.elements.count == contacts.records.count)
        }
    }

    /// Where the fields of a record are.
    private static func index(_ contacts: Contacts, _ times: Int) throws {
        try forEachRecord(contacts, times) { index, record in try index.index(record) }
    }

    /// Index and map by rules of each common kind.
    private static func map(_ contacts: Contacts, _ times: Int) throws {
        let mapper = try mapper()
        var writer = JSONWriter()
        try forEachRecord(contacts, times) { index, record in
            try index.index(record)
            writer.removeAll()
            precondition(mapper.map(index, record, into: &writer) == .mapped, "every contact has a name")
        }
    }

    /// An index seeds its hashes at random, and how often they collide is its fate: a new one every few records, so that
    /// their average is counted.
    private static func forEachRecord(
        _ contacts: Contacts, _ times: Int, _ body: (inout RecordIndex, UnsafeBufferPointer<UInt8>) throws -> Void
    ) throws {
        for _ in 0..<times {
            var index = RecordIndex(fields: "properties")
            for (number, record) in contacts.records.enumerated() {
                if number % 20 == 0 { index = RecordIndex(fields: "properties") }
                try record.withUnsafeBufferPointer { try body(&index, $0) }
            }
        }
    }

    private static func mapper() throws -> RecordMapper {
        var name = FieldSpec(target: "LastName", origin: .field("lastname"))
        name.isTrimmed = true
        name.charactersMax = 80
        var email = FieldSpec(target: "Email", origin: .field("email"))
        email.letterCase = .lower
        email.type = .email
        var phone = FieldSpec(target: "Phone", origin: .field("phone"))
        phone.phoneRegion = "US"
        var optOut = FieldSpec(target: "HasOptedOutOfEmail", origin: .field("hs_email_optout"))
        optOut.type = .bool
        let greeting = FieldSpec(
            target: "Salutation", origin: .expression(try RecordExpression(parsing: "firstname + ' ' + lastname")))
        guard let stream = StreamName("contact") else { preconditionFailure("a valid name") }
        let object = ObjectSpec(
            stream: stream, target: "Contact",
            filter: try RecordExpression(parsing: "createdate >= timestamp(vars.cutoff) && !archived"),
            fields: [name, email, phone, optOut, greeting])
        let spec = TransformSpec(objects: [object], vars: ["cutoff": "2001-01-01T00:00:00Z"])
        let run = RunVariables(started: Timestamp(milliseconds: 0), id: "00000000", pipeline: "benchmark")
        return try RecordMapper(object, context: MappingContext(spec: spec, run: run))
    }

    /// Records to one chunk in memory: zstd or not, ChaCha20-Poly1305, SHA-256.
    private static func seal(_ contacts: Contacts, _ times: Int, _ packing: ChunkContext.Packing) throws {
        _ = try chunk(contacts, times, try identity(packing))
    }

    /// The way back, of a chunk that is made once.
    private static func open(_ contacts: Contacts, _ times: Int) throws {
        let identity = try identity(.zstd)
        let file = try chunk(contacts, 1, identity)
        for _ in 0..<times {
            let position = Position()
            let source: ByteSource = { target throws(MigratezError) in
                let start = position.value.withLock { $0 }
                let count = min(target.count, file.count - start)
                file.withUnsafeBytes {
                    target.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[start..<start + count]))
                }
                position.value.withLock { $0 += count }
                return count
            }
            var lines = 0
            var decoder = try ChunkDecoder(asking: identity.context, key: identity.key, reading: source)
            try decoder.forEachLine { _ in lines += 1 }
            precondition(lines == contacts.records.count, "the chunk did not come back")
        }
    }

    private static func identity(_ packing: ChunkContext.Packing) throws -> (context: ChunkContext, key: ChunkKey) {
        guard let run = RunID("00000000"), let stream = StreamName("contact") else {
            preconditionFailure("valid names")
        }
        let address = ChunkAddress(stream: stream, kind: .raw, sequence: 1)
        return (
            ChunkContext(run: run, address: address, attempt: 1, packing: packing),
            ChunkKey(id: "benchmark", key: try SymmetricKey())
        )
    }

    private static func chunk(
        _ contacts: Contacts, _ times: Int, _ identity: (context: ChunkContext, key: ChunkKey)
    ) throws -> [UInt8] {
        let lines = contacts.records.map { $0 + [0x0A] }
        var output: [UInt8] = []
        var encoder = try ChunkEncoder(context: identity.context, key: identity.key, into: &output)
        for _ in 0..<times {
            for line in lines { try append(line, to: &encoder, output: &output) }
        }
        _ = try encoder.finish(into: &output)
        return output
    }

    /// Apart from the loop: Swift 6.3.1 crashes inlining the closure where the encoder is a variable of its own.
    private static func append(_ line: [UInt8], to encoder: inout ChunkEncoder, output: inout [UInt8]) throws {
        try line.span.withUnsafeBytes { bytes throws(MigratezError) in try encoder.append(bytes, into: &output) }
    }

    /// A link between two records as a line of a ready chunk, there and back.
    private static func link(_ contacts: Contacts, _ times: Int) throws {
        guard let contact = StreamName("contact"), let company = StreamName("company") else {
            preconditionFailure("valid names")
        }
        let from = ReferenceRole(field: "ContactId", stream: contact, onMissing: "skip")
        let to = ReferenceRole(field: "AccountId", stream: company, onMissing: "skip")
        var writer = JSONWriter()
        var reader = ReadyLineReader()
        for _ in 0..<times {
            for number in contacts.records.indices {
                let line = ReadyLine(
                    ordinal: number, sourceID: "", fields: Array("{}".utf8),
                    references: [.init(from, ordinal: number), .init(to, ordinal: number * 7)])
                writer.removeAll()
                line.write(to: &writer)
                let read = try writer.bytes.withUnsafeBufferPointer { try reader.read($0) }
                precondition(read.references == line.references)
            }
        }
    }

    /// The keys that duplicates are found by, one a record.
    private static func pseudonym(_ contacts: Contacts, _ times: Int) throws {
        let key = PseudonymKey(derivedFrom: try SymmetricKey())
        let values = contacts.records.map { Array($0.prefix(40)) }
        var sum: UInt64 = 0
        for _ in 0..<times {
            for value in values { sum ^= key.pseudonym(of: value).low }
        }
        // Looked at, so that the compiler cannot leave the loop out.
        precondition(sum != 0 || times % 2 == 0)
    }

    private static func contents(of path: String) -> [UInt8]? {
        guard let file = fopen(path, "rb") else { return nil }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = fread(&part, 1, part.count, file)
            guard count > 0 else { break }
            bytes += part[..<count]
        }
        return bytes
    }

    private final class Position: Sendable { let value = Mutex(0) }
}

/// A page of contacts as HubSpot answers, and its records.
struct Contacts {
    let page: [UInt8]
    let records: [[UInt8]]

    init(page: [UInt8]) throws {
        try JSONScanner.validate(page, limits: .page)
        self.page = page
        records = (elementRanges(at: ["results"], in: page) ?? []).map { Array(page[$0]) }
        precondition(!records.isEmpty, "the page holds no records")
    }
}
