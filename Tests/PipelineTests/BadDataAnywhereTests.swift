// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezModel
import MigratezPipeline
import MigratezStaging
import MigratezTestKit
import Testing

/// Ids and values that nobody would write, from files into each place, by the pipeline that `init` proposes, over HTTP.
@Suite(.serialized) struct `Data that is bad, anywhere` {
    typealias Place = AnyToAnyWorld.Place

    private static let places = Place.allCases.filter { $0 != .ndjson }

    /// Ways to write an id that mean something to a URL, a query or a comparison of somebody's.
    private static let spellings: [@Sendable (Int) -> String] = [
        { "a/b/\($0)" }, { "../../etc/\($0)" }, { "it's \($0)" }, { "''\($0)" }, { "\"\($0)\"" }, { "\\\($0)" },
        { "%2F\($0)" }, { "\($0)?x=1&y=2#z" }, { "\($0)+1" }, { "\($0);--" }, { "' OR Id != '\($0)" }, { "%\($0)_" },
        { "*\($0)*" }, { "{\($0)}" }, { "[\($0)]" }, { "<b>\($0)</b>" }, { "\($0),\($0)" }, { "名前\($0)" },
        { "🙂\($0)" }, { "$filter=\($0)" }, { "@\($0)" }, { "=\($0)" }, { "a  b \($0)" }, { "null\($0)" },
        { "0\($0)" }, { "00\($0)" }, { "1e\($0)" },
    ]

    @Test(arguments: places)
    func `ids of every spelling are found again, so that a second run makes nothing`(place: Place) async throws {
        try await AnyToAnyWorld.with(records: 120) { world in
            try await world.move(from: .hubspot, to: .ndjson).close()
            try respell(in: "\(world.folder)/first")
            let first = try await world.move(from: .ndjson, to: place)
            let made = try await balances(first)
            for report in try await Verification(first, scope: .all, progress: SilentProgress()).verify() {
                #expect(report.isGood, "\(report.stream): \(report.missing) missing, \(report.differences)")
            }
            try await first.close()
            let second = try await world.move(from: .ndjson, to: place)
            let again = try await balances(second)
            try await second.close()
            for stream in ["company", "contact"] {
                let (one, two) = (try #require(made[stream]), try #require(again[stream]))
                #expect(one.isClosed && two.isClosed, "\(stream)")
                #expect(one[.created] > one.read * 3 / 4, "\(stream): \(one[.created]) of \(one.read)")
                #expect(two[.created] == 0, "\(stream): \(two[.created]) were made twice")
                #expect(one[.created] + one[.updated] == two[.updated], "\(stream)")
            }
        }
    }

    @Test(arguments: places)
    func `values beyond measure are refused by name, and the others arrive`(place: Place) async throws {
        try await AnyToAnyWorld.with(records: 120) { world in
            try await world.move(from: .hubspot, to: .ndjson).close()
            let count = try spoil(in: "\(world.folder)/first/contact.ndjson")
            let run = try await world.move(from: .ndjson, to: place)
            let contacts = try #require(try await balances(run)["contact"])
            #expect(contacts.isClosed && contacts.read >= count)
            // Eleven are spoiled; few of the others lack what a place requires.
            let arrived = contacts[.created] + contacts[.merged]
            #expect(arrived + 11 >= count * 4 / 5 && arrived > 11, "\(arrived) of \(count)")
            let stream = try #require(StreamName("contact"))
            let known = Set(ErrorCode.all.map(\.description)).subtracting([ErrorCode.internalError.description])
            let outcomes = try await run.staging.manifest.read { try $0.outcomes(of: stream, from: 0, limit: .max) }
            for outcome in outcomes where outcome.outcome == .rejected {
                #expect(outcome.code.map(known.contains) == true, "\(outcome.code ?? "no code")")
            }
            for report in try await Verification(run, scope: .all, progress: SilentProgress()).verify() {
                #expect(report.isGood, "\(report.stream): \(report.missing) missing, \(report.differences)")
            }
            try await run.close()
        }
    }

    private func balances(_ run: Run) async throws -> [String: Reconciliation] {
        let balances = try await run.staging.manifest.read { try $0.reconciliation() }
        return Dictionary(balances.map { ($0.stream.name.text, $0) }, uniquingKeysWith: { $1 })
    }

    /// Gives every company and every contact another id, in the links to them too.
    private func respell(in folder: String) throws {
        var ids: [String: String] = [:]
        for (file, members) in [("company", ["migratez_id"]), ("contact", ["migratez_id", "company_id"])] {
            try edit("\(folder)/\(file).ndjson") { record, number in
                for member in members {
                    guard let id = record[member] as? String else { continue }
                    let key = (member == "company_id" ? "company" : file) + id
                    if member == "migratez_id" { ids[key] = Self.spellings[number % Self.spellings.count](number) }
                    record[member] = ids[key] ?? id
                }
            }
        }
        // Deals refer to companies by what they are called now, or they would refer to nothing.
        try edit("\(folder)/deal.ndjson") { record, _ in
            if let id = record["company_id"] as? String { record["company_id"] = ids["company" + id] ?? id }
        }
    }

    private func edit(_ path: String, _ change: (inout [String: Any], Int) throws -> Void) throws {
        let lines = try Data(contentsOf: URL(filePath: path)).split(separator: 0x0A)
        var bytes = Data()
        for (number, line) in lines.enumerated() {
            guard var record = try JSONSerialization.jsonObject(with: line) as? [String: Any] else { continue }
            try change(&record, number)
            bytes += try JSONSerialization.data(withJSONObject: record, options: [.sortedKeys]) + [0x0A]
        }
        try bytes.write(to: URL(filePath: path))
    }

    /// Puts something into the last name of the first contacts that no field of a CRM is made for; how many contacts
    /// there are.
    private func spoil(in path: String) throws -> Int {
        let nest = String(repeating: "[", count: 100_000) + String(repeating: "]", count: 100_000)
        let values = [
            "\"\(String(repeating: "0123456789", count: 500_000))\"", String(repeating: "9", count: 400), "1e400", nest,
            #""\ud800""#, #""<script>alert('x')</script>""#, #""'; DROP TABLE Contact; --""#,
            #""\u202egnihtyreve""#, #"{"a":1,"a":2}"#, "true", #""=1+1""#,
        ]
        var lines = try Data(contentsOf: URL(filePath: path)).split(separator: 0x0A).map { Data($0) }
        for (number, value) in values.enumerated() where number < lines.count {
            guard var record = try JSONSerialization.jsonObject(with: lines[number]) as? [String: Any] else { continue }
            record["lastname"] = "@@"
            let text = try JSONSerialization.data(withJSONObject: record, options: [.sortedKeys])
            lines[number] = Data(String(decoding: text, as: UTF8.self).replacing("\"@@\"", with: value).utf8)
        }
        try Data(lines.joined(separator: [0x0A]) + [0x0A]).write(to: URL(filePath: path))
        return lines.count
    }
}
