// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel
import Subprocess

/// Fetches what references lead to. What it fetches is never part of an error.
package struct ReferenceResolver: Sendable {
    /// Bytes of a secret file or of a command's output; a private key has about four thousand.
    static let bytesMax = 64 << 10

    private let environment: [String: String]
    private let folder: String
    private let commandTimeout: Duration
    private let clock: any WallClock

    /// - Parameters:
    ///   - folder: the absolute folder that relative paths start from: that of the pipeline file.
    ///   - commandTimeout: how long a command may take; a password manager may ask its owner to unlock it.
    package init(
        environment: [String: String], folder: String, commandTimeout: Duration = .seconds(60),
        clock: any WallClock = SystemWallClock()
    ) {
        self.environment = environment
        self.folder = folder
        self.commandTimeout = commandTimeout
        self.clock = clock
    }

    /// Why a reference leads to nothing, lower case.
    struct Failure: Error {
        var reason: String
    }

    func text(of reference: Reference) async throws(Failure) -> String {
        switch reference {
        case .environment(let name, let fallback):
            // As in a shell, `:-` stands in for a variable that is unset or empty.
            if let value = environment[name], !value.isEmpty { return value }
            if let fallback { return fallback }
            throw Failure(reason: "the environment variable \(name) is not set")
        case .file(let path):
            return try contents(of: path.hasPrefix("/") ? path : "\(folder)/\(path)", named: "the file \(path)")
        case .credential(let name):
            // systemd.exec(5), "CREDENTIALS": the folder is in $CREDENTIALS_DIRECTORY.
            guard let folder = environment["CREDENTIALS_DIRECTORY"] else {
                throw Failure(reason: "there are no systemd credentials here (CREDENTIALS_DIRECTORY is not set)")
            }
            return try contents(of: "\(folder)/\(name)", named: "the credential \(name)")
        case .command(let command): return try await output(of: command)
        }
    }

    /// The text of a template with its references fetched.
    func text(of template: ReferenceTemplate) async throws(Failure) -> String {
        var text = ""
        for part in template.parts {
            switch part {
            case .literal(let literal): text += literal
            case .reference(let reference): text += try await self.text(of: reference)
            }
        }
        return text
    }

    private func contents(of path: String, named name: String) throws(Failure) -> String {
        let bytes: [UInt8]
        do { bytes = try PipelineFile.contents(of: path) } catch {
            throw Failure(reason: "\(name) cannot be read")
        }
        return try Self.text(of: bytes, from: name)
    }

    private func output(of command: String) async throws(Failure) -> String {
        // The command's own name is enough to find it; its arguments may say more than a log should know.
        let name = "the command '\(command.prefix { $0 != " " })'"
        let bytes: [UInt8]?
        do { bytes = try await run(command) } catch {
            throw Failure(reason: "\(name) cannot be run or printed more than 64 KiB")
        }
        guard let bytes else { throw Failure(reason: "\(name) failed or did not end in time") }
        return try Self.text(of: bytes, from: name)
    }

    /// What a command prints, or `nil` if it fails or takes too long. Its error output is not kept.
    private func run(_ command: String) async throws -> [UInt8]? {
        try await withThrowingTaskGroup(of: [UInt8]?.self) { group in
            group.addTask {
                let result = try await Subprocess.run(
                    .name("sh"), arguments: ["-c", command], input: .none, output: .bytes(limit: Self.bytesMax),
                    error: .discarded)
                return result.terminationStatus.isSuccess ? result.standardOutput : nil
            }
            group.addTask { [clock, commandTimeout] in
                try await clock.sleep(for: commandTimeout)
                return nil
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
    }

    /// The text of a secret without the line break that editors and programs put at its end.
    private static func text(of bytes: [UInt8], from name: String) throws(Failure) -> String {
        guard bytes.count <= bytesMax else { throw Failure(reason: "\(name) has more than 64 KiB") }
        guard var text = String(validating: bytes, as: UTF8.self) else { throw Failure(reason: "\(name) is not text") }
        if text.last?.isNewline == true { text.removeLast() }
        guard !text.isEmpty else { throw Failure(reason: "\(name) is empty") }
        return text
    }
}
