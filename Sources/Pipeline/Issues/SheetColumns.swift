// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import MigratezTransform

/// Which column of a sheet is which.
struct SheetColumns {
    private let identity: [Int]
    private let digest: Int
    /// For each of the rules the columns of its fields; nil = not all of them are there.
    private let fields: [[Int]?]
    private let streams: [String: Int]

    /// - Throws: `badCorrections` if a column is not known, stands twice, or one of the first ones is missing.
    init(_ header: [String], _ rules: [CorrectionRules], path: String) throws(MigratezError) {
        func invalid(_ what: String) -> MigratezError {
            MigratezError(
                .badCorrections, "\(path):1: \(what)", remedy: .fixConfiguration,
                hint: "keep the first line as `migratez issues export` wrote it")
        }
        var places: [String: Int] = [:]
        for (place, name) in header.enumerated() {
            guard places.updateValue(place, forKey: name) == nil else {
                throw invalid("the column '\(name)' stands twice")
            }
        }
        let editable = rules.flatMap { rules in rules.fields.map { IssueSheet.column($0, of: rules.stream) } }
        let known = Set(IssueSheet.identity + IssueSheet.remarks + [IssueSheet.digest] + editable)
        if let unknown = header.first(where: { !known.contains($0) }) {
            let near = closest(to: unknown, among: known.sorted())
            throw invalid("unknown column '\(unknown)'" + (near.map { "; did you mean '\($0)'?" } ?? ""))
        }
        var identity: [Int] = []
        for name in IssueSheet.identity + [IssueSheet.digest] {
            guard let place = places[name] else { throw invalid("the column '\(name)' is missing") }
            identity.append(place)
        }
        digest = identity.removeLast()
        self.identity = identity
        fields = rules.map { rules in
            let found = rules.fields.compactMap { places[IssueSheet.column($0, of: rules.stream)] }
            return found.count == rules.fields.count ? found : nil
        }
        streams = Dictionary(uniqueKeysWithValues: rules.enumerated().map { ($1.stream.text, $0) })
    }

    /// The number of the rules that the row's record follows; nil if its stream is none that can be corrected.
    func rules(of row: SheetReader.Row) -> Int? { streams[row.cells[identity[0]]] }

    /// The cells of `IssueSheet.identity`.
    func identity(_ row: SheetReader.Row) -> [String] { identity.map { row.cells[$0] } }

    func digest(_ row: SheetReader.Row) -> String { row.cells[digest] }

    /// The cells that can be edited; nil if a column of theirs is missing.
    func cells(_ row: SheetReader.Row, of rules: Int) -> [String]? { fields[rules].map { $0.map { row.cells[$0] } } }
}

/// What is wrong with a sheet, with the lines, as far as it is worth telling.
struct SheetProblems {
    private let path: String
    private let max: Int
    private var lines: [(line: Int, text: String)] = []
    private var count = 0

    init(path: String, max: Int) {
        self.path = path
        self.max = max
    }

    mutating func add(_ line: Int, _ text: String) {
        guard !lines.contains(where: { $0.line == line && $0.text == text }) else { return }
        count += 1
        if lines.count < max { lines.append((line, text)) }
    }

    /// - Throws: `badCorrections` if there is a problem.
    func check() throws(MigratezError) {
        guard count > 0 else { return }
        var texts = lines.sorted { $0.line < $1.line }.map { "\(path):\($0.line): \($0.text)" }
        if count > lines.count { texts.append("and \(count - lines.count) more") }
        throw MigratezError(
            .badCorrections, "the sheet is not in order, and nothing was changed\n" + texts.joined(separator: "\n"),
            remedy: .fixConfiguration, hint: "correct these lines, or export again")
    }
}
