// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

/// The facts about one run that templates may use. They are fixed when the run begins, so that a resumed run maps the
/// same record to the same bytes.
package struct RunVariables: Sendable, Equatable {
    package var started: Timestamp
    package var id: String
    package var pipeline: String

    package init(started: Timestamp, id: String, pipeline: String) {
        self.started = started
        self.id = id
        self.pipeline = pipeline
    }

    package subscript(variable: RunVariable) -> String {
        switch variable {
        case .date: String(started.description.prefix(10))
        case .dateTime: started.description
        case .id: id
        case .name: pipeline
        }
    }
}
