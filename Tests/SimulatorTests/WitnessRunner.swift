// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import FoundationEssentials
import MigratezTestKit

/// Runs a vendor's or third party's client, unmodified, against a simulator: `Tests/Witnesses/<name>/check.py BASE_URL`
/// in a Python environment of its own.
enum WitnessRunner {
    static var isEnabled: Bool { WitnessEnvironment.isEnabled }
    static let reason = WitnessEnvironment.reason

    /// - Returns: the exit code, and what the script said on both outputs.
    static func run(_ name: String, baseURL: String) async -> (status: Int, output: String) {
        let script = repositoryRoot.appending(path: "Tests/Witnesses/\(name)/check.py").path
        return await WitnessEnvironment(name).run("timeout 180 \"$python\" '\(script)' '\(baseURL)'")
    }
}
