// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezTestKit
import Testing

/// Two processes and one run; `scripts/torture --limits` measures how soon the second one is refused.
@Suite(.serialized, .enabled(if: Program.isBuilt, "the program has not been built beside the tests"))
struct `The owner of a run` {
    @Test func `is the only one, and a killed one is followed by the next`() async throws {
        try await AccountWorld.with { world in
            var isTried = false
            let status = try Program.follow(world.slowRun, world.environment) { line, owner in
                guard !isTried, line.contains("\"type\":\"stage\"") else { return }
                isTried = true
                for arguments in ["resume", "chunks retry"] {
                    let second = world.run(arguments)
                    #expect(second.status == 74, "\(arguments): \(second.text)")
                    #expect(
                        second.text.contains("MZ-STAGE-05: process \(owner.processIdentifier) works on this run"),
                        "\(arguments): \(second.text)")
                    #expect(second.text.contains("hint: wait for it to end"), "\(arguments): \(second.text)")
                }
                #expect(world.run("status").status == 0, "whoever only looks is not refused")
                kill(owner.processIdentifier, SIGKILL)
            }
            #expect(isTried && status == SIGKILL)
            let resumed = world.run("resume")
            #expect(resumed.status == 0, "\(resumed.text)")
            #expect(resumed.text.contains("left the run; going on from its last commit"), "\(resumed.text)")
            #expect(world.run("verify").status == 0)
        }
    }
}
