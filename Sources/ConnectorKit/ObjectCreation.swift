// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

/// An object that must be created in the destination before a load, because the pipeline asks for it and the destination
/// lacks it; plans list it, `create` creates it.
package struct ObjectCreation: Sendable, Codable, Hashable {
    /// The name that the pipeline uses for it.
    package var object: String
    /// What people call one record, and many.
    package var label: String
    package var plural: String
    /// The field whose value names a record; `nil` = the destination chooses one.
    package var displayField: String?
    /// The fields that are created with it.
    package var fields: [FieldSchema]
    /// The objects that links join it with, those that are created as well included.
    package var linkedWith: [String]

    package init(
        object: String, label: String, plural: String, displayField: String? = nil, fields: [FieldSchema],
        linkedWith: [String] = []
    ) {
        self.object = object
        self.label = label
        self.plural = plural
        self.displayField = displayField
        self.fields = fields
        self.linkedWith = linkedWith
    }

    /// What a destination says that creates no objects.
    package func notSupported(by destination: String) -> MigratezError {
        MigratezError(
            .notSupported, "'\(object)' cannot be created: objects are not created in \(destination)",
            remedy: .fixConfiguration,
            hint: "create '\(object)' there by hand and take 'create' out, or name another object in 'to'")
    }
}
