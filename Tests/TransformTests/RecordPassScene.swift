// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezChunkLines
import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezStaging
import MigratezTestKit
import MigratezTransform
import Testing

let contact = StreamName("contact").unsafelyUnwrapped
let company = StreamName("company").unsafelyUnwrapped
let contactToCompany = StreamName("contact-to-company").unsafelyUnwrapped

/// A small CRM whose raw chunks are staged, and what is done to it.
struct TransformScene {
    var contacts: [String] = []
    var companies: [String] = []
    var edges: [Edge] = []
    var filter: String?
    var duplicates: [DuplicateRule] = []
    var companyDuplicates: [DuplicateRule] = []
    var fields = ["email", "phone", "name", "notes"]
    var form = LinkSpec.Form.lookup(object: "Contact", field: "AccountId")
    var choose = LinkSpec.Choice.primary
    var onMissing = LinkSpec.OnMissing.quarantine
    var sorterBytes = ByteCount.MiB(2)

    static let layout = RecordLayout(id: "id", fields: nil, modified: "modified")

    func spec() throws -> TransformSpec {
        var object = ObjectSpec(
            stream: contact, target: "Contact", filter: try filter.map { try RecordExpression(parsing: $0) },
            fields: fields.map { FieldSpec(target: $0.uppercased(), origin: .field($0)) }, duplicates: duplicates)
        for index in object.fields.indices where object.fields[index].target == "PHONE" {
            object.fields[index].charactersMax = 30
        }
        let parent = ObjectSpec(
            stream: company, target: "Account", fields: [FieldSpec(target: "Name", origin: .field("name"))],
            duplicates: companyDuplicates)
        let links = [
            LinkSpec(
                from: contact, to: [company], form: form, choose: choose, onMissing: onMissing,
                map: form == .junction(object: "Role") ? ["Role": .label] : [:])
        ]
        return TransformSpec(objects: [parent, object], links: links)
    }

    func stage(in run: StagedRun) async throws -> StagingArea {
        let area = try await run.create(objects: [company, contact], links: [contactToCompany])
        let lines = edges.map { edge in
            var writer = JSONWriter()
            EdgeLine.write(edge, to: &writer)
            return String(decoding: writer.bytes.dropLast(), as: UTF8.self)
        }
        for (stream, lines) in [(company, companies), (contact, contacts), (contactToCompany, lines)] {
            for start in stride(from: 0, to: lines.count, by: 5_000) {
                try await area.stage(Array(lines[start..<min(start + 5_000, lines.count)]), of: stream, .raw)
            }
        }
        return area
    }

    func transform(_ area: StagingArea) async throws {
        let spec = try spec()
        let run = RunVariables(started: Timestamp(milliseconds: 0), id: "9f3c01aa", pipeline: "test")
        let stage = TransformStage(
            staging: area, spec: spec, context: MappingContext(spec: spec, run: run), sorterBytes: sorterBytes,
            progress: SilentProgress())
        for object in spec.objects { try await stage.transform(object, layout: Self.layout) }
        for route in spec.routes where !route.isLookup {
            try await stage.transform(route, fromField: "ContactId", toField: "AccountId")
        }
    }

    /// Stages, transforms and shows what came out. Where there are links, following them by sorting, as if no table fitted
    /// into memory, makes the same.
    func run(_ body: (StagingArea, Transformed) async throws -> Void) async throws {
        let result = try await transformed(body)
        guard !edges.isEmpty else { return }
        var sorting = self
        sorting.sorterBytes = ByteCount(0)
        let sorted = try await sorting.transformed { _, _ in }
        #expect(sorted == result)
    }

    private func transformed(
        _ body: (StagingArea, Transformed) async throws -> Void
    ) async throws -> Transformed {
        try await withTemporaryFolder { path in
            let area = try await stage(in: StagedRun(path))
            try await transform(area)
            let result = try await Transformed(area)
            try await body(area, result)
            try await area.close()
            return result
        }
    }
}

/// What a transform has made.
struct Transformed: Equatable {
    var ready: [StreamName: [String]] = [:]
    var outcomes: [StreamName: [RecordOutcome]] = [:]
    private var parsed: [StreamName: [ReadyLine]] = [:]

    init(_ area: StagingArea) async throws {
        var reader = ReadyLineReader()
        for stream in [company, contact, contactToCompany] {
            let texts = try await area.texts(of: stream, .ready)
            ready[stream] = texts
            parsed[stream] = try texts.map { text in
                try Array(text.utf8).withUnsafeBufferPointer { try reader.read($0) }
            }
            outcomes[stream] = try await area.outcomes(of: stream)
        }
    }

    static func == (a: Transformed, b: Transformed) -> Bool { a.ready == b.ready && a.outcomes == b.outcomes }

    func lines(_ stream: StreamName = contact) -> [ReadyLine] { parsed[stream] ?? [] }

    /// The ready line of a record.
    func line(_ ordinal: Int, _ stream: StreamName = contact) -> ReadyLine? {
        lines(stream).first { $0.ordinal == ordinal }
    }

    /// The destination's fields of a record, as text.
    func fields(_ ordinal: Int) -> String? { line(ordinal).map { String(decoding: $0.fields, as: UTF8.self) } }

    /// The outcome of a record.
    func outcome(_ ordinal: Int, _ stream: StreamName = contact) -> RecordOutcome? {
        outcomes[stream]?.first { $0.ordinal == ordinal }
    }

    /// Every ordinal below `count` has exactly one outcome or ready line, whose references settle their links.
    func expectConservation(contacts: Int, companies: Int, edges: Int) {
        for (stream, count) in [(contact, contacts), (company, companies), (contactToCompany, edges)] {
            var seen = (outcomes[stream] ?? []).map(\.ordinal) + lines(stream).map(\.ordinal)
            if stream == contactToCompany { seen += lines(contact).flatMap { $0.references.compactMap(\.edge) } }
            #expect(seen.sorted() == Array(0..<count), "\(stream)")
        }
    }
}
