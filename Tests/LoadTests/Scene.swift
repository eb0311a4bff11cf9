// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezChunkLines
import MigratezConnectorKit
import MigratezLoad
import MigratezModel
import MigratezStaging
import MigratezTestKit
import Testing

let contact = StreamName("contact").unsafelyUnwrapped
let company = StreamName("company").unsafelyUnwrapped
let link = StreamName("contact-to-company").unsafelyUnwrapped
let junction = StreamName("contact-to-contact").unsafelyUnwrapped

/// Runs whose transform is done: contacts, each with a link to one of the companies if there are any.
enum Scene {
    static let parents: [StreamName: LoadTarget.Parent] = [
        company: .init(object: "Account", keyPrefix: "memory-company-"),
        contact: .init(object: "Contact", keyPrefix: "memory-contact-"),
    ]
    static let contacts = LoadTarget(
        stream: contact, object: "Contact", keyPrefix: "memory-contact-", parents: parents)
    static let companies = LoadTarget(stream: company, object: "Account", keyPrefix: "memory-company-")

    static func create(
        _ run: StagedRun, contacts: Int, companies: Int = 0, onMissing: String = "quarantine", padding: Int = 0
    ) async throws -> StagingArea {
        let area = try await run.create(objects: [company, contact], links: [link])
        let text = String(repeating: "x", count: padding)
        let rows = (0..<contacts).map { number in
            line(
                ReadyLine(
                    ordinal: number, sourceID: "\(number)",
                    fields: Array(#"{"Email":"p\#(number)@x.test","Phone":"\#(number)\#(text)"}"#.utf8),
                    references: companies == 0
                        ? []
                        : [
                            .init(
                                field: "AccountId", stream: company, ordinal: number % companies, link: link,
                                edge: number, onMissing: onMissing)
                        ]))
        }
        let parents = (0..<companies).map {
            line(ReadyLine(ordinal: $0, sourceID: "\($0)", fields: Array(#"{"Name":"c\#($0)"}"#.utf8)))
        }
        // Raw chunks are not read here; they make the counts right.
        for (stream, lines) in [(company, parents), (contact, rows), (link, companies == 0 ? [] : rows)] {
            try await area.stage(lines, of: stream, .raw)
            if stream != link {
                for start in stride(from: 0, to: lines.count, by: 30) {
                    try await area.stage(Array(lines[start..<min(start + 30, lines.count)]), of: stream, .ready)
                }
            }
            try await area.manifest.commit { try $0.set(.transform, of: stream, to: .done) }
        }
        return area
    }

    static func line(_ line: ReadyLine) -> String {
        var bytes: [UInt8] = []
        line.append(to: &bytes)
        return String(decoding: bytes.dropLast(), as: UTF8.self)
    }

    static func load(
        _ destination: any Destination, _ area: StagingArea, _ target: LoadTarget = contacts
    ) async throws {
        try await LoadStage(
            destination: destination, staging: area, clock: ManualClock(advancesBySleeping: true),
            progress: SilentProgress()
        ).load(target, expectedRows: 100)
    }

    static func loadAll(_ destination: any Destination, _ area: StagingArea) async throws {
        try await load(destination, area, companies)
        try await load(destination, area, contacts)
    }

    /// Every record of the stream has an outcome, and there are so many of each.
    static func expectBalance(
        _ area: StagingArea, of stream: StreamName = contact, _ expected: [Outcome: Int],
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let all = try await area.manifest.read { try $0.reconciliation() }
        let balance = try #require(all.first { $0.stream.name == stream }, sourceLocation: sourceLocation)
        #expect(balance.isClosed, sourceLocation: sourceLocation)
        #expect(
            balance.outcomes.filter { $0.value > 0 } == expected.filter { $0.value > 0 }, sourceLocation: sourceLocation
        )
    }
}
