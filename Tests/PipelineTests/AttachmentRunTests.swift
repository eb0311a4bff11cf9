// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezDynamicsSimulator
import MigratezJSON
import MigratezModel
import MigratezPipeline
import MigratezSimulatorKit
import MigratezStaging
import MigratezSyntheticCRM
import MigratezTestKit
import Testing

/// Sent and received e-mails with what hangs on them, from one environment of Dynamics 365 to another.
@Suite(.serialized) struct `E-mails with their attachments` {
    private static let pipeline = """
        migratez: 1
        name: emails
        source:
          connector: dynamics
          base_url: "${env:FROM}"
          login_url: "${env:FROM}"
          auth: { tenant: acme.test, client_id: migratez, client_secret: "${env:SECRET}" }
        target:
          connector: dynamics
          base_url: "${env:INTO}"
          login_url: "${env:INTO}"
          auth: { tenant: acme.test, client_id: migratez, client_secret: "${env:SECRET}" }
        staging: { dir: ./staging }
        objects:
          email:
            to: email
            fields:
              { subject: subject, description: description, statecode: statecode, statuscode: statuscode }
          activitymimeattachment:
            to: activitymimeattachment
            content: body
            fields: { filename: filename, mimetype: mimetype }
        links:
          - { from: activitymimeattachment, to: email, as: activitymimeattachment.objectid }
        verify: { contents: all }

        """

    @Test func `arrive byte for byte, and the e-mails are closed as they were`() async throws {
        let clock = HurriedClock()
        let crm = SyntheticCRM(seed: 9, counts: .init(files: 12, emails: 40))
        let first = try DynamicsSimulator(crm, clock: clock)
        let second = try DynamicsSimulator(clock: clock)
        try await TwoAccounts.with(first, second, clock: clock) { try await check($0, first, second) }
    }

    private func check(
        _ accounts: TwoAccounts, _ first: DynamicsSimulator, _ second: DynamicsSimulator
    ) async throws {
        let (connection, setup) = try await accounts.connect(Self.pipeline)
        let run = try await Run.begin(connection, in: accounts.workplace) { _ in }
        try await RunExecution(run, setup, progress: SilentProgress()).execute([.extract, .transform, .load])
        try await expectAllArrived(run)
        #expect(try Self.attachments(second) == Self.attachments(first))
        #expect(try Self.states(second) == Self.states(first))
        let balances = try await RunUndo(run).execute(isDryRun: false)
        #expect(balances.allSatisfy { $0.isClosed && $0[.deleted] == $0.created }, "\(balances)")
        for table in ["email", "activitymimeattachment"] { #expect(try second.count(of: table) == 0) }
        try await run.close()
    }

    /// Subject of the e-mail, name and size of each attachment.
    private static func attachments(_ environment: DynamicsSimulator) throws -> [[String]] {
        let emails = Dictionary(
            try environment.records(of: "email").map { ($0["activityid"]?.text ?? "", $0["subject"]?.text ?? "") },
            uniquingKeysWith: { $1 })
        let attachments = try environment.records(of: "activitymimeattachment").map { attachment in
            [
                emails[attachment["_objectid_value"]?.text ?? ""] ?? "no e-mail",
                attachment["filename"]?.text ?? "", attachment["filesize"]?.text ?? "",
            ]
        }
        #expect(attachments.count > 10)
        return attachments.sorted { $0.lexicographicallyPrecedes($1) }
    }

    private static func states(_ environment: DynamicsSimulator) throws -> [String] {
        try environment.records(of: "email").map { email in
            "\(email["subject"]?.text ?? "") \(email["statecode"]?.text ?? "") \(email["statuscode"]?.text ?? "")"
        }.sorted()
    }
}
