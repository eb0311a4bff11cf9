// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezModel

/// What becomes of the values of lists.
extension MappingDrafter {
    /// The name of a map from one list to the other; `nil` if nothing in them is alike.
    mutating func valueMap(_ source: FieldSchema, _ target: FieldSchema, _ stream: StreamName) -> String? {
        let name = "\(stream)_\(Self.plainName(source.name))"
        let matches = ValueMatching.matches(from: source.options, to: target.options)
        guard !matches.isEmpty else { return nil }
        guard !draft.values.contains(where: { $0.name == name }) else { return name }
        draft.values.append(
            DraftMapping.ValueMap(
                name: name,
                entries: source.options.compactMap { option in matches[option.value].map { (option.value, $0) } },
                open: source.options.filter { matches[$0.value] == nil },
                otherwise: target.isRequired ? "quarantine" : target.isRestricted ? "drop" : "keep"))
        return name
    }

    /// The name of a map from choices that are numbers to the words that people read there; `nil` for all others.
    mutating func labelMap(_ source: FieldSchema, _ stream: StreamName) -> String? {
        guard source.kind == .choice, source.options.contains(where: { $0.label != $0.value }),
            source.options.allSatisfy({ $0.value.allSatisfy(\.isNumber) })
        else { return nil }
        let name = "\(stream)_\(Self.plainName(source.name))"
        if !draft.values.contains(where: { $0.name == name }) {
            draft.values.append(
                DraftMapping.ValueMap(
                    name: name, entries: source.options.map { ($0.value, $0.label) }, open: [], otherwise: "keep"))
        }
        return name
    }
}
