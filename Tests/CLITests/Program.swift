// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezTestKit

/// The program beside the tests.
enum Program {
    static let path = repositoryRoot.appending(path: ".build/debug/migratez").path
    static var isBuilt: Bool { FileManager.default.isExecutableFile(atPath: path) }

    /// Runs it with nothing of this machine's environment but what is given.
    static func run(_ arguments: String, _ environment: String = "HOME=/nonexistent") -> (status: Int, text: String) {
        let result = shell("env -i PATH=/usr/bin:/bin \(environment) '\(path)' \(arguments) </dev/null 2>&1")
        return (result.status, String(decoding: result.output, as: UTF8.self))
    }

    /// Runs it and gives `body` each line of its output as it is written, with the process: a test acts when the program
    /// has said that it is time, and needs no sleep.
    ///
    /// - Returns: the exit code.
    static func follow(
        _ arguments: [String], _ environment: [String: String], _ body: (String, Process) throws -> Void
    ) throws -> Int32 {
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(filePath: path)
        process.arguments = arguments
        process.environment = environment.merging(["PATH": "/usr/bin:/bin"]) { given, _ in given }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        defer { if process.isRunning { process.terminate() } }
        var rest = Data()
        while true {
            let data = pipe.fileHandleForReading.availableData
            rest += data
            while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                try body(String(decoding: rest[rest.startIndex..<end], as: UTF8.self), process)
                rest = rest[rest.index(after: end)...]
            }
            if data.isEmpty { break }
        }
        process.waitUntilExit()
        return process.terminationStatus
    }
}
