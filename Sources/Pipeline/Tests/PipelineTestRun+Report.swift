// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezTransform

/// What people are told about the tests of a file.
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

    /// The word for what became of the record: `mapped`.
    package var outcomeName: String {
        switch outcome {
        case .mapped: "mapped"
        case .filtered: "filtered"
        case .rejected: "rejected"
        }
    }

    /// Why it was rejected: `MZ-REQ-01`.
    package var code: String? {
        if case .rejected(let rejection) = outcome { rejection.code.description } else { nil }
    }
}
