// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import ArgumentParser
import Foundation
import Logging
import MigratezModel
import MigratezPipeline
import MigratezTransport

/// How the program speaks; every command has these.
struct DisplayOptions: ParsableArguments {
    @Option(help: "Print results as text, json, csv or md.") var output: OutputFormat?
    @Flag(help: "The same as --output json.") var json = false
    @Flag(name: .shortAndLong, help: "Print results and errors only.") var quiet = false
    @Flag(name: .shortAndLong, help: "Tell more of what goes on; -vv tells each request.") var verbose: Int
    @Flag(help: "Tell everything, and what led to an error.") var debug = false
    @Option(help: "Colours: auto, always or never.") var color = ConsoleOptions.Color.auto
    @Option(help: "Progress: auto, tty (drawn in place), plain (a line a minute) or none.")
    var progress = ConsoleOptions.Progress.auto
    @Flag(help: "Never ask; end with an error where an answer is needed.") var noInput = false
    @Flag(name: .shortAndLong, help: "Answer yes to questions of yes or no.") var yes = false
    @Option(help: "Write the log as text or json, to standard error unless --log-file is given.")
    var logFormat: LogFormat?
    @Option(help: "Append the log to this file.", completion: .file()) var logFile: String?
    @Option(help: "Serve metrics for Prometheus while a run is worked on, such as 127.0.0.1:9464.")
    var metricsListen: String?

    var format: OutputFormat { json ? .json : output ?? .text }

    /// Called when the command line has been read: from here on every `Console` speaks as was asked.
    func validate() throws {
        if json, let output, output != .json {
            throw ValidationError("--json and --output \(output.rawValue) contradict each other")
        }
        if quiet, verbose > 0 || debug { throw ValidationError("--quiet contradicts --verbose and --debug") }
        ConsoleOptions.current = ConsoleOptions(
            output: format, color: color, progress: progress, verbosity: quiet ? -1 : debug ? 3 : min(verbose, 2),
            showsCauses: debug, allowsInput: !noInput, assumesYes: yes,
            metricsAddress: metricsListen)
    }

    /// Where log entries go: nowhere, unless a level, a format or a file was asked for.
    func logger(clock: any WallClock) throws(MigratezError) -> Logger {
        let level: Logger.Level = debug ? .trace : verbose >= 2 ? .debug : .info
        let console = Console()
        let write: @Sendable (String) -> Void
        if let logFile {
            let file = try LogFile(logFile)
            write = { file.write($0) }
        } else if logFormat != nil || verbose > 0 || debug {
            write = { console.log($0) }
        } else {
            return Logger(label: "migratez") { _ in SwiftLogNoOpLogHandler() }
        }
        let format = logFormat ?? .text
        return Logger(label: "migratez") { _ in LineLog(format, level: level, clock: clock, write: write) }
    }

    /// For a command whose result is text by nature.
    func requireText(_ what: String) throws {
        guard format == .text else { throw ValidationError("\(what) cannot be printed as \(format.rawValue)") }
    }
}

extension OutputFormat: ExpressibleByArgument {}
extension LogFormat: ExpressibleByArgument {}
extension ConsoleOptions.Color: ExpressibleByArgument {}
extension ConsoleOptions.Progress: ExpressibleByArgument {}

/// Options of every command that works with pipelines and runs.
struct CommonOptions: ParsableArguments {
    @OptionGroup(title: "Global options") var display: DisplayOptions

    @Option(
        name: [.customShort("C"), .customLong("directory")], help: "Work as if started in this folder.",
        completion: .directory)
    var directory: String?

    @Option(
        help: "Read environment variables (NAME=value lines) from this file; real ones win.", completion: .file())
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
        var workplace = try Workplace.system(environment: environment)
        workplace.log = try display.logger(clock: workplace.clock)
        FailedAuthentication.workplace = workplace
        return workplace
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

    init() {}
    init(_ run: String) { self.run = run }
}

extension Workplace {
    /// The run that was named, with its connection; asks nobody anything yet.
    func open(_ reference: RunArgument) async throws -> (entry: RunRegistry.Entry, connection: PlanConnection) {
        let entry = try RunRegistry(self).find(reference.run)
        return (entry, try await PlanConnection.open(entry.pipeline, in: self))
    }
}
