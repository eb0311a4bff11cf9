// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Dispatch
import FoundationEssentials
import MigratezTestKit

/// Runs a vendor's or third party's client, unmodified, against a simulator: `Tests/Witnesses/<name>/check.py BASE_URL`
/// in a Python environment of its own with the pinned packages of `requirements.txt`.
///
/// Opt-in, because it downloads packages on its first run: `MIGRATEZ_WITNESSES=1`.
enum WitnessRunner {
    static var isEnabled: Bool {
        ProcessInfo.processInfo.environment["MIGRATEZ_WITNESSES"] == "1" && isInstalled("python3")
    }

    static let reason = "set MIGRATEZ_WITNESSES=1 and install python3 to run it"

    /// - Returns: the exit code, and what the script said on both outputs.
    static func run(_ name: String, baseURL: String) async -> (status: Int, output: String) {
        let script = repositoryRoot.appending(path: "Tests/Witnesses/\(name)").path
        let environment = repositoryRoot.appending(path: ".build/witnesses/\(name)").path
        let command = """
            set -e; exec 2>&1; python='\(environment)/bin/python'
            if ! cmp -s '\(script)/requirements.txt' '\(environment)/installed.txt'; then
                python3 -m venv --clear '\(environment)'
                "$python" -m pip --quiet install --disable-pip-version-check -r '\(script)/requirements.txt'
                cp '\(script)/requirements.txt' '\(environment)/installed.txt'
            fi
            timeout 180 "$python" '\(script)/check.py' '\(baseURL)'
            """
        // Waiting for a process would hold one of the few threads that the simulator itself runs on.
        return await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                let (status, output) = shell(command)
                continuation.resume(returning: (status, String(decoding: output, as: UTF8.self)))
            }
        }
    }
}
