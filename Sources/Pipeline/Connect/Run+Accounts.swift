// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezModel
import MigratezStaging

extension Run {
    /// Makes sure that the run still has to do with the account that it began with: settings are often references, which
    /// may lead elsewhere by now although the pipeline file is the same.
    ///
    /// The first call for a side notes the account.
    /// - Throws: `accountChanged`.
    func checkAccount(_ side: PipelineSide) async throws {
        let identity =
            switch side {
            case .source: try await source.identity()
            case .target: try await destination.identity()
            }
        let key = "account.\(side.rawValue)"
        let noted = try await staging.manifest.commit { transaction -> String in
            if let noted = try transaction.note(key) { return noted }
            try transaction.setNote(key, identity)
            return identity
        }
        guard noted == identity else {
            throw MigratezError(
                .accountChanged, "run \(id) began with \(noted) as its \(side.rawValue), but now it is \(identity)",
                remedy: .fixConfiguration,
                hint: "set what \(plan.file) refers to as it was (migratez connect list \(plan.file)), "
                    + "or begin a new run")
        }
    }
}
