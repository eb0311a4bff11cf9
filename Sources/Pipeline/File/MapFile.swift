// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCSV

/// A table of pairs for value maps and owner maps: CSV (RFC 4180) with the heading `from,to`.
enum MapFile {
    /// What is wrong with a map file.
    struct Failure: Error {
        /// From 1.
        var line: Int
        var reason: String
    }

    /// The pairs of the file, in its order. Further columns are ignored, empty lines too.
    static func rows(of bytes: [UInt8]) throws(Failure) -> [(String, String)] {
        var reader = CSVReader(CSVDialect())
        reader.feed(bytes)
        var pairs: [(String, String)] = []
        var seen: Set<String> = []
        var columns: (from: Int, to: Int)?
        var row = CSVRow()
        var isFinished = false
        while true {
            guard reader.next(&row) else {
                if isFinished { break }
                reader.finish()
                isFinished = true
                continue
            }
            if let problem = row.problem { throw Failure(line: row.start.line, reason: problem.rawValue) }
            guard !row.isBlank else { continue }
            guard let (from, to) = columns else {
                columns = try heading(row)
                continue
            }
            guard row.count > max(from, to) else {
                throw Failure(line: row.start.line, reason: "there are fewer columns than in the heading")
            }
            guard seen.insert(row.text(from)).inserted else {
                throw Failure(line: row.start.line, reason: "the value in 'from' stands in an earlier line already")
            }
            pairs.append((row.text(from), row.text(to)))
        }
        guard columns != nil else { throw Failure(line: 1, reason: "the heading 'from,to' is missing") }
        return pairs
    }

    private static func heading(_ row: CSVRow) throws(Failure) -> (from: Int, to: Int) {
        let names = row.texts.map { $0.filter { $0 != " " }.lowercased() }
        guard let from = names.firstIndex(of: "from"), let to = names.firstIndex(of: "to") else {
            throw Failure(line: row.start.line, reason: "the heading must have the columns 'from' and 'to'")
        }
        return (from, to)
    }
}
