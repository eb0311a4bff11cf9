// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import MigratezStaging

/// What the manifest's `route` of a batch says: the way of writing, and which lines change a record that existed
/// before.
///
/// `bulk2 m3 m7-9 h12`: the lines 3 and 7 to 9 change records that were matched, line 12 one that carried our key. All
/// others make a record. It is durable before the write, so that whoever finds the records after a crash knows which of
/// them were there before.
struct WritePlan: Equatable {
    var route: String
    /// Lines whose record existed without our key: if it carries the key later, the write arrived.
    var matched: Set<Int>
    /// Lines whose record carried our key already: that it does says nothing about the write.
    var held: Set<Int>

    init(route: String, matched: Set<Int> = [], held: Set<Int> = []) {
        self.route = route
        self.matched = matched
        self.held = held
    }

    /// The plan for rows of which it is known what was there before.
    init(route: String, rows: [LoadRow]) {
        self.init(route: route)
        for row in rows {
            if row.isPresent { held.insert(row.line) }
            guard let before = row.before else { continue }
            if row.holder != nil {
                // The link is new if the field was empty.
                if row.row.references.contains(where: { !before.isBlank($0.field) }) { held.insert(row.line) }
            } else if before.origin == .ours {
                held.insert(row.line)
            } else {
                matched.insert(row.line)
            }
        }
    }

    init(_ text: String) {
        let words = text.split(separator: " ")
        self.init(route: words.first.map(String.init) ?? "")
        for word in words.dropFirst() {
            let ends = word.dropFirst().split(separator: "-").compactMap { Int($0) }
            guard let first = ends.first, let last = ends.last, first <= last else { continue }
            if word.hasPrefix("m") { matched.formUnion(first...last) } else { held.formUnion(first...last) }
        }
    }

    var text: String { ([route] + Self.words("m", matched) + Self.words("h", held)).joined(separator: " ") }

    /// Whether the line changes a record that was there before the run.
    func isUpdate(_ line: Int) -> Bool { matched.contains(line) || held.contains(line) }

    private static func words(_ letter: String, _ lines: Set<Int>) -> [String] {
        var words: [String] = []
        var run: ClosedRange<Int>?
        for line in lines.sorted() {
            if let open = run, open.upperBound + 1 == line {
                run = open.lowerBound...line
            } else {
                if let run { words.append(word(letter, run)) }
                run = line...line
            }
        }
        return words + (run.map { [word(letter, $0)] } ?? [])
    }

    private static func word(_ letter: String, _ run: ClosedRange<Int>) -> String {
        run.count == 1 ? "\(letter)\(run.lowerBound)" : "\(letter)\(run.lowerBound)-\(run.upperBound)"
    }
}
