// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCSV
import MigratezModel
import MigratezTestKit
import Testing

struct CSVReaderTests {
    private func rows(_ bytes: [UInt8], _ dialect: CSVDialect = CSVDialect(), blockBytes: Int = 7) -> [CSVRow] {
        readRows(bytes, dialect, blockBytes: blockBytes)
    }

    private func texts(_ text: String, _ dialect: CSVDialect = CSVDialect(), blockBytes: Int = 7) -> [[String]] {
        rows(Array(text.utf8), dialect, blockBytes: blockBytes).map(\.texts)
    }

    @Test(arguments: [1, 2, 3, 8, 1_000])
    func `rows are the same whatever the size of the blocks`(blockBytes: Int) {
        let text = "\u{FEFF}\"id\",name\r\n1,\"a \"\"b\"\",\r\nc\"\n2,\r3,x\r\n\r\n\"\",é😀"
        #expect(
            texts(text, blockBytes: blockBytes)
                == [["id", "name"], ["1", "a \"b\",\r\nc"], ["2", ""], ["3", "x"], [""], ["", "é😀"]])
    }

    @Test func `a file ends with or without a line break, and an empty one has no rows`() {
        #expect(texts("") == [])
        #expect(texts("\u{FEFF}") == [])
        #expect(texts("a") == [["a"]])
        #expect(texts("a\n") == [["a"]])
        #expect(texts("a\r") == [["a"]])
        #expect(texts("a,") == [["a", ""]])
        #expect(texts("a,\n") == [["a", ""]])
        #expect(texts("\"a\"") == [["a"]])
        #expect(texts("\n") == [[""]])
    }

    @Test func `delimiter and quote can be others`() {
        let dialect = CSVDialect(delimiter: UInt8(ascii: "\t"), quote: UInt8(ascii: "'"))
        #expect(texts("a\t'b\tc'\t\"d\"\n", dialect) == [["a", "b\tc", "\"d\""]])
        #expect(texts("a;\"b;c\";d,e", CSVDialect(delimiter: UInt8(ascii: ";"))) == [["a", "b;c", "d,e"]])
    }

    @Test func `fields are trimmed if that is asked for, but not within quotes`() {
        #expect(
            texts("a, b ,\t\"  c \" , d e \n, \n", CSVDialect(trimsFields: true)) == [
                ["a", "b", "  c ", "d e"], ["", ""],
            ])
        #expect(texts("a, b ,c", CSVDialect()) == [["a", " b ", "c"]])
    }

    @Test func `a quote within an unquoted field is text`() {
        #expect(texts("6\" pipe,a\"b\"c\n") == [["6\" pipe", "a\"b\"c"]])
    }

    @Test func `nothing and an empty text in quotes can be told apart`() {
        let row = rows(Array(",\"\"".utf8))[0]
        #expect((0..<2).map { row.isQuoted($0) } == [false, true])
        #expect(rows(Array("\n\"\"\n".utf8)).map(\.isBlank) == [true, false])
    }

    @Test func `a row that cannot be taken says why, and those after it are read`() {
        let text = "a,\"b\"x,c\n1,2,3\n"
        let read = rows(Array(text.utf8))
        #expect(read.map(\.problem) == [.textAfterQuote, nil])
        #expect(read[1].texts == ["1", "2", "3"])
        #expect(rows(Array("a,\"b\n1,2".utf8)).map(\.problem) == [.unterminatedQuote])
    }

    @Test func `bytes that are not UTF-8 make their row a problem, also where fields meet`() {
        for bad: [UInt8] in [[0xFF], [0xC3], [0xC3, 0x2C, 0xA9], [0xED, 0xA0, 0x80]] {
            for blockBytes in 1...5 {
                let read = rows(Array("a,b\nx".utf8) + bad + Array("\n1,2\n".utf8), blockBytes: blockBytes)
                #expect(read.map(\.problem) == [nil, .invalidEncoding, nil])
            }
        }
    }

    @Test(arguments: [9, 10, 11])
    func `a row is read up to its limit, and cut off beyond it`(length: Int) {
        let dialect = CSVDialect(rowBytesMax: ByteCount(10))
        for quote in ["", "\""] {
            let text = quote + String(repeating: "x", count: length) + quote + "\n1\n"
            let read = rows(Array(text.utf8), dialect, blockBytes: 3)
            #expect(read.map(\.problem) == [length > 10 ? .tooLong : nil, nil])
            #expect(read[1].texts == ["1"])
        }
        #expect(rows([UInt8](repeating: 0x2C, count: 70_000)).map(\.problem) == [.tooLong])
    }

    @Test(arguments: CSVEncoding.allCases)
    func `a reader goes on at the start of every row, in every encoding`(encoding: CSVEncoding) throws {
        let text =
            "id,näme\r\n1,\"ä\nÿ\"\r2,über\n\n3,\"\r\n\"\"x\"\n" + (encoding.isUnicode ? "4,😀 日本\n5,€\n" : "4,£\n")
        for mark in encoding.isUnicode ? [false, true] : [false] {
            let bytes = encode(mark ? "\u{FEFF}" + text : text, encoding)
            let dialect = CSVDialect(encoding: encoding)
            let whole = rows(bytes, dialect)
            #expect(whole.map(\.texts) == texts(text))
            #expect(whole.map(\.start.line) == Array([1, 2, 4, 5, 6, 8, 9].prefix(whole.count)))
            #expect(whole.last?.end.byte == bytes.count)
            for (number, row) in whole.enumerated() {
                #expect(row.start.row == number)
                let rest = readRows(Array(bytes[row.start.byte...]), dialect, blockBytes: 5, from: row.start)
                #expect(rest.map(\.texts) == whole[number...].map(\.texts))
                #expect(rest.map(\.end) == whole[number...].map(\.end))
            }
        }
    }

    @Test func `windows-1252 has its own characters between 80 and 9F`() {
        let dialect = CSVDialect(encoding: .windows1252)
        #expect(rows([0x80, 0x2C, 0x93, 0x61, 0x94, 0x2C, 0xE9], dialect)[0].texts == ["€", "“a”", "é"])
        #expect(rows([0xE9, 0x2C, 0x80], CSVDialect(encoding: .latin1))[0].texts == ["é", "\u{80}"])
    }

    @Test func `half a surrogate pair in UTF-16 makes its row a problem`() {
        let bytes: [UInt8] = [0x61, 0, 0x0A, 0, 0x00, 0xD8, 0x62, 0, 0x0A, 0, 0x63, 0, 0x0A, 0, 0x64]
        for blockBytes in 1...6 {
            let read = rows(bytes, CSVDialect(encoding: .utf16LittleEndian), blockBytes: blockBytes)
            #expect(read.map(\.problem) == [nil, .invalidEncoding, nil, .invalidEncoding])
            #expect(read[2].texts == ["c"])
        }
    }

    @Test func `a byte order mark tells the encoding`() {
        #expect(CSVEncoding.detected(from: [0xFF, 0xFE, 0x61, 0])?.encoding == .utf16LittleEndian)
        #expect(CSVEncoding.detected(from: [0xFE, 0xFF])?.encoding == .utf16BigEndian)
        #expect(CSVEncoding.detected(from: [0xEF, 0xBB, 0xBF])?.markBytes == 3)
        #expect(CSVEncoding.detected(from: [0xEF, 0xBB]) == nil)
        #expect(CSVEncoding.detected(from: []) == nil)
    }
}

extension CSVEncoding {
    var isUnicode: Bool { self != .latin1 && self != .windows1252 }
}

/// Reads all rows, giving the bytes in blocks.
func readRows(
    _ bytes: [UInt8], _ dialect: CSVDialect, blockBytes: Int = 1_000, from position: CSVPosition = .start
) -> [CSVRow] {
    var reader = CSVReader(dialect, from: position)
    var rows: [CSVRow] = []
    var row = CSVRow()
    for start in stride(from: 0, to: bytes.count, by: blockBytes) {
        reader.feed(Array(bytes[start..<min(start + blockBytes, bytes.count)]))
        while reader.next(&row) { rows.append(row) }
    }
    reader.finish()
    while reader.next(&row) { rows.append(row) }
    return rows
}

private func encode(_ text: String, _ encoding: CSVEncoding) -> [UInt8] {
    switch encoding {
    case .utf8: Array(text.utf8)
    case .utf16LittleEndian: text.utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
    case .utf16BigEndian: text.utf16.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }
    case .latin1, .windows1252: text.unicodeScalars.map { UInt8($0.value) }
    }
}
