// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezModel
import MigratezPipeline
import MigratezTestKit
import MigratezTransport
import Testing

/// What a run needs from its surroundings.
@Suite struct `The doctor` {
    private static func workplace(
        _ folder: String, _ environment: [String: String] = [:], clock: any WallClock = ManualClock()
    ) throws -> Workplace {
        try Workplace(
            environment: environment.merging(["XDG_STATE_HOME": folder]) { given, _ in given }, clock: clock,
            http: try CurlClient())
    }

    private static func plan() throws -> PipelinePlan {
        try PipelineFile.read(
            path: "\(PipelineFileFixtures.pipelinesFolder)/hubspot-to-salesforce.yaml", catalog: Connectors.catalog
        ).get()
    }

    @Test func `says where each setting comes from, what is missing, and no value`() async throws {
        try await withTemporaryFolder { folder in
            let workplace = try Self.workplace(folder, ["HUBSPOT_TOKEN": "planted-31415"])
            let origins = await Doctor(workplace).origins(of: try Self.plan())
            let token = try #require(origins.first { $0.setting == "source.auth.token" })
            #expect(token.origin == "${env:HUBSPOT_TOKEN}" && token.state == .good)
            let secret = try #require(origins.first { $0.setting == "target.auth.client_secret" })
            #expect(secret.state == .bad && secret.detail.contains("SALESFORCE_CLIENT_SECRET"))
            #expect(
                origins.contains {
                    $0.detail == "written in the file" && $0.origin.contains("hubspot-to-salesforce.yaml:")
                })
            #expect(!"\(origins)".contains("planted-31415"))
        }
    }

    @Test func `finds a machine that is fit to be so`() async throws {
        try await withTemporaryFolder { folder in
            let findings = Doctor(try Self.workplace(folder)).examine(nil)
            #expect(findings.map(\.subject) == ["state", "key", "clock", "memory", "tls"])
            #expect(findings.filter { $0.state == .bad } == [])
            #expect(!FileManager.default.fileExists(atPath: "\(folder)/migratez"), "looking makes nothing")
        }
    }

    @Test func `notices a clock that nobody has set, and a key that others can read`() async throws {
        try await withTemporaryFolder { folder in
            let clock = ManualClock(start: Timestamp(milliseconds: 1000))
            try FileManager.default.createDirectory(
                atPath: "\(folder)/migratez/keys", withIntermediateDirectories: true)
            _ = FileManager.default.createFile(
                atPath: "\(folder)/migratez/keys/root-key", contents: Data(count: 32),
                attributes: [.posixPermissions: 0o644])
            let findings = Doctor(try Self.workplace(folder, clock: clock)).examine(nil)
            #expect(findings.filter { $0.state == .bad }.map(\.subject) == ["key", "clock"])
            #expect(findings.filter { $0.state == .bad }.allSatisfy { $0.remedy != nil })
        }
    }
}
