// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit

/// Finds out which value of one fixed list is meant by which value of another: by value, label, or words in common.
enum ValueMatching {
    /// The destination's value for each of the source's that has a counterpart; others are absent.
    static func matches(from sources: [FieldSchema.Option], to targets: [FieldSchema.Option]) -> [String: String] {
        let active = targets.filter(\.isActive)
        var found: [String: String] = [:]
        for option in sources {
            let best = active.enumerated().map { ($0.offset, $0.element, likeness(option, $0.element)) }
                .filter { $0.2 > 0 }.max { ($0.2, $1.0) < ($1.2, $0.0) }
            if let best { found[option.value] = best.1.value }
        }
        return found
    }

    private static func likeness(_ source: FieldSchema.Option, _ target: FieldSchema.Option) -> Int {
        let (value, label) = (spelling(source.value), spelling(source.label))
        let (other, otherLabel) = (spelling(target.value), spelling(target.label))
        if value == other || label == otherLabel { return 100 }
        if value == otherLabel || label == other { return 95 }
        let words = stems(source.label).union(stems(source.value))
        let shared = words.intersection(stems(target.label)).count
        return shared * 10
    }

    private static func spelling(_ text: String) -> String {
        String(text.lowercased().filter { $0.isLetter || $0.isNumber })
    }

    /// The beginnings of the words, with what sales people call the same step put under one word.
    private static func stems(_ text: String) -> Set<String> {
        var stems: Set<String> = []
        for word in FieldMeaning.words(in: text) where word.count > 2 {
            let stem = String(word.prefix(6))
            stems.insert(sameStep.first { $0.key.count > 3 ? stem.hasPrefix($0.key) : stem == $0.key }?.value ?? stem)
        }
        stems.subtract(["the", "and", "for", "deal", "stage"])
        return stems
    }

    private static let sameStep = [
        "appoin": "prospe", "qualif": "qualif", "presen": "propos", "quote": "propos", "contra": "negoti",
        "review": "negoti", "bought": "decisi", "decisi": "decisi", "new": "prospe",
    ]
}
