// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel
package import MigratezTransform

/// A pipeline file that was read and found valid in itself. Secrets are still references; whether the fields exist on
/// both sides is a check of its own (`SchemaCheck`).
package struct PipelinePlan: Sendable {
    /// The file as it was named on the command line, for messages.
    package var file: String
    /// The folder that relative paths in the file start from.
    package var folder: String
    package var name: String
    package var source: ConnectionSpec
    package var target: ConnectionSpec
    package var staging: StagingSpec
    package var limits: LimitSpec
    package var retention: RetentionSpec
    package var transform: TransformSpec
    package var gates: GateSpec
    package var delta: DeltaSpec
    package var verify: VerifySpec
    package var tests: [PipelineTest]
    /// SHA-256, lower-case hexadecimal, of the canonical form: the same for files that mean the same however they are
    /// laid out. It covers the contents of value and owner maps, but not what references resolve to.
    package var digest: String
    /// Where each part of the plan stands in the file.
    package var marks: PlanMarks
    /// For places inside expressions.
    var scalars: ScalarText
}

/// Where each part of a plan stands in its file.
package struct PlanMarks: Sendable {
    private var positions: [[String]: FilePosition] = [:]

    package init() {}

    /// The position of the part at a path of keys (sequence elements by their number), or else of the nearest part
    /// around it that has one.
    package subscript(path: [String]) -> FilePosition {
        var path = path[...]
        while true {
            if let position = positions[Array(path)] { return position }
            guard !path.isEmpty else { return FilePosition(line: 1, column: 1) }
            path = path.dropLast()
        }
    }

    /// The position of exactly this part, if it stands in the file.
    package func position(of path: [String]) -> FilePosition? { positions[path] }

    mutating func set(_ path: [String], _ position: FilePosition) { positions[path] = position }
}
