// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezTestKit
import Testing

/// Sessions of real people with the program, word by word: `fixtures/cli/<name>/session.txt` holds what is typed after
/// `$ ` and what must appear below it. `RECORD=1` writes down what appears now.
@Suite(.serialized, .enabled(if: Transcript.isBuilt, "the program has not been built beside the tests"))
struct TranscriptTests {
    @Test(arguments: ["issues"]) func `a session reads as it is written down`(_ name: String) async throws {
        let transcript = try Transcript(name)
        try await withTemporaryFolder { folder in
            let played = try transcript.play(in: folder)
            if ProcessInfo.processInfo.environment["RECORD"] == "1" {
                try played.write(toFile: transcript.path, atomically: true, encoding: .utf8)
            }
            for (number, (found, wanted)) in zip(lines(played), lines(transcript.text)).enumerated() {
                #expect(found == wanted, "\(name)/session.txt:\(number + 1)")
            }
            #expect(lines(played).count == lines(transcript.text).count)
        }
    }

    private func lines(_ text: String) -> [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }
}

/// A session that is written down, with the files that it begins with beside it.
private struct Transcript {
    let folder: String
    let text: String

    var path: String { "\(folder)/session.txt" }

    static let program = repositoryRoot.appending(path: ".build/debug").path
    static var isBuilt: Bool { FileManager.default.isExecutableFile(atPath: "\(program)/migratez") }

    init(_ name: String) throws {
        folder = repositoryRoot.appending(path: "fixtures/cli/\(name)").path
        text = try String(contentsOfFile: "\(folder)/session.txt", encoding: .utf8)
    }

    /// Types each command in turn; ids of runs, paths and times are replaced by what stands for them.
    func play(in place: String) throws -> String {
        for file in try FileManager.default.contentsOfDirectory(atPath: folder) where file != "session.txt" {
            try FileManager.default.copyItem(atPath: "\(folder)/\(file)", toPath: "\(place)/\(file)")
        }
        var played = ""
        for line in text.split(separator: "\n") where line.hasPrefix("$ ") {
            let command = String(line.dropFirst(2))
            let runs = try? FileManager.default.contentsOfDirectory(atPath: "\(place)/state/migratez/runs")
            let script = """
                cd '\(place)' && env -i PATH='\(Self.program)':/usr/bin:/bin XDG_STATE_HOME='\(place)/state' \
                RUN='\(runs?.first ?? "")' sh -c '\(command.replacing("'", with: "'\\''"))' </dev/null 2>&1
                """
            let result = shell(script)
            played += "$ \(command)\n" + String(decoding: result.output, as: UTF8.self)
            if result.status != 0 { played += "(exit \(result.status))\n" }
            played += "\n"
        }
        let runs = try FileManager.default.contentsOfDirectory(atPath: "\(place)/state/migratez/runs")
        for run in runs { played = played.replacing(run, with: "7f3a91c2") }
        return played.replacing(place, with: "/home/ada")
            .replacing(/[ ]{2}\d+m?s[ ]{2}exit/, with: "  1s  exit")
    }
}
