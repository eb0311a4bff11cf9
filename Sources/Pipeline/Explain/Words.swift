// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import MigratezTransform

/// The words of `explain`: rules of the pipeline file as sentences.
enum Words {
    /// A sentence about one step of a rule, what more there is to know of it, and the part of the rule that makes it.
    typealias Step = (text: String, notes: [String], apply: (inout FieldSpec) -> Void)

    /// The steps in the order in which they are applied (`FieldSpec`).
    static func steps(_ rule: FieldSpec, _ plan: PipelinePlan) -> [Step] {
        var steps: [Step] = [origin(rule.origin)]
        func add(_ text: String, _ apply: @escaping (inout FieldSpec) -> Void) { steps.append((text, [], apply)) }
        if rule.isTrimmed { add("White space at both ends is removed (trim).") { $0.isTrimmed = true } }
        if let letterCase = rule.letterCase {
            let word = letterCase.rawValue
            add("All letters become \(word) case (\(word)).") { $0.letterCase = letterCase }
        }
        if let html = rule.html {
            let text =
                html == .sanitize
                ? "Markup keeps its harmless formatting only (html: sanitize)."
                : "Markup is removed, blocks become lines (html: text)."
            add(text) { $0.html = html }
        }
        if let region = rule.phoneRegion {
            let text =
                "The telephone number gets its country code; one without is taken to be of \(region) (phone). "
                + "What is not clearly a number stays as it is."
            add(text) { $0.phoneRegion = region }
        }
        if let map = rule.valueMap { add(valueMap(map, plan)) { $0.valueMap = map } }
        if rule.isPerson { add(person(plan.transform.people)) { $0.isPerson = true } }
        if let type = rule.type {
            add("It must be \(article(type)) (type: \(type.rawValue)). \(otherwise(rule))") { $0.type = type }
        }
        if let most = rule.charactersMax {
            let text =
                rule.isTruncated
                ? "It is cut to \(most) characters (max, truncate)."
                : "It has at most \(most) characters (max). \(otherwise(rule))"
            add(text) { field in
                field.charactersMax = most
                field.isTruncated = rule.isTruncated
            }
        }
        add(ending(rule)) { field in
            field.fallback = rule.fallback
            field.isRequired = rule.isRequired
        }
        return steps
    }

    private static func origin(_ origin: FieldSpec.Origin) -> Step {
        switch origin {
        case .field(let name): return ("The source's field '\(name)' gives the value.", [], { _ in })
        case .constant(let template):
            return ("Every record gets the text '\(written(template))' (const).", [], { _ in })
        case .expression(let expression):
            let fields = expression.fieldNames.map { "'\($0)'" }
            let reading = fields.isEmpty ? "" : " It reads \(listed(fields, "and"))."
            return (
                "The expression \(expression.source) gives the value (expr).\(reading)", notes(expression), { _ in }
            )
        }
    }

    /// What the functions of an expression do.
    static func notes(_ expression: RecordExpression) -> [String] {
        expression.functions.map { "\($0.name)(): \($0.summary)" }
    }

    private static func valueMap(_ name: String, _ plan: PipelinePlan) -> String {
        guard let map = plan.transform.values[name] else { return "The value map '\(name)' translates it." }
        let otherwise =
            switch map.otherwise {
            case .quarantine: "A value that is not in it is a reason to reject the record."
            case .keep: "A value that is not in it stays as it is."
            case .drop: "A value that is not in it is left out."
            case .use(let value): "A value that is not in it becomes '\(value)'."
            }
        let count = map.entries.count
        return "The value map '\(name)' translates it (\(count) value\(count == 1 ? "" : "s")). \(otherwise)"
    }

    private static func person(_ people: PeopleSpec?) -> String {
        let people = people ?? PeopleSpec()
        var ways: [String] = []
        if !people.entries.isEmpty { ways.append("the table under 'people'") }
        if people.matchesEmail { ways.append("the same e-mail address") }
        let otherwise =
            switch people.unmatched {
            case .quarantine: "the record is rejected"
            case .assign(let email, _): "\(email) gets it"
            }
        return "The source's owner becomes the person of the destination who is the same by \(listed(ways)) (person); "
            + "without one, \(otherwise)."
    }

    private static func article(_ type: FieldSpec.ValueType) -> String {
        switch type {
        case .text: "a text"
        case .email: "one e-mail address"
        case .bool: "true or false"
        case .decimal: "a number"
        case .integer: "a whole number"
        case .date: "a day"
        case .dateTime: "a point in time"
        }
    }

    private static func otherwise(_ rule: FieldSpec) -> String {
        rule.onError == .null
            ? "What does not fit counts as nothing (on_error: null)."
            : "A record whose value does not fit is rejected."
    }

    private static func ending(_ rule: FieldSpec) -> String {
        if let fallback = rule.fallback {
            return "Where there is nothing, '\(written(fallback))' is used (default)."
        }
        return rule.isRequired
            ? "Where there is nothing, the record is rejected (required)."
            : "Where there is nothing, the field is left out."
    }

    /// A template as it stands in the file.
    private static func written(_ template: TextTemplate) -> String {
        template.parts.map { part in
            switch part {
            case .literal(let text): text
            case .run(let variable): "${run.\(variable.rawValue)}"
            case .variable(let name): "${vars.\(name)}"
            }
        }.joined()
    }

    // MARK: Whole records

    /// What merging duplicates does to the fields that the rule reads.
    static func merging(_ object: ObjectSpec, _ rule: FieldSpec) -> [String] {
        let read: [String] =
            switch rule.origin {
            case .field(let name): [name]
            case .expression(let expression): expression.fieldNames
            case .constant: []
            }
        return object.duplicates.map { duplicates in
            let survivor =
                switch duplicates.keep {
                case .mostComplete: "the one with the most fields filled"
                case .mostRecent: "the one changed last"
                case .oldest: "the one changed first"
                case .first: "the first"
                }
            let merged = read.compactMap { name in duplicates.merge[name].map { "'\(name)' is \(source(of: $0))" } }
            let keys = listed(duplicates.keys.map { "'\($0)'" }, "and")
            return "Records with the same \(keys) become one: \(survivor) stays (dedupe.within)"
                + (merged.isEmpty ? "." : "; \(listed(merged, "and")).")
        }
    }

    private static func source(of merge: DuplicateRule.Merge) -> String {
        switch merge {
        case .newest: "that of the newest of them"
        case .oldest: "that of the oldest of them"
        case .longest: "the longest of them"
        case .concat: "all that they have, one a line"
        case .survivor: "its own, or another's if it has none"
        }
    }

    static func after(_ object: ObjectSpec, field: String, _ plan: PipelinePlan) -> [String] {
        object.targetMatches.map { rule in
            let keys = listed(rule.keys.map { "'\($0)'" }, "and")
            let effect =
                switch rule.onMatch {
                case .fillBlanks: "'\(field)' is set only if it is empty there"
                case .overwrite: "'\(field)' is overwritten there"
                case .skip: "that one is left as it is"
                }
            return "If \(plan.target.connector) already has a \(object.target) with the same \(keys), \(effect) "
                + "(dedupe.against_target)."
        }
    }

    /// The link that fills a field without a rule of its own.
    static func link(
        filling field: String, of object: ObjectSpec, in plan: PipelinePlan
    ) -> (number: Int, text: String)? {
        for (number, link) in plan.transform.links.enumerated()
        where link.from == object.stream && link.form == .lookup(object: object.target, field: field) {
            let choice = link.choose == .primary ? "the primary one, or else the first" : "the first"
            let missing =
                switch link.onMissing {
                case .quarantine: "the record is rejected"
                case .empty: "the field stays empty"
                case .skip: "the record is left out"
                }
            let text =
                "The field holds the id of the linked \(listed(link.to.map(\.text))) in the destination (links); of several, "
                + "\(choice). If that record does not exist or was not loaded, \(missing)."
            return (number, text)
        }
        return nil
    }
}
