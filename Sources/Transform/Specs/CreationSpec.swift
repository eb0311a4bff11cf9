// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// That the destination's object is created where the destination lacks it.
package struct CreationSpec: Sendable, Equatable {
    /// What people call one record; `nil` = what the source calls the object.
    package var label: String?
    /// What people call many; `nil` = as one.
    package var plural: String?
    /// The destination's field whose value names a record; `nil` = the destination chooses one.
    package var display: String?

    package init(label: String? = nil, plural: String? = nil, display: String? = nil) {
        self.label = label
        self.plural = plural
        self.display = display
    }
}
