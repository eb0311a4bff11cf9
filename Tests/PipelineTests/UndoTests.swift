// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezPipeline
import MigratezSalesforceSimulator
import MigratezSimulatorKit
import MigratezStaging
import MigratezTestKit
import MigratezTransport
import Synchronization
import Testing

/// Undo between both simulated CRMs: real runs, real HTTP, real staging.
@Suite(.serialized) struct `Undo` {
    private static let down = MigratezError(.unreachable, "cut off, as told", remedy: .stop)

    @Test func `takes everything out that the run created`() async throws {
        try await MainJobWorld.with(records: 300) { world in
            let run = try await world.move()
            let before = try OrgPicture(world.org)
            let dry = try await RunUndo(run).execute(isDryRun: true)
            #expect(try OrgPicture(world.org) == before, "a dry run changes nothing")
            let balances = try await RunUndo(run).execute(isDryRun: false)
            for (balance, dry) in zip(balances, dry) {
                #expect(balance.isClosed, "\(balance.stream)")
                #expect(balance[.deleted] == balance.created, "\(balance.stream)")
                #expect(balance.left ?? 0 == 0, "\(balance.stream)")
                #expect(dry[.deleted] == balance[.deleted], "\(balance.stream)")
            }
            #expect(balances.reduce(0) { $0 + $1[.deleted] } > 300)
            for object in ["Account", "Contact", "Opportunity", "ContentVersion", "OpportunityContactRole"] {
                #expect(try world.org.count(of: object) == 0, "\(object)")
            }
            let again = try await RunUndo(run).execute(isDryRun: false)
            #expect(again.map(\.isClosed).allSatisfy { $0 }, "doing it again changes nothing")
            let setup = try await world.begin().1
            await #expect(throws: MigratezError.self) {
                try await RunExecution(run, setup, progress: SilentProgress()).execute([.load])
            }
            try await run.close()
        }
    }

    @Test func `gives back what a later run changed`() async throws {
        try await MainJobWorld.with(records: 300) { world in
            try await world.move().close()
            let first = try OrgPicture(world.org)
            try world.edit("Title: { from: jobtitle, max: 128, truncate: true }", "Title: { const: Chair }")
            try world.edit("StageName: { from: dealstage, values: deal_stage }", "StageName: { const: Qualification }")
            let run = try await world.move()
            let balances = try await run.staging.manifest.read { try $0.reconciliation() }
            let contact = try #require(balances.first { $0.stream.name.text == "contact" })
            #expect(contact[.created] == 0 && contact[.updated] > 50)
            #expect(try OrgPicture(world.org) != first)
            let undone = try await RunUndo(run).execute(isDryRun: false)
            for balance in undone {
                #expect(balance.isClosed && balance.created == balance[.deleted], "\(balance.stream)")
                #expect(balance[.restored] == balance.updated, "\(balance.stream): \(balance.outcomes)")
            }
            let picture = try OrgPicture(world.org)
            #expect(picture == first, "\(picture.differences(from: first).joined(separator: "\n"))")
            try await run.close()
        }
    }

    @Test func `leaves what somebody edited, what others need, and what is gone`() async throws {
        try await MainJobWorld.with(records: 300) { world in
            let run = try await world.move()
            let person = try await OrgPerson(world, "new.rep@acme.test")
            let picture = try OrgPicture(world.org)
            let contacts = try #require(picture.records["Contact"])
            let ids: (JSONValue) -> String = { $0["Id"]?.text ?? "" }
            // One contact gets another value where we wrote, one where we did not; one account gets a new contact.
            try await person.patch("Contact", ids(contacts[0]), ["LastName": "Changed"])
            try await person.patch("Contact", ids(contacts[1]), ["Department": "Sales"])
            let taken = contacts[0...2].compactMap { $0["AccountId"]?.text }
            let lonely = try #require(picture.records["Account"]?.first { !taken.contains(ids($0)) })
            try await person.create("Contact", ["LastName": "Newcomer", "AccountId": .string(ids(lonely))])
            try await person.delete("Contact", ids(contacts[2]))
            let balances = try await RunUndo(run).execute(isDryRun: false)
            let balance = try #require(balances.first { $0.stream.text == "contact" })
            #expect(balances.allSatisfy { $0.isClosed })
            #expect(balance[.edited] == 2 && balance[.gone] == 1)
            #expect(balance[.deleted] == balance.created - 3)
            let left = try OrgPicture(world.org)
            #expect(
                Set((left.records["Contact"] ?? []).compactMap { $0["LastName"]?.text })
                    == ["Changed", contacts[1]["LastName"]?.text ?? "", "Newcomer"])
            // The accounts of the contacts that stay, and the one with the newcomer.
            let needed = Set([ids(lonely)] + contacts[0...1].compactMap { $0["AccountId"]?.text })
            #expect(Set((left.records["Account"] ?? []).map(ids)) == needed)
            let companies = try #require(balances.first { $0.stream.text == "company" })
            #expect(companies[.needed] == needed.count)
            let list = try await UndoList(run.staging.manifest).write(beside: run.staging.folder)
            let text = try String(contentsOfFile: list, encoding: .utf8)
            #expect(text.split(separator: "\n").count { $0.hasPrefix("contact,") } == balance.created)
            #expect(text.contains("\(ids(contacts[0])),created,edited"))
            #expect(!text.contains("Changed"))
            try await run.close()
        }
    }

    /// The same undo, cut off at every so many of its changes, before or after they have arrived.
    @Test(arguments: [true, false])
    func `goes on after it was cut off anywhere`(arrives: Bool) async throws {
        try await MainJobWorld.with(records: 60) { world in
            try await world.move().close()
            let first = try OrgPicture(world.org)
            try world.edit("Title: { from: jobtitle, max: 128, truncate: true }", "Title: { const: Chair }")
            try world.edit("2019-01-01T00:00:00Z", "1999-01-01T00:00:00Z")
            // Small batches, so that there are many places to cut.
            try world.edit("order: by_parent }", "order: by_parent, batch: { records: 4 } }")
            let run = try await world.move()
            try await run.close()
            var cuts = 0
            while true {
                let line = CutLine(world.workplace.http, changes: arrives ? 1 : 2, arrives: arrives)
                var workplace = world.workplace
                workplace.http = line
                let connection = try await PlanConnection.open(world.pipeline, in: workplace)
                let run = try await Run.reopen(
                    RunRegistry(workplace).find(nil), connection, in: workplace
                ) { _ in }
                do {
                    let balances = try await RunUndo(run).execute(isDryRun: false)
                    #expect(balances.allSatisfy { $0.isClosed })
                    #expect(balances.allSatisfy { $0[.restored] == $0.updated && $0[.deleted] == $0.created })
                    try await run.close()
                    break
                } catch let error as MigratezError {
                    #expect(error.code == .unreachable)
                    try await run.close()
                    cuts += 1
                }
                try #require(cuts < 200)
            }
            #expect(cuts > 5)
            let picture = try OrgPicture(world.org)
            #expect(picture == first, "\(picture.differences(from: first).joined(separator: "\n"))")
        }
    }

    @Test(arguments: [2, 5, 9], [true, false])
    func `takes out what a run had written when it was cut off in the middle of its load`(
        change: Int, arrives: Bool
    ) async throws {
        try await MainJobWorld.with(records: 60) { world in
            try world.edit("order: by_parent }", "order: by_parent, batch: { records: 8 } }")
            var workplace = world.workplace
            workplace.http = CutLine(world.workplace.http, changes: change, arrives: arrives)
            let connection = try await PlanConnection.open(world.pipeline, in: workplace)
            let setup = try await RunSetup.discover(
                connection.plan, source: connection.source, destination: connection.destination)
            let begun = try await Run.begin(connection, in: workplace) { _ in }
            let failure = await #expect(throws: MigratezError.self) {
                try await RunExecution(begun, setup, progress: SilentProgress())
                    .execute([.extract, .transform, .load])
            }
            #expect(failure?.code == .unreachable)
            try await begun.close()
            let held = try world.org.count(of: "Account") + world.org.count(of: "Contact")
            #expect(held > 0 || change == 2)
            let (run, _) = try await world.reopen()
            let balances = try await RunUndo(run).execute(isDryRun: false)
            #expect(balances.allSatisfy { $0.isClosed && $0[.deleted] == $0.created && $0.updated == 0 })
            for object in ["Account", "Contact", "Opportunity", "ContentVersion", "OpportunityContactRole"] {
                #expect(try world.org.count(of: object) == 0, "\(object)")
            }
            try await run.close()
        }
    }

    @Test func `is refused once the keys are destroyed`() async throws {
        try await MainJobWorld.with(records: 60) { world in
            let run = try await world.move()
            try await run.staging.manifest.commit { try $0.confirm(by: "Ada", basis: "abandoned", isAbandoned: true) }
            try await run.staging.manifest.commit { try $0.advance(to: .keysDestroyed) }
            let failure = await #expect(throws: MigratezError.self) { try await RunUndo(run).execute(isDryRun: false) }
            #expect(failure?.code == .wrongRunState)
            #expect(try world.org.count(of: "Contact") > 0)
            try await run.close()
        }
    }
}

/// Somebody with an account of their own in the simulated organisation.
private struct OrgPerson {
    let world: MainJobWorld
    let token: String

    init(_ world: MainJobWorld, _ email: String) async throws {
        self.world = world
        let claims: JSONValue = [
            "iss": "migratez", "sub": .string(email), "aud": "https://login.salesforce.com",
            "exp": .number(String(SystemWallClock().now.milliseconds / 1000 + 600)),
        ]
        let assertion = [Array(#"{"alg":"RS256"}"#.utf8), claims.serialized(), [1, 2, 3]].map(Self.base64url)
            .joined(separator: ".")
        let form = "grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer&assertion=\(assertion)"
        let answer = try await world.workplace.http.send(
            HTTPRequest(
                .post, world.salesforce.baseURL + "/services/oauth2/token",
                headers: [HTTPHeader("Content-Type", "application/x-www-form-urlencoded")],
                body: .bytes(Array(form.utf8))))
        token = try #require(try JSONValue(parsing: answer.body)["access_token"]?.text)
    }

    func patch(_ object: String, _ id: String, _ fields: JSONValue) async throws {
        try await send(.patch, "/sobjects/\(object)/\(id)", fields)
    }

    func create(_ object: String, _ fields: JSONValue) async throws {
        try await send(.post, "/sobjects/\(object)", fields)
    }

    func delete(_ object: String, _ id: String) async throws {
        try await send(.delete, "/sobjects/\(object)/\(id)", nil)
    }

    private func send(_ method: HTTPMethod, _ path: String, _ fields: JSONValue?) async throws {
        let response = try await world.workplace.http.send(
            HTTPRequest(
                method, world.salesforce.baseURL + "/services/data/v67.0" + path,
                headers: [
                    HTTPHeader("Authorization", "Bearer \(token)"), HTTPHeader("Content-Type", "application/json"),
                ], body: fields.map { .bytes($0.serialized()) } ?? .empty))
        #expect((200..<300).contains(response.status), "\(method) \(path) was answered \(response.status)")
    }

    private static func base64url(_ bytes: [UInt8]) -> String {
        Data(bytes).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }
}
