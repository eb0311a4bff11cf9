// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import ArgumentParser
import MigratezModel

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The program: picks the command, and turns what ends it into a message and an exit code.
@main
struct Migratez: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migratez",
        abstract: "Moves a whole CRM, proves that nothing was lost, leaves nothing behind.",
        discussion: """
            EXAMPLE
              migratez run pipelines/hubspot-to-salesforce.yaml

            \(ExitCode.table)
            """,
        groupedSubcommands: [
            CommandGroup(
                name: "Start",
                subcommands: [
                    InitCommand.self, DemoCommand.self, SimulateCommand.self, DoctorCommand.self,
                    CompletionsCommand.self, VersionCommand.self,
                ]),
            CommandGroup(
                name: "Check",
                subcommands: [
                    ConnectorsCommand.self, ConnectCommand.self, DiscoverCommand.self, MapCommand.self,
                    LintCommand.self, TestCommand.self,
                    PlanCommand.self, SampleCommand.self, ExplainCommand.self, FunctionsCommand.self,
                    SchemaCommand.self, BenchCommand.self,
                ]),
            CommandGroup(
                name: "Run",
                subcommands: [
                    RunCommand.self, ExtractCommand.self, TransformCommand.self, LoadCommand.self, ResumeCommand.self,
                    PauseCommand.self, CancelCommand.self, StatusCommand.self, LogsCommand.self,
                ]),
            CommandGroup(name: "Fix", subcommands: [ChunksCommand.self, IssuesCommand.self, UndoCommand.self]),
            CommandGroup(
                name: "Prove",
                subcommands: [
                    VerifyCommand.self, ReportCommand.self, ConfirmCommand.self, ShredCommand.self,
                    RetainCommand.self, PurgeCommand.self, CertificateCommand.self, AuditCommand.self,
                ]),
            CommandGroup(name: "Protect", subcommands: [KeysCommand.self, SubjectCommand.self]),
        ])

    static func main() async {
        ProcessHygiene.apply()
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch let error as MigratezError {
            Console().fail(error)
            FailedAuthentication.note(error)
            leave(ExitCode(error).rawValue)
        } catch let interruption as Interruption {
            leave(interruption.exitCode.rawValue)
        } catch is CancellationError {
            leave(ExitCode.interrupted.rawValue)
        } catch {
            // Usage errors, `--help`, and an `ExitCode` thrown by a command.
            guard let meant = CommandSpelling.suggestion(for: Array(CommandLine.arguments.dropFirst())) else {
                exit(withError: error)
            }
            Console().fail(usage: fullMessage(for: error), hint: "did you mean '\(meant)'?")
            leave(exitCode(for: error).rawValue)
        }
    }

    /// Ends the process with a code.
    static func leave(_ code: Int32) -> Never { exit(ExitCode(code)) }

    private static func exit(_ code: ExitCode) -> Never { exit(withError: code) }
}
