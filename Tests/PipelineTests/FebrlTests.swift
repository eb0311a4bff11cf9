// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezJSON
import MigratezModel
import MigratezPipeline
import MigratezStaging
import MigratezTestKit
import Testing

/// A thousand people that nobody here made up (FEBRL 1: 500 originals, 500 duplicates with slips of the pen) on their way
/// to Salesforce: every row of the file must be explained.
@Suite struct FebrlTests {
    private static let folder = corpus("dedupe")

    @Test(.enabled(if: folder != nil, "the corpus 'dedupe' is not here"))
    func `every row of a real spreadsheet is a contact, a part of one, or a reject with its reason`() async throws {
        let file = "\(try #require(Self.folder))/febrl1.csv"
        let rows = try Self.rows(of: file)
        #expect(rows.count == 1000)
        try await MainJobWorld.with(
            records: 10, pipeline: "csv-to-salesforce", variables: ["PEOPLE_CSV": file]
        ) { world in
            let run = try await world.move()
            let stream = try #require(StreamName("person"))
            let (balances, outcomes) = try await run.staging.manifest.read { view in
                (try view.reconciliation(), try view.outcomes(of: stream, from: 0, limit: 2000))
            }
            let balance = try #require(balances.first)
            #expect(balance.isClosed)
            #expect(balance[.created] + balance[.merged] + balance[.rejected] == 1000)
            try check(outcomes, rows, try OrgPicture(world.org))
            let reports = try await Verification(run, progress: SilentProgress()).verify()
            #expect(reports.allSatisfy { $0.isGood && $0.compared == $0.loaded })
            try await run.close()
        }
    }

    /// The outcome of each row against the row itself and against the organisation.
    private func check(
        _ outcomes: [RecordOutcome], _ rows: [String: [String: String]], _ picture: OrgPicture
    ) throws {
        let contacts = picture.ids["Contact"] ?? [:]
        let byOrdinal = Dictionary(uniqueKeysWithValues: outcomes.map { ($0.ordinal, $0) })
        #expect(Set(outcomes.compactMap(\.sourceID)) == Set(rows.keys))
        #expect(contacts.count == outcomes.count { $0.outcome == .created })
        for outcome in outcomes {
            let id = try #require(outcome.sourceID)
            let row = try #require(rows[id])
            switch outcome.outcome {
            case .created: #expect(contacts["csv-person-\(id)"] == outcome.targetID, "\(id)")
            case .merged:
                let survivor = try #require(outcome.survivor.flatMap { byOrdinal[$0] })
                #expect(contacts["csv-person-\(id)"] == nil)
                #expect(survivor.outcome == .created || survivor.outcome == .rejected, "\(id)")
                // Nobody is merged with somebody else: the number in FEBRL's ids says who a row is about.
                #expect(Self.person(id) == Self.person(try #require(survivor.sourceID)), "\(id)")
            case .rejected:
                #expect(outcome.code == ErrorCode.requiredFieldMissing.description, "\(id)")
                #expect(row["surname"] == "" && row["given_name"] == "", "\(id)")
            default: Issue.record("row \(id) is \(outcome.outcome.name)")
            }
        }
    }

    /// `rec-223-org` and `rec-223-dup-0` are about person 223.
    private static func person(_ id: String) -> String { String(id.split(separator: "-")[1]) }

    /// The rows by id. The file has a blank after each comma and no quotes.
    private static func rows(of path: String) throws -> [String: [String: String]] {
        let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
        let cells = lines.map { line in
            line.split(separator: ",", omittingEmptySubsequences: false).map { $0.trimmingCharacters(in: .whitespaces) }
        }
        let names = try #require(cells.first)
        return Dictionary(
            uniqueKeysWithValues: cells.dropFirst().map { row in
                (row[0], Dictionary(uniqueKeysWithValues: zip(names, row)))
            })
    }
}
