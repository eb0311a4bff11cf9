// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezConnectorKit
package import MigratezModel

/// What mapping must know besides an object's own rules; the same for all objects of a run.
package struct MappingContext: Sendable {
    package var spec: TransformSpec
    package var run: RunVariables
    package var people: PeopleMap
    /// The schemas of the source by stream, and of the destination by the object's name; where one is unknown, nothing
    /// is concluded from it.
    package var sourceSchemas: [StreamName: ObjectSchema]
    package var targetSchemas: [String: ObjectSchema]

    package init(
        spec: TransformSpec, run: RunVariables, people: PeopleMap = PeopleMap(),
        sourceSchemas: [StreamName: ObjectSchema] = [:], targetSchemas: [String: ObjectSchema] = [:]
    ) {
        self.spec = spec
        self.run = run
        self.people = people
        self.sourceSchemas = sourceSchemas
        self.targetSchemas = targetSchemas
    }

    package func sourceSchema(_ stream: StreamName) -> ObjectSchema? { sourceSchemas[stream] }
    package func targetSchema(_ object: String) -> ObjectSchema? { targetSchemas[object] }
}
