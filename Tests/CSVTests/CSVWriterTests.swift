// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCSV
import MigratezTestKit
import Testing

struct CSVWriterTests {
    private func written(_ rows: [[String]], _ dialect: CSVDialect = CSVDialect()) -> [UInt8] {
        var writer = CSVWriter(dialect)
        for row in rows {
            for text in row { writer.field(text) }
            writer.endRow()
        }
        return writer.bytes
    }

    @Test func `fields are quoted where they must be and nowhere else`() {
        let rows = [["a", "b c", ""], ["a,b", "say \"x\"", "1\n2"], [" a", "a\t", "'"], [""], ["\u{FEFF}"]]
        #expect(
            String(decoding: written(rows), as: UTF8.self)
                == "a,b c,\r\n\"a,b\",\"say \"\"x\"\"\",\"1\n2\"\r\n\" a\",\"a\t\",'\r\n\"\"\r\n\"\u{FEFF}\"\r\n")
    }

    @Test func `formulas are defused`() {
        let dialect = CSVDialect(guardsFormulas: true)
        #expect(
            String(decoding: written([["=1+1", "-5", "'=x", "'a", "a=b", "\t1", "@x"]], dialect), as: UTF8.self)
                == "'=1+1,'-5,''=x,'a,a=b,\"'\t1\",'@x\r\n")
        #expect(
            String(decoding: written([["\n=1", "＝1+1", "＋1", "－1", "＠x", "＜x", "é=1"]], dialect), as: UTF8.self)
                == "\"'\n=1\",'＝1+1,'＋1,'－1,'＠x,＜x,é=1\r\n")
    }

    @Test(arguments: [false, true], [false, true])
    func `what is written is read again, whatever it is`(guardsFormulas: Bool, trimsFields: Bool) {
        let seed: UInt64 = 0x4353_5621
        var random = SeededGenerator(seed: seed)
        let pieces = [
            "a", "é", "😀", ",", "\"", "\n", "\r", "\r\n", " ", "\t", "=", "+", "-", "@", "'", ";", "\u{FEFF}", "12",
            "＝", "＠",
        ]
        for round in 0..<500 {
            let width = Int.random(in: 1...5, using: &random)
            let rows = (0..<Int.random(in: 1...6, using: &random)).map { _ in
                (0..<width).map { _ in
                    (0..<Int.random(in: 0...5, using: &random)).map { _ in pieces.randomElement(using: &random)! }
                        .joined()
                }
            }
            let dialect = CSVDialect(
                delimiter: round.isMultiple(of: 2) ? UInt8(ascii: ",") : UInt8(ascii: ";"), trimsFields: trimsFields,
                guardsFormulas: guardsFormulas)
            let read = readRows(written(rows, dialect), dialect, blockBytes: Int.random(in: 1...20, using: &random))
            #expect(
                read.map { $0.texts.map { Array($0.utf8) } } == rows.map { $0.map { Array($0.utf8) } }, "seed \(seed)")
            #expect(read.allSatisfy { $0.problem == nil && !$0.isBlank })
        }
    }
}
