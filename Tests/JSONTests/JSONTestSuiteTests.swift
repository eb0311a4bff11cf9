// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezJSON
import MigratezTestKit
import Testing

/// nst/JSONTestSuite: `y_` must be accepted, `n_` must be refused, `i_` may be either, but must not crash.
@Suite(.enabled(if: corpus("json") != nil, "../shared/corpora/json is not here"))
struct JSONTestSuiteTests {
    private func files(_ prefix: String) throws -> [(name: String, bytes: [UInt8])] {
        let folder = try #require(corpus("json"))
        let names = try FileManager.default.contentsOfDirectory(atPath: folder)
            .filter { $0.hasPrefix(prefix) && $0.hasSuffix(".json") }
        return try names.sorted().map { ($0, Array(try Data(contentsOf: URL(filePath: "\(folder)/\($0)")))) }
    }

    @Test func `valid documents are accepted and survive reading and writing`() throws {
        let files = try files("y_")
        #expect(files.count > 90)
        for file in files {
            #expect(throws: Never.self, "\(file.name)") {
                let value = try JSONValue(parsing: file.bytes)
                #expect(try JSONValue(parsing: value.serialized()) == value, "\(file.name)")
            }
        }
    }

    @Test func `invalid documents are refused`() throws {
        let files = try files("n_")
        #expect(files.count > 180)
        for file in files {
            #expect(throws: JSONFailure.self, "\(file.name)") { try JSONScanner.validate(file.bytes) }
        }
    }

    @Test func `documents that the standard leaves open crash nothing`() throws {
        for file in try files("i_") {
            guard let value = try? JSONValue(parsing: file.bytes) else { continue }
            #expect(throws: Never.self, "\(file.name)") { try JSONScanner.validate(value.serialized()) }
        }
    }
}
