// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import ArgumentParser
import CLinux

/// How much of the machine a command may use.
struct ProcessorOptions: ParsableArguments {
    @Option(help: "Use so many processors at most; without it, all that there are.") var jobs: Int?

    /// Called when the command line has been read, before any thread but the first was started: all of them, those of
    /// libraries included, stay on these processors.
    func validate() throws {
        guard let jobs else { return }
        guard jobs > 0 else { throw ValidationError("--jobs must be at least 1") }
        guard migratez_keep_processors(CInt(clamping: jobs)) > 0 else {
            throw ValidationError("--jobs: this system does not let a program choose its processors")
        }
    }
}
