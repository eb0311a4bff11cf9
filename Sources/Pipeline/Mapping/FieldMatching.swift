// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit

/// A field of the source that may be meant by a field of the destination, and why.
package struct FieldCandidate: Sendable, Equatable {
    package var source: String
    package var target: String
    /// 0 to 100: how sure.
    package var certainty: Int
    /// `same name`, `same label`, `both mean 'city'`, `similar name`, then what speaks against it.
    package var reason: String
}

/// Finds out which field of one object is meant by which field of another: by name, label, meaning, and kind of value.
enum FieldMatching {
    /// All candidates for a field of the destination, the most certain first; read-only fields have none.
    static func candidates(for target: FieldSchema, among sources: [FieldSchema]) -> [FieldCandidate] {
        guard target.isCreateable else { return [] }
        return sources.compactMap { candidate($0, target) }
            .sorted { ($1.certainty, $0.source) < ($0.certainty, $1.source) }
    }

    /// One source field for each field of the destination, where it is certain enough to be written into a file for a
    /// person to look at. Each source field is used once, for the field that it fits best.
    static func assignment(from sources: [FieldSchema], to targets: [FieldSchema]) -> [String: FieldCandidate] {
        let all = targets.flatMap { candidates(for: $0, among: sources) }.filter { $0.certainty >= certaintyMin }
        var assigned: [String: FieldCandidate] = [:]
        var used: Set<String> = []
        let ranked = all.enumerated().sorted {
            ($1.element.certainty, $0.offset) < ($0.element.certainty, $1.offset)
        }
        for candidate in ranked.map(\.element)
        where assigned[candidate.target] == nil && used.insert(candidate.source).inserted {
            assigned[candidate.target] = candidate
        }
        return assigned
    }

    private static let certaintyMin = 70

    private static func candidate(_ source: FieldSchema, _ target: FieldSchema) -> FieldCandidate? {
        guard let (certainty, reason) = likeness(source, target) else { return nil }
        guard let objection = objection(source, target) else {
            return FieldCandidate(
                source: source.name, target: target.name, certainty: certainty, reason: reason)
        }
        return FieldCandidate(
            source: source.name, target: target.name, certainty: certainty - 40, reason: "\(reason), but \(objection)")
    }

    private static func likeness(_ source: FieldSchema, _ target: FieldSchema) -> (Int, String)? {
        if target.kind == .reference {
            // Only people are known on both sides by something else than an id.
            guard isPerson(source), isPerson(target) else { return nil }
        }
        let (name, other) = (FieldMeaning(source.name), FieldMeaning(target.name))
        if name.spelling == other.spelling { return (100, "same name") }
        let (label, otherLabel) = (FieldMeaning(source.label), FieldMeaning(target.label))
        if !label.spelling.isEmpty, label.spelling == otherLabel.spelling { return (95, "same label") }
        let concepts = [name.concept, label.concept].compactMap(\.self)
        if let concept = [other.concept, otherLabel.concept].compactMap(\.self).first(where: concepts.contains) {
            return (isPerson(source) == isPerson(target) ? 85 : 40, "both mean '\(concept)'")
        }
        let shared = Set(name.words + label.words).intersection(other.words + otherLabel.words)
            .filter { $0.count > 3 }
        if let word = shared.sorted().first { return (45, "both speak of '\(word)'") }
        return nil
    }

    /// Why values of the source field do not belong into the other as they are.
    private static func objection(_ source: FieldSchema, _ target: FieldSchema) -> String? {
        if isPerson(source) != isPerson(target) { return "only one of them is a person" }
        if target.kind == .reference || source.kind == target.kind || source.kind == .other { return nil }
        let texts: Set<FieldSchema.Kind> = [.text, .longText, .email, .phone, .url, .choice, .choices]
        let numbers: Set<FieldSchema.Kind> = [.integer, .decimal]
        let times: Set<FieldSchema.Kind> = [.date, .dateTime]
        switch target.kind {
        case _ where texts.contains(target.kind) && (texts.contains(source.kind) || source.kind == .text): return nil
        case _ where numbers.contains(target.kind) && (numbers.contains(source.kind) || source.kind == .text):
            return nil
        case _ where times.contains(target.kind) && (times.contains(source.kind) || source.kind == .text): return nil
        case .bool where texts.contains(source.kind): return nil
        default: return "\(source.kind.rawValue) is not \(target.kind.rawValue)"
        }
    }

    /// A field that names an owner.
    static func isPerson(_ field: FieldSchema) -> Bool {
        field.kind == .reference && field.refersTo.contains { ["owner", "User", "systemuser"].contains($0) }
    }
}
