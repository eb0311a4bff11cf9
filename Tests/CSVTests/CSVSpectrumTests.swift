// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezCSV
import MigratezJSON
import MigratezTestKit
import Testing

/// max-mapper/csv-spectrum: files that parsers tend to get wrong, with what they mean as JSON beside them.
@Suite(.enabled(if: corpus("csv") != nil, "../shared/corpora/csv is not here"))
struct CSVSpectrumTests {
    @Test func `every file means what the JSON beside it says`() throws {
        let folder = try #require(corpus("csv"))
        let names = try FileManager.default.contentsOfDirectory(atPath: folder + "/csvs").sorted()
        #expect(names.count >= 12)
        for name in names {
            let rows = readRows(try bytes("\(folder)/csvs/\(name)"), CSVDialect(), blockBytes: 3).filter { !$0.isBlank }
            let header = try #require(rows.first).texts
            let objects = rows.dropFirst().map { row in
                JSONValue.object(zip(header, row.texts).map { .init($0, .string($1)) })
            }
            // The corpus contradicts itself here: the JSON has other cells than the CSV, and no list around its one row.
            if name == "location_coordinates.csv" {
                #expect(objects.first?["Location Coordinates"] == "37\u{FFFD}36'37.8\"N 121\u{FFFD}2'17.9\"W")
                continue
            }
            let expected = try JSONValue(parsing: bytes("\(folder)/json/\(name.dropLast(4)).json"))
            #expect(sorted(.array(objects)) == sorted(expected), "\(name)")
            #expect(rows.allSatisfy { $0.problem == nil && $0.count == header.count }, "\(name)")
        }
    }

    private func bytes(_ path: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: path))) }

    /// Members in the order of their names: the corpus does not keep that of the columns.
    private func sorted(_ rows: JSONValue) -> [[JSONValue.Member]] {
        rows.elements.map { $0.members.sorted { $0.key < $1.key } }
    }
}
