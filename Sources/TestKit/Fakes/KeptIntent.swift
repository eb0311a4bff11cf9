// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit

/// Keeps the last note, as the staging does: what can hold no key is found by it after a crash.
package actor KeptIntent: WriteIntent {
    package private(set) var last: String?

    package init() {}

    package func note(_ note: String) { last = note }
}
