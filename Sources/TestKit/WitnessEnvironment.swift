// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Dispatch
import FoundationEssentials

/// A Python environment with the pinned packages of `Tests/Witnesses/<name>/requirements.txt`, in `.build/witnesses/<name>`.
///
/// Opt-in, because it downloads packages on its first run: `MIGRATEZ_WITNESSES=1`.
package struct WitnessEnvironment: Sendable {
    private let name: String
    /// The folder with the environment's programs.
    package var programs: String { "\(folder)/bin" }
    private var folder: String { repositoryRoot.appending(path: ".build/witnesses/\(name)").path }

    /// - Parameter name: a folder below `Tests/Witnesses`.
    package init(_ name: String) { self.name = name }

    package static var isEnabled: Bool {
        ProcessInfo.processInfo.environment["MIGRATEZ_WITNESSES"] == "1" && isInstalled("python3")
    }

    package static let reason = "set MIGRATEZ_WITNESSES=1 and install python3 to run it"

    /// Makes the environment unless it is there with the same packages, then runs a command of the shell in which `$python`
    /// is the environment's own.
    ///
    /// - Returns: the exit code, and what was said on both outputs.
    package func run(_ command: String) async -> (status: Int, output: String) {
        let requirements = repositoryRoot.appending(path: "Tests/Witnesses/\(name)/requirements.txt").path
        let whole = """
            set -e; exec 2>&1; python='\(programs)/python'
            if ! cmp -s '\(requirements)' '\(folder)/installed.txt'; then
                python3 -m venv --clear '\(folder)'
                "$python" -m pip --quiet install --disable-pip-version-check -r '\(requirements)'
                cp '\(requirements)' '\(folder)/installed.txt'
            fi
            \(command)
            """
        // Waiting for a process would hold one of the few threads that a simulator runs on.
        return await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                let (status, output) = shell(whole)
                continuation.resume(returning: (status, String(decoding: output, as: UTF8.self)))
            }
        }
    }
}
