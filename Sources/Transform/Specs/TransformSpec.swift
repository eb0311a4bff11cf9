// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

/// What the transform stage does to the records and links of a run: the pipeline file's `objects`, `links`, `values`,
/// `people` and `vars`, checked.
package struct TransformSpec: Sendable, Equatable {
    /// In the order of the pipeline file.
    package var objects: [ObjectSpec]
    package var links: [LinkSpec]
    /// By the name that fields refer to them with.
    package var values: [String: ValueMapSpec]
    /// The owner map that all objects share; `nil` if no field is a person.
    package var people: PeopleSpec?
    /// Constants that expressions and templates may use as `vars.<name>`.
    package var vars: [String: String]
    /// Whether only some of the source's records are read: what a link leads to may then exist all the same.
    package var isLimited = false

    package init(
        objects: [ObjectSpec], links: [LinkSpec] = [], values: [String: ValueMapSpec] = [:], people: PeopleSpec? = nil,
        vars: [String: String] = [:]
    ) {
        self.objects = objects
        self.links = links
        self.values = values
        self.people = people
        self.vars = vars
    }

    /// The object whose records come from `stream`.
    package func object(_ stream: StreamName) -> ObjectSpec? { objects.first { $0.stream == stream } }
}
