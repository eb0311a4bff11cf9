// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezJSON
package import MigratezModel
package import MigratezTransform

/// The file's own `tests:`, run through the same mapping as a real run, without connecting anywhere.
///
/// What only a connection can tell is not known here: a field that the destination alone demands may stay empty, and
/// people are those that the test names.
package struct PipelineTestRun: Sendable {
    /// In the order of the file.
    package private(set) var results: [Result] = []

    package var failed: [Result] { results.filter { !$0.hasPassed } }

    /// What became of one test.
    package struct Result: Sendable {
        package var test: PipelineTest
        /// Where the test stands in the file.
        package var position: FilePosition
        package var outcome: MappingOutcome
        /// The fields that were to be, and are not, as they should be.
        package var differences: [Difference]

        package var hasPassed: Bool {
            switch (test.want, outcome) {
            case (.fields, .mapped): differences.isEmpty
            case (.filtered, .filtered), (.rejected, .rejected): true
            default: false
            }
        }
    }

    /// A field with the texts that were expected and found; `nil` = none.
    package struct Difference: Sendable, Equatable {
        package var field: String
        package var want: String?
        package var got: String?
    }

    /// - Throws: `invalidPipeline` if the plan cannot be made ready at all.
    package init(_ plan: PipelinePlan) throws(MigratezError) {
        for (number, test) in plan.tests.enumerated() {
            let place = ["tests", String(number)]
            let position = plan.marks.position(of: place + ["name"]) ?? plan.marks[place]
            let (outcome, fields) = try TestRecord(test.given, of: test, in: plan).mapped()
            var differences: [Difference] = []
            if case .fields(let wanted) = test.want, outcome == .mapped {
                differences = wanted.compactMap { Self.difference($0, fields[$0.key]) }
            }
            results.append(Result(test: test, position: position, outcome: outcome, differences: differences))
        }
    }

    private static func difference(_ wanted: JSONValue.Member, _ found: JSONValue?) -> Difference? {
        let found = found ?? .null
        guard !agree(wanted.value, found) else { return nil }
        return Difference(field: wanted.key, want: wanted.value.readableText, got: found.readableText)
    }

    /// Texts, numbers and truth values by their texts; lists and objects element by element.
    private static func agree(_ wanted: JSONValue, _ found: JSONValue) -> Bool {
        switch (wanted, found) {
        case (.array(let a), .array(let b)): a.count == b.count && zip(a, b).allSatisfy(agree)
        case (.object(let a), .object(let b)):
            a.count == b.count && a.allSatisfy { member in found[member.key].map { agree(member.value, $0) } ?? false }
        default: wanted.readableText == found.readableText
        }
    }
}

/// A record that stands in a file of the user's, and what the pipeline makes of it.
struct TestRecord {
    private let bytes: [UInt8]
    private let mapper: RecordMapper

    /// - Parameters:
    ///   - record: an object with the source's fields.
    ///   - edit: changes the rules, for a look at a part of them.
    init(
        _ record: JSONValue, of test: PipelineTest, in plan: PipelinePlan, _ edit: (inout ObjectSpec) -> Void = { _ in }
    ) throws(MigratezError) {
        guard var object = plan.transform.objects.first(where: { $0.stream.text == test.object }) else {
            throw MigratezError(.internalError, "a test names '\(test.object)', which the plan does not have")
        }
        edit(&object)
        // The substitute's id is known to the destination alone; their address stands for it.
        var substitute: String?
        if case .assign(let email, _) = plan.transform.people?.unmatched { substitute = email }
        let context = MappingContext(
            spec: plan.transform, run: RunVariables(started: test.started, id: "00000000", pipeline: plan.name),
            people: PeopleMap(targets: test.people, substitute: substitute))
        mapper = try RecordMapper(object, context: context)
        bytes = record.serialized()
    }

    /// The outcome and the destination's fields.
    func mapped() throws(MigratezError) -> (outcome: MappingOutcome, fields: JSONValue) {
        var output = JSONWriter()
        let outcome = try bytes.withUnsafeBufferPointer { (record) throws(MigratezError) in
            var index = RecordIndex(fields: nil)
            do throws(JSONFailure) { try index.index(record) } catch {
                throw MigratezError(.internalError, "the record of a test cannot be read: \(error)")
            }
            return mapper.map(index, record, into: &output)
        }
        guard outcome == .mapped else { return (outcome, .null) }
        return (outcome, output.bytes.withUnsafeBufferPointer { JSONValue(validated: $0) })
    }
}

extension JSONValue {
    /// The value as people read it: texts without quotes; `nil` for nothing.
    package var readableText: String? {
        switch self {
        case .null: nil
        case .string(let text), .number(let text): text
        case .bool(let value): value ? "true" : "false"
        case .array, .object: String(decoding: serialized(), as: UTF8.self)
        }
    }
}
