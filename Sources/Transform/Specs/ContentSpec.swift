// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

/// That the records of an object come with their content, the bytes of a file.
package struct ContentSpec: Sendable, Equatable {
    /// The destination's field that takes the bytes.
    package var target: String
    /// A larger file is not moved, and its record is rejected; `nil` = what the destination takes.
    package var bytesMax: ByteCount?

    package init(target: String, bytesMax: ByteCount? = nil) {
        self.target = target
        self.bytesMax = bytesMax
    }
}
