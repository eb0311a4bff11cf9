// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezStaging
import MigratezTransform

/// The sums of an object's numbers, sent and held, over all records and by what its choice fields say.
///
/// Groups carry only words of the pipeline's value maps and of the destination's lists: any other value counts under
/// `other`. There are at most `groupsMax` groups; what comes after them is summed under `all others`, so that memory is
/// bounded and the sums are complete.
struct SumBook: Sendable {
    static let groupsMax = 60

    private struct Entry: Sendable {
        var sent = DecimalSum()
        var held = DecimalSum()
        var sentCount = 0
        var heldCount = 0
        var unreadable = 0
    }

    private struct ChoiceField: Sendable {
        var name: String
        var words: Set<String>
    }

    /// The side that a value stands on.
    private enum Side { case sent, held }

    private let numbers: [String]
    private let choices: [ChoiceField]
    private var groups: [[String]: [Entry]] = [:]
    private var totals: [Entry]
    private static let rest = ["all others"]

    /// - Parameter schema: the destination's, as far as it is known.
    init(_ object: ObjectSpec, values: [String: ValueMapSpec], schema: ObjectSchema?) {
        numbers = object.fields.filter { field in
            switch field.type {
            case .decimal, .integer: true
            case .text, .email, .bool, .date, .dateTime: false
            case nil: [.decimal, .integer].contains(schema?.field(field.target)?.kind)
            }
        }.map(\.target)
        choices = object.fields.compactMap { field in
            let known = schema?.field(field.target)
            let options = known?.kind == .choice ? known?.options.map(\.value) ?? [] : []
            var words = Set(options)
            if let map = field.valueMap.flatMap({ values[$0] }) {
                words.formUnion(map.entries.values)
                if case .use(let word) = map.otherwise { words.insert(word) }
            }
            return words.isEmpty ? nil : ChoiceField(name: field.target, words: words)
        }
        totals = numbers.map { _ in Entry() }
    }

    /// Adds the numbers of a record as it was sent.
    mutating func add(sent record: JSONValue) { add(on: .sent) { record[$0] } }

    /// Adds the numbers of a record as it is held. What was not sent is of the destination's own making, and is in no
    /// sum and no group.
    mutating func add(held record: JSONValue, sentAs sent: JSONValue) {
        add(on: .held) { sent[$0] == nil ? nil : record[$0] }
    }

    private mutating func add(on side: Side, _ value: (String) -> JSONValue?) {
        guard !numbers.isEmpty else { return }
        let values = numbers.map { Self.number(value($0)) }
        guard values.contains(where: { $0 != nil }) else { return }
        for (place, value) in values.enumerated() { Self.add(value, to: &totals[place], on: side) }
        guard !choices.isEmpty else { return }
        var labels = choices.map { choice in
            let word = value(choice.name)?.text ?? ""
            return "\(choice.name) = " + (word.isEmpty ? "none" : choice.words.contains(word) ? word : "other")
        }
        if groups[labels] == nil, groups.count >= Self.groupsMax { labels = Self.rest }
        var entries = groups[labels] ?? numbers.map { _ in Entry() }
        for (place, value) in values.enumerated() { Self.add(value, to: &entries[place], on: side) }
        groups[labels] = entries
    }

    /// What was summed: for each number its total, then its groups in the order of their labels.
    var sums: [StreamVerification.Sum] {
        numbers.indices.flatMap { place in
            var sums = [sum(place, [], totals[place])]
            for (labels, entries) in groups.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
                sums.append(sum(place, labels, entries[place]))
            }
            return sums.filter { $0.sentCount + $0.heldCount + $0.unreadable > 0 }
        }
    }

    private func sum(_ place: Int, _ labels: [String], _ entry: Entry) -> StreamVerification.Sum {
        StreamVerification.Sum(
            field: numbers[place], labels: labels, sent: entry.sent.text, held: entry.held.text,
            sentCount: entry.sentCount, heldCount: entry.heldCount, unreadable: entry.unreadable)
    }

    private static func number(_ value: JSONValue?) -> String? {
        guard let value else { return nil }
        let text = FieldComparison.text(value)
        return text.isEmpty ? nil : text
    }

    private static func add(_ value: String?, to entry: inout Entry, on side: Side) {
        guard let value else { return }
        switch side {
        case .sent: if entry.sent.add(value) { entry.sentCount += 1 } else { entry.unreadable += 1 }
        case .held: if entry.held.add(value) { entry.heldCount += 1 } else { entry.unreadable += 1 }
        }
    }
}
