// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import Glibc
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

    /// Runs it on a terminal of its own, where somebody has typed these lines.
    static func type(
        _ lines: [String], into arguments: [String], _ environment: [String: String]
    ) throws -> (status: Int32, text: String) {
        var (keyboard, terminal): (Int32, Int32) = (-1, -1)
        guard openpty(&keyboard, &terminal, nil, nil, nil) == 0 else {
            throw POSIXError(.init(rawValue: errno) ?? .EIO)
        }
        let screen = Pipe()
        let process = Process()
        process.executableURL = URL(filePath: path)
        process.arguments = arguments
        process.environment = environment.merging(["PATH": "/usr/bin:/bin"]) { given, _ in given }
        process.standardInput = FileHandle(fileDescriptor: terminal, closeOnDealloc: true)
        process.standardOutput = screen
        process.standardError = screen
        let hand = FileHandle(fileDescriptor: keyboard, closeOnDealloc: true)
        // A terminal keeps what is typed ahead; Ctrl-D ends the input behind it.
        try hand.write(contentsOf: Data((lines.map { $0 + "\n" }.joined() + "\u{4}").utf8))
        try process.run()
        let output = try screen.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: output, as: UTF8.self))
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
