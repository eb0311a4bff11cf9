// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezTestKit
import Testing

/// Rules of the house that a compiler does not check. Each failure names the file and the line.
@Suite struct `Repository rules` {
    static let sources = swiftFiles(under: "Sources")
    static let tests = swiftFiles(under: "Tests")

    @Test func `no file is longer than 700 lines`() {
        for file in Self.sources + Self.tests {
            #expect(file.lines.count <= 700, "\(file.path) has \(file.lines.count) lines")
        }
    }

    @Test func `every file begins with the licence and the project`() {
        for file in Self.sources + Self.tests {
            #expect(file.lines.first == "// SPDX-License-Identifier: Apache-2.0", "\(file.path)")
            #expect(file.lines.dropFirst().first?.hasPrefix("// Part of Migratez") == true, "\(file.path)")
        }
    }

    /// Text that must not stand in Sources, why, and the files that are excepted with their reason.
    static let banned: [(text: String, why: String, except: [String: String])] = [
        ("Task.detached", "tasks are structured", [:]),
        ("Task {", "tasks are structured", Exceptions.unstructuredTasks),
        ("try!", "a failure is handled or passed on", [:]),
        ("as!", "a cast that can fail is handled", [:]),
        ("fatalError(", "use precondition with a sentence, or throw", [:]),
        ("print(", "the program speaks through its console", Exceptions.printing),
        ("Date()", "the time comes from a WallClock", [:]),
        ("Thread.sleep", "waiting is done through a WallClock", [:]),
        ("TODO", "an open end belongs in an issue", Exceptions.openEnds),
        ("FIXME", "an open end belongs in an issue", [:]),
        ("RandomSource.$simulated", "keys are random outside of tests", [:]),
        ("Manifest.$worksInPlace", "the manifest has a queue of its own outside of tests", [:]),
        ("JSONSerialization", "our own scanner reads JSON", [:]),
        ("JSONDecoder", "our own scanner reads JSON", Exceptions.foundationJSON),
    ]

    @Test(arguments: banned.indices) func `banned calls do not occur`(_ index: Int) {
        let rule = Self.banned[index]
        for file in Self.sources where rule.except[file.path] == nil {
            for (number, line) in file.lines.enumerated() where Self.code(in: line).containsWord(rule.text) {
                Issue.record("\(file.path):\(number + 1): \(rule.text): \(rule.why)")
            }
        }
    }

    @Test func `every unchecked promise to the compiler is preceded by its reason`() {
        for file in Self.sources {
            for (number, line) in file.lines.enumerated() {
                let code = Self.code(in: line)
                guard code.contains("@unchecked Sendable") || code.contains("nonisolated(unsafe)") else { continue }
                let before = file.lines[max(0, number - 6)..<number]
                #expect(
                    before.contains { $0.trimmingCharacters(in: .whitespaces).hasPrefix("//") },
                    "\(file.path):\(number + 1) has no reason above it")
            }
        }
    }

    @Test func `every module has its paragraph in the module map`() throws {
        let map = try String(contentsOf: repositoryRoot.appending(path: "Sources/README.md"), encoding: .utf8)
        let manifest = try String(contentsOf: repositoryRoot.appending(path: "Package.swift"), encoding: .utf8)
        for match in manifest.matches(of: /module\(\s*"([A-Za-z\/]+)"/) {
            #expect(map.contains("`\(match.1)`"), "\(match.1) is not in Sources/README.md")
        }
    }

    @Test func `no folder is empty but for a placeholder`() {
        for file in Self.sources + Self.tests {
            #expect(!file.path.hasSuffix("/Placeholder.swift"), "\(file.path)")
        }
    }

    /// The part of a line before a comment begins.
    private static func code(in line: String) -> Substring {
        line.range(of: "//").map { line[..<$0.lowerBound] } ?? line[...]
    }

    struct File: Sendable {
        var path: String
        var lines: [String]
    }

    private static func swiftFiles(under folder: String) -> [File] {
        let base = repositoryRoot.appending(path: folder)
        let paths = FileManager.default.enumerator(atPath: base.path)?.compactMap { $0 as? String } ?? []
        return paths.filter { $0.hasSuffix(".swift") }.sorted().compactMap { path in
            guard let text = try? String(contentsOf: base.appending(path: path), encoding: .utf8) else { return nil }
            return File(
                path: "\(folder)/\(path)",
                lines: text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init).dropLast())
        }
    }
}

extension Substring {
    /// Whether the text occurs other than as the end of a longer name: `Task {` is not in `addTask {`.
    fileprivate func containsWord(_ text: String) -> Bool {
        ranges(of: text).contains { range in
            guard range.lowerBound > startIndex else { return true }
            let before = self[index(before: range.lowerBound)]
            return !(before.isLetter || before.isNumber || before == "_")
        }
    }
}

/// Files that may break a rule, each with the reason.
private enum Exceptions {
    static let unstructuredTasks: [String: String] = [:]
    static let openEnds = ["Sources/Simulators/SyntheticCRM/Activities.swift": "TODO is a type of task in HubSpot"]
    static let foundationJSON = [
        "Sources/Staging/Shredding/CertificateFiles.swift":
            "a certificate is read once, after its signature was checked"
    ]
    static let printing: [String: String] = ["Sources/CLI/Console.swift": "it is the console"]
}
