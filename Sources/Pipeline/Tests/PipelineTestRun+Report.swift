// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezJSON
import MigratezModel
import MigratezTransform

/// What a person and a program are told about the tests of a file.
extension PipelineTestRun.Result {
    /// Why the test failed, line by line; nothing if it passed.
    package var explanation: [String] {
        guard !hasPassed else { return [] }
        guard differences.isEmpty else {
            let width = differences.map(\.field.count).max() ?? 0
            return differences.flatMap { difference in
                let indentation = String(repeating: " ", count: width - difference.field.count)
                return [
                    "\(difference.field)\(indentation)  want  \(difference.want ?? "(nothing)")",
                    "\(String(repeating: " ", count: width))  got   \(difference.got ?? "(nothing)")",
                ]
            }
        }
        return ["want  \(wanted)", "got   \(got)"]
    }

    /// `the fields LastName, Email`
    private var wanted: String {
        switch test.want {
        case .fields(let fields): "the fields \(fields.map(\.key).joined(separator: ", "))"
        case .filtered: "filtered"
        case .rejected: "rejected"
        }
    }

    /// `rejected: MZ-REQ-01, a required field has no value (LastName)`
    private var got: String {
        switch outcome {
        case .mapped: "a mapped record"
        case .filtered: "filtered: 'where' leaves the record out"
        case .rejected(let rejection):
            "rejected: \(rejection.code), \(rejection.reason ?? rejection.code.meaning) "
                + "(\(rejection.fields.joined(separator: ", ")))"
        }
    }

    /// The result as a member of the document.
    fileprivate var document: JSONValue {
        var members: [JSONValue.Member] = [
            .init("name", .string(test.name)), .init("object", .string(test.object)),
            .init("line", .number(String(position.line))), .init("passed", .bool(hasPassed)),
        ]
        switch outcome {
        case .mapped: members.append(.init("outcome", "mapped"))
        case .filtered: members.append(.init("outcome", "filtered"))
        case .rejected(let rejection):
            members.append(.init("outcome", "rejected"))
            members.append(.init("code", .string(rejection.code.description)))
        }
        let differences = differences.map { difference -> JSONValue in
            [
                "field": .string(difference.field), "want": difference.want.map { .string($0) } ?? .null,
                "got": difference.got.map { .string($0) } ?? .null,
            ]
        }
        members.append(.init("differences", .array(differences)))
        return .object(members)
    }
}

extension PipelineTestRun {
    /// Version 1 of what `migratez test --json` prints.
    package func document(of plan: PipelinePlan) -> JSONValue {
        [
            "v": 1, "file": .string(plan.file), "passed": .number(String(results.count - failed.count)),
            "failed": .number(String(failed.count)), "tests": .array(results.map(\.document)),
        ]
    }
}
