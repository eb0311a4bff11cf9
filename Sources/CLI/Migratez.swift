// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// The program.
@main
struct Migratez: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "migratez")
}
