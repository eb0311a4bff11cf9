// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezPipeline

/// What the organisation holds without any fault; made once.
actor Undisturbed {
    static let shared = Undisturbed()
    static let records = 90
    private var known: OrgPicture?

    func picture() async throws -> OrgPicture {
        if let known { return known }
        let made = try await MainJobWorld.with(records: Self.records) { world in
            try await world.move().close()
            return try OrgPicture(world.org)
        }
        known = made
        return made
    }
}
