// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import FoundationEssentials
import MigratezModel
import Testing

@Suite struct ErrorCodeTests {
    /// The codes as the table's source spells them: class, number, meaning.
    private static func table() throws -> [(name: String, class: String, number: Int, meaning: String)] {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Sources/Model/ErrorCode+Table.swift")
        let text = try String(contentsOf: file, encoding: .utf8)
        let pattern = /static let (\w+) = ErrorCode\(\s*\.(\w+), (\d+),\s*"([^"]+)"\s*\)/
        return text.matches(of: pattern).map { (String($0.1), String($0.2), Int($0.3) ?? 0, String($0.4)) }
    }

    @Test func `no two codes of the table are the same`() throws {
        let table = try Self.table()
        #expect(table.count > 40)
        #expect(Set(table.map { "\($0.class)-\($0.number)" }).count == table.count)
        #expect(Set(table.map(\.meaning)).count == table.count)
    }

    @Test func `the numbers of a class have no gaps`() throws {
        for (name, codes) in Dictionary(grouping: try Self.table(), by: \.class) {
            #expect(codes.map(\.number).sorted() == Array(1...codes.count), "\(name)")
        }
    }

    @Test func `every line of the table is found by this test`() throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Sources/Model/ErrorCode+Table.swift")
        let text = try String(contentsOf: file, encoding: .utf8)
        let table = try Self.table()
        #expect(text.split(separator: " = ErrorCode(").count - 1 == table.count)
        #expect(Set(ErrorCode.all.map(\.description)).count == table.count, "`all` has every code once")
    }

    @Test func `a meaning is a sentence without capital and full stop`() throws {
        for code in try Self.table() {
            #expect(code.meaning.first?.isUppercase == false && code.meaning.last != ".", "\(code.name)")
        }
    }

    @Test func `a code is written with its class and two digits`() {
        #expect(ErrorCode.notInPicklist.description == "MZ-PICK-01")
        #expect(ErrorCode(.net, 12, "x").description == "MZ-NET-12")
        #expect(ErrorCode(.net, 12, "x") == ErrorCode(.net, 12, "worded better"))
        #expect(Set(ErrorCode.Class.allCases.map(\.rawValue)).count == ErrorCode.Class.allCases.count)
    }
}

@Suite struct MigratezErrorTests {
    @Test func `a description shows the causes`() {
        struct Deepest: Error, CustomStringConvertible { let description = "errno 28" }
        let inner = MigratezError(.diskFull, "no space", cause: Deepest())
        let outer = MigratezError(.shredIncomplete, "cannot finish", cause: inner)
        #expect(outer.description == "MZ-STAGE-11: cannot finish (MZ-DISK-01: no space) (errno 28)")
        #expect(MigratezError(.diskFull, "no space").description == "MZ-DISK-01: no space")
    }
}
