// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit

/// Of a write that may be repeated: what was sent is known, and reading it back tells whether it arrived.
struct UnnotedIntent: WriteIntent {
    func note(_ note: String) async throws {}
}
