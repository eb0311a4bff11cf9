// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import ArgumentParser
import MigratezPipeline

/// Finds the command that was probably meant by a word that is none. (For options, the argument parser does it.)
enum CommandSpelling {
    /// - Parameter arguments: of the command line, without the program.
    static func suggestion(for arguments: [String]) -> String? {
        var command: any ParsableCommand.Type = Migratez.self
        for word in arguments {
            let subcommands = command.configuration.subcommands
            // Options of the root have no values, so the first words are commands.
            if subcommands.isEmpty || word.hasPrefix("-") { return nil }
            let pairs = subcommands.compactMap { next in next.configuration.commandName.map { ($0, next) } }
            let named = Dictionary(pairs) { first, _ in first }
            guard let next = named[word] else {
                return word == "help" ? nil : Spelling.nearest(to: word, among: named.keys.sorted())
            }
            command = next
        }
        return nil
    }
}
