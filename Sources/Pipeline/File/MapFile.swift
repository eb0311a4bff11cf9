// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

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
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Failure(line: 1, reason: "it is not UTF-8")
        }
        var lines = try records(of: text.first == "\u{FEFF}" ? text.dropFirst() : text[...])
        guard !lines.isEmpty else { throw Failure(line: 1, reason: "the heading 'from,to' is missing") }
        let heading = lines.removeFirst().fields.map { $0.filter { $0 != " " }.lowercased() }
        guard let from = heading.firstIndex(of: "from"), let to = heading.firstIndex(of: "to") else {
            throw Failure(line: 1, reason: "the heading must have the columns 'from' and 'to'")
        }
        var pairs: [(String, String)] = []
        var seen: Set<String> = []
        for (number, fields) in lines where fields != [""] {
            guard fields.count > max(from, to) else {
                throw Failure(line: number, reason: "there are \(fields.count) columns, not \(heading.count)")
            }
            guard seen.insert(fields[from]).inserted else {
                throw Failure(line: number, reason: "the value in 'from' stands in an earlier line already")
            }
            pairs.append((fields[from], fields[to]))
        }
        return pairs
    }

    private static func records(of text: Substring) throws(Failure) -> [(line: Int, fields: [String])] {
        var records: [(line: Int, fields: [String])] = []
        var fields: [String] = []
        var field = ""
        var isQuoted = false
        var line = 1
        var start = 1
        var rest = text.makeIterator()
        var pending = rest.next()
        while let character = pending {
            pending = rest.next()
            if isQuoted {
                if character == "\"" {
                    if pending == "\"" {
                        pending = rest.next()
                    } else {
                        isQuoted = false
                        continue
                    }
                }
                field.append(character)
                if character.isNewline { line += 1 }
            } else if character == "\"", field.isEmpty {
                isQuoted = true
            } else if character == "," {
                fields.append(field)
                field = ""
            } else if character == "\n" || character == "\r\n" || character == "\r" {
                records.append((start, fields + [field]))
                (fields, field, line) = ([], "", line + 1)
                start = line
            } else {
                field.append(character)
            }
        }
        guard !isQuoted else { throw Failure(line: start, reason: "a quoted value is not closed") }
        if !field.isEmpty || !fields.isEmpty { records.append((start, fields + [field])) }
        return records
    }
}
