// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezModel
import MigratezTransform

/// What a run of a plan would do, for people.
package struct PlanSummary: Sendable {
    /// One object of the source and what becomes of it.
    package struct Row: Sendable {
        package var stream: String
        package var target: String
        /// About how many records there are, if the source can tell.
        package var records: Int?
        package var fields: Int
        /// The way of writing that the destination would choose.
        package var route: String
    }

    package var rows: [Row]
    /// Fields that would be created in the destination first: `Contact.Migratez_Id__c`.
    package var creations: [String]

    package init(_ connection: PlanConnection, _ setup: RunSetup) {
        rows = connection.plan.transform.objects.map { object in
            let records = setup.totals[object.stream]
            return Row(
                stream: object.stream.text, target: object.target, records: records, fields: object.fields.count,
                route: connection.destination.route(for: object.target, expectedRows: records ?? 0).name)
        }
        creations = setup.creations.map { "\($0.object).\($0.field.name)" }
    }
}
