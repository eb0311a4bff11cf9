// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import Glibc
import MigratezTestKit
import Testing

/// What others on the machine can learn of a run under way, and what is left of one that crashes.
@Suite(.serialized, .enabled(if: Program.isBuilt, "the program has not been built beside the tests"))
struct `A process with secrets in it` {
    /// Ends the run that is under way with a crash signal, as if it had crashed there: its token is in memory and in use.
    @Test(arguments: [SIGSEGV, SIGABRT, SIGTRAP, SIGILL, SIGBUS, SIGFPE, SIGQUIT])
    func `crashes without showing its memory`(_ signal: Int32) async throws {
        try await AccountWorld.with { world in
            // What Swift's runtime would print if it were let.
            let backtrace = ["SWIFT_BACKTRACE": "enable=yes,registers=all,threads=all,interactive=no,color=no"]
            var said = ""
            var hasCrashed = false
            let environment = world.environment.merging(backtrace) { _, new in new }
            let options = ["-vv", "--log-file", "\(world.folder)/log"]
            let status = try Program.follow(world.slowRun + options, environment) { line, process in
                said += line + "\n"
                guard !hasCrashed, line.contains("\"type\":\"stage\"") else { return }
                hasCrashed = true
                kill(process.processIdentifier, signal)
            }
            #expect(status == signal, "the signal ended it")
            #expect(said.contains("MZ-BUG-01: the program crashed") && said.contains("migratez resume"))
            #expect(!said.contains("Backtrac") && !said.contains("Thread 0"), "\(said.suffix(400))")
            let everywhere = shell(
                "grep -raol '\(AccountWorld.token)' '\(world.folder)'; find '\(world.folder)' -name 'core*'")
            #expect(String(decoding: everywhere.output, as: UTF8.self) == "")
            #expect(!said.contains(AccountWorld.token))
            #expect(Program.run("resume --quiet", world.text).status == 0)
        }
    }

    /// proc(5): the files of a process that is not dumpable belong to root, and ptrace(2) refuses it to its own user.
    @Test func `cannot be traced, dumps no core, and shows no secret in its arguments`() async throws {
        try await AccountWorld.with { world in
            var seen: (owner: Int, limits: String, arguments: String)?
            _ = try Program.follow(world.slowRun, world.environment) { line, process in
                guard seen == nil, line.contains("\"type\":\"stage\"") else { return }
                let folder = "/proc/\(process.processIdentifier)"
                let read = { (name: String) in String(decoding: shell("cat \(folder)/\(name)").output, as: UTF8.self) }
                let owner = try FileManager.default.attributesOfItem(atPath: "\(folder)/mem")[.ownerAccountID] as? Int
                seen = (owner ?? -1, read("limits"), read("cmdline"))
                process.interrupt()
            }
            let found = try #require(seen)
            #expect(found.owner == 0)
            #expect(found.limits.contains(/Max core file size +0 +0/))
            #expect(found.arguments.contains("hubspot-to-ndjson.yaml"))
            #expect(!found.arguments.contains(AccountWorld.token))
        }
    }

    /// As root, who may trace anything, another user has to try.
    @Test(.enabled(if: geteuid() == 0, "needs root, to become somebody else"))
    func `cannot be traced by the user who runs it`() async throws {
        try await withTemporaryFolder { folder in
            let program = "\(folder)/migratez"
            // A user of its own has no way into this one's folders.
            try FileManager.default.copyItem(atPath: Program.path, toPath: program)
            let result = shell(
                """
                chmod 755 '\(folder)' '\(program)'
                as_nobody="setpriv --reuid=65534 --regid=65534 --clear-groups env -i HOME=/nonexistent"
                $as_nobody '\(program)' simulate hubspot --records 1 >'\(folder)/out' 2>&1 &
                for _ in $(seq 200); do grep -q http: '\(folder)/out' && break; sleep 0.05; done
                pid=$!
                stat -c %u /proc/$pid/mem
                setpriv --reuid=65534 --regid=65534 --clear-groups cat /proc/$pid/environ 2>&1
                kill $pid; wait $pid
                """)
            let text = String(decoding: result.output, as: UTF8.self)
            #expect(text.hasPrefix("0\n"), "its memory belongs to root: \(text)")
            #expect(text.contains("Permission denied"))
        }
    }

    @Test func `writes what only its owner may read`() async throws {
        try await AccountWorld.with(records: 200) { world in
            #expect(
                Program.run("run '\(world.pipeline)' --quiet --log-file '\(world.folder)/log'", world.text).status == 0)
            let open = shell(
                "find '\(world.folder)/state' '\(world.folder)/staging' '\(world.folder)/out' '\(world.folder)/log' -perm /077"
            )
            #expect(String(decoding: open.output, as: UTF8.self) == "")
        }
    }
}
