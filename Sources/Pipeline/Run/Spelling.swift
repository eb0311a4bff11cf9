// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel

/// What may have been meant by a name that nobody knows.
package enum Spelling {
    /// The candidate that the name is most like; `nil` if it is like none.
    package static func nearest(to name: String, among candidates: [String]) -> String? {
        closest(to: name, among: candidates)
    }
}
