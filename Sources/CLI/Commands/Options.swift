// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import ArgumentParser
import Foundation
import MigratezModel
import MigratezPipeline
import MigratezTransport

/// Options that every command has.
struct CommonOptions: ParsableArguments {
    @Option(name: [.customShort("C"), .customLong("directory")], help: "Work as if started in this folder.")
    var directory: String?

    @Option(help: "Read environment variables (NAME=value lines) from this file; real ones win.")
    var envFile: String?

    /// The surroundings that the command works in.
    func workplace(adding variables: [String: String] = [:]) throws -> Workplace {
        if let directory, !FileManager.default.changeCurrentDirectoryPath(directory) {
            throw MigratezError(
                .fileNotFound, "there is no folder \(directory)", remedy: .fixConfiguration, hint: "look at -C")
        }
        var environment = try envFile.map { try Self.variables(in: $0) } ?? [:]
        environment.merge(ProcessInfo.processInfo.environment) { _, real in real }
        environment.merge(variables) { _, added in added }
        return try Workplace.system(environment: environment)
    }

    private static func variables(in path: String) throws -> [String: String] {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
            throw MigratezError(
                .fileNotFound, "cannot read \(path)", remedy: .fixConfiguration, hint: "look at --env-file")
        }
        var variables: [String: String] = [:]
        for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let line = line.trimmingCharacters(in: .whitespaces)
            if line.isEmpty || line.hasPrefix("#") { continue }
            guard let equals = line.firstIndex(of: "="), equals != line.startIndex else {
                throw MigratezError(
                    .invalidSetting, "\(path):\(number + 1): not NAME=value", remedy: .fixConfiguration)
            }
            variables[String(line[..<equals])] = String(line[line.index(after: equals)...])
        }
        return variables
    }
}

/// The run that a command is about.
struct RunArgument: ParsableArguments {
    @Argument(help: "The run, by its id or the first digits of it; without it, the newest.")
    var run: String?
}

extension Workplace {
    /// The run that was named, with its connection; asks nobody anything yet.
    func open(_ reference: RunArgument) async throws -> (entry: RunRegistry.Entry, connection: PlanConnection) {
        let entry = try RunRegistry(self).find(reference.run)
        return (entry, try await PlanConnection.open(entry.pipeline, in: self))
    }
}
