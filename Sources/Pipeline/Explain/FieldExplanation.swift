// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezJSON
package import MigratezModel
import MigratezTransform

/// Where the value of one field of the destination comes from, step by step, in words for people who do not program;
/// with what an example record has become after each step.
package struct FieldExplanation: Sendable {
    /// `Contact.Email`
    package private(set) var field: String
    /// Where its rule stands in the file.
    package private(set) var position: FilePosition
    /// What happens to whole records before the field is looked at.
    package private(set) var before: [Step]
    package private(set) var steps: [Step]
    /// What happens once the record has its fields.
    package private(set) var after: [Step]
    /// The record that the steps are shown with.
    package private(set) var example: Example?

    /// One thing that happens to the value.
    package struct Step: Sendable, Equatable {
        package var text: String
        /// What the example's value is after it; of the filter, whether the example is taken.
        package var value: Value?
        /// What the functions do that it calls.
        package var notes: [String] = []
    }

    /// The steps by when they happen.
    package var phases: [(name: String, steps: [Step])] { [("before", before), ("field", steps), ("after", after)] }

    package enum Value: Sendable, Equatable {
        case text(String)
        case nothing
        /// The record ends here, with this code and reason.
        case rejected(String)
    }

    package struct Example: Sendable {
        /// Where it is from: `the test 'old contacts stay behind'`.
        package var origin: String
        package var record: JSONValue

        package init(origin: String, record: JSONValue) {
            self.origin = origin
            self.record = record
        }

        /// A record of a file: an object with the source's fields, or one that has them in `properties`.
        ///
        /// - Throws: `invalidSetting` if it is none.
        package init(file: String, _ bytes: [UInt8]) throws(MigratezError) {
            guard let record = try? JSONValue(parsing: bytes), case .object(let members) = record else {
                throw MigratezError(
                    .invalidSetting, "\(file) does not hold one JSON object", remedy: .fixConfiguration,
                    hint: "give a record such as {\"email\": \"ada@x.test\"}")
            }
            let fields = record["properties"]?.members ?? []
            self.init(
                origin: "the record in \(file)",
                record: .object(fields + members.filter { member in !fields.contains { $0.key == member.key } }))
        }
    }

    /// - Parameters:
    ///   - path: `contact.Email`: an object by its name on either side, and a field of the destination.
    ///   - example: a record to show the steps with; without one a matching test of the file is taken.
    /// - Throws: `unknownObject` or `unknownField` if the file has no such object or field.
    package init(_ plan: PipelinePlan, path: String, example: Example? = nil) throws(MigratezError) {
        let parts = path.split(separator: ".", maxSplits: 1).map(String.init)
        guard parts.count == 2 else {
            throw MigratezError(
                .unknownField, "'\(path)' is not an object and a field", remedy: .fixConfiguration,
                hint: "write FILE:object.field, as in: migratez explain \(plan.file):contact.Email")
        }
        let objects = plan.transform.objects
        guard let object = objects.first(where: { $0.stream.text == parts[0] || $0.target == parts[0] }) else {
            throw Self.unknown("object", parts[0], among: objects.map(\.stream.text), plan)
        }
        field = "\(object.target).\(parts[1])"
        before = []
        after = Words.after(object, field: parts[1], plan).map { Step(text: $0) }
        if let rule = object.field(parts[1]) {
            position = plan.marks[["objects", object.stream.text, "fields", rule.target]]
            let test = Self.test(of: object, field: rule.target, in: plan, example)
            self.example =
                example ?? test.map { Example(origin: "the test '\($0.name)'", record: $0.given) }
            before = try Self.filter(object, plan, test) + Words.merging(object, rule).map { Step(text: $0) }
            steps = try Self.steps(object, rule, plan, test)
        } else if let link = Words.link(filling: parts[1], of: object, in: plan) {
            position = plan.marks[["links", String(link.number)]]
            before = try Self.filter(object, plan, nil)
            steps = [Step(text: link.text)]
        } else {
            let lookups = plan.transform.links.compactMap { link -> String? in
                guard case .lookup(object.target, let field) = link.form else { return nil }
                return field
            }
            throw Self.unknown(
                "field", parts[1], among: object.fields.map(\.target) + lookups, plan, of: object.stream.text)
        }
    }

    private static func unknown(
        _ kind: String, _ name: String, among names: [String], _ plan: PipelinePlan, of object: String? = nil
    ) -> MigratezError {
        let suggestion = closest(to: name, among: names).map { ". Did you mean '\($0)'?" } ?? ""
        let place = object.map { "objects.\($0) of \(plan.file)" } ?? plan.file
        return MigratezError(
            kind == "field" ? .unknownField : .unknownObject, "there is no \(kind) '\(name)' in \(place)\(suggestion)",
            remedy: .fixConfiguration,
            hint: "there are: \(names.joined(separator: ", "))")
    }

    // MARK: Steps

    /// The test whose record is shown: one that says something about the field, else one that is mapped at all.
    private static func test(
        of object: ObjectSpec, field: String, in plan: PipelinePlan, _ example: Example?
    ) -> PipelineTest? {
        if let example {
            return PipelineTest(
                name: "", object: object.stream.text, given: example.record, want: .fields([]))
        }
        let tests = plan.tests.filter { $0.object == object.stream.text }
        let about = tests.first { test in
            if case .fields(let fields) = test.want { fields.contains { $0.key == field } } else { false }
        }
        return about ?? tests.first { if case .fields = $0.want { true } else { false } }
    }

    /// The object's `where`, and whether it takes the example.
    private static func filter(
        _ object: ObjectSpec, _ plan: PipelinePlan, _ test: PipelineTest?
    ) throws(MigratezError) -> [Step] {
        guard let filter = object.filter else { return [] }
        var value: Value?
        if let test {
            let (outcome, _) = try TestRecord(test.given, of: test, in: plan) { $0.fields = [] }.mapped()
            switch outcome {
            case .mapped: value = .text("the example is taken")
            case .filtered: value = .text("the example is left out")
            case .rejected(let rejection): value = .rejected(words(for: rejection))
            }
        }
        let text = "Only records for which \(filter.source) is true are taken (where)."
        return [Step(text: text, value: value, notes: Words.notes(filter))]
    }

    private static func words(for rejection: Rejection) -> String {
        "\(rejection.code), \(rejection.reason ?? rejection.code.meaning)"
    }

    private static func steps(
        _ object: ObjectSpec, _ rule: FieldSpec, _ plan: PipelinePlan, _ test: PipelineTest?
    ) throws(MigratezError) -> [Step] {
        var partial = FieldSpec(target: rule.target, origin: rule.origin)
        partial.onError = rule.onError
        var steps: [Step] = []
        var isOver = false
        for (text, notes, apply) in Words.steps(rule, plan) {
            apply(&partial)
            var value: Value?
            if let test, !isOver { value = try Self.value(of: partial, test, plan) }
            if case .rejected = value { isOver = true }
            steps.append(Step(text: text, value: value, notes: notes))
        }
        return steps
    }

    /// What the mapper makes of the example when the rule has got as far as this.
    private static func value(
        of rule: FieldSpec, _ test: PipelineTest, _ plan: PipelinePlan
    ) throws(MigratezError) -> Value {
        let record = try TestRecord(test.given, of: test, in: plan) { object in
            object.filter = nil
            object.fields = [rule]
        }
        let (outcome, fields) = try record.mapped()
        if case .rejected(let rejection) = outcome {
            return .rejected(words(for: rejection))
        }
        return fields[rule.target]?.readableText.map { .text($0) } ?? .nothing
    }
}
