// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezPipeline
import MigratezSalesforceSimulator
import MigratezSimulatorKit
import MigratezSyntheticCRM
import MigratezTestKit
import Testing

/// What is told before a run, and that telling it changes nothing.
@Suite(.serialized) struct `A plan` {
    private func forecast(
        _ world: MainJobWorld
    ) async throws -> (PlanConnection, RunSetup, RunForecast) {
        let (connection, setup) = try await world.connect()
        return (connection, setup, try await RunForecast.make(connection, setup))
    }

    @Test func `tells records, fields to create, values that will not fit, requests and time, and writes nothing`()
        async throws
    {
        try await MainJobWorld.with(records: 600) { world in
            let (_, _, forecast) = try await forecast(world)
            let contact = try #require(forecast.objects.first { $0.stream == "contact" })
            #expect(contact.target == "Contact" && (contact.records ?? 0) > 100 && contact.isFiltered)
            #expect(contact.createdMax == contact.records && contact.mergeRules == 1)
            #expect(contact.matches == ["Email: fill_blanks"])
            #expect(forecast.creations.contains { $0.object == "Contact" && $0.field.name == "Migratez_Id__c" })
            let stages = try #require(forecast.values.first { $0.target == "Opportunity.StageName" })
            #expect(stages.fate == .unmapped && stages.values.contains("143200817"))
            #expect(forecast.source.callCount > 0 && forecast.target.callCount > 0)
            #expect(forecast.source.allowanceShare != nil && forecast.target.allowanceShare != nil)
            #expect(forecast.seconds.map { $0.low > 0 && $0.high > $0.low } == true)
            #expect(forecast.stagedBytes.map { $0.low > 0 && $0.high > $0.low } == true)
            #expect(forecast.writesSomething && forecast.unknown.isEmpty && forecast.missingRights.isEmpty)
            #expect(world.hubspot.journal.counts.writes == 0)
            #expect(world.salesforce.journal.counts.writes == 0)
            #expect(!FileManager.default.fileExists(atPath: world.staging))
            #expect(!FileManager.default.fileExists(atPath: world.state))
        }
    }

    @Test func `after a run it knows what is there already`() async throws {
        try await MainJobWorld.with(records: 300) { world in
            let run = try await world.move()
            try await run.close()
            let (_, _, forecast) = try await forecast(world)
            let company = try #require(forecast.objects.first { $0.stream == "company" })
            let there = try world.org.count(of: "Account")
            #expect(company.broughtBefore == there)
            #expect((company.createdMax ?? .max) < (company.records ?? 0))
            #expect(forecast.creations.isEmpty)
        }
    }

    @Test func `a saved plan is applied as it is, and holds no secret and no value of a record`() async throws {
        try await MainJobWorld.with(records: 300) { world in
            let (connection, setup, forecast) = try await forecast(world)
            let path = "\(world.folder)/move.plan"
            try PlanFile(connection, setup, forecast, now: world.workplace.clock.now).save(to: path)
            let text = try String(contentsOfFile: path, encoding: .utf8)
            for planted in [MainJobWorld.token, MainJobWorld.secret, world.crm.contact(at: 0)[.email] ?? "@c"] {
                #expect(!text.contains(planted))
            }
            let saved = try #require(try PlanFile.read(path: path))
            try saved.check(connection, setup)
            // The plan's own creations are no reason to refuse it.
            let run = try await world.move()
            try await run.close()
            let (after, afterSetup) = try await world.connect()
            try saved.check(after, afterSetup)
            #expect(try PlanFile.read(path: world.pipeline) == nil, "a pipeline file is no plan")
        }
    }

    @Test func `a plan that was edited is refused`() async throws {
        try await MainJobWorld.with(records: 100) { world in
            let (connection, setup, forecast) = try await forecast(world)
            let path = "\(world.folder)/move.plan"
            try PlanFile(connection, setup, forecast, now: world.workplace.clock.now).save(to: path)
            let text = try String(contentsOfFile: path, encoding: .utf8)
            for (old, new) in [(#""isUnique":true"#, #""isUnique":false"#), (#""version":1"#, #""version":2"#)] {
                try text.replacing(old, with: new).write(toFile: path, atomically: true, encoding: .utf8)
                let error = #expect(throws: MigratezError.self) { try PlanFile.read(path: path) }
                #expect(error?.code == .planOutdated)
            }
        }
    }

    @Test func `a changed pipeline or a changed schema is refused, and named`() async throws {
        try await MainJobWorld.with(records: 100) { world in
            let (connection, setup, forecast) = try await forecast(world)
            let saved = try PlanFile(connection, setup, forecast, now: world.workplace.clock.now)
            try world.edit("HubSpot note", "A note")
            let (changed, changedSetup) = try await world.connect()
            let first = #expect(throws: MigratezError.self) { try saved.check(changed, changedSetup) }
            #expect(first?.code == .planOutdated && first?.message.contains("pipeline.yaml") == true)

            var other = setup
            other.targetSchemas["Contact"]?.fields.removeAll { $0.name == "Email" }
            other.targetSchemas["Account"]?.fields.append(FieldSchema(name: "New__c", label: "New", kind: .text))
            let contact = StreamName("contact")!
            let place = try #require(other.sourceSchemas[contact]?.fields.firstIndex { $0.name == "phone" })
            other.sourceSchemas[contact]?.fields[place].kind = .integer
            let second = #expect(throws: MigratezError.self) { try saved.check(connection, other) }
            for difference in [
                "hubspot: contact.phone has changed", "salesforce: Account.New__c is new",
                "salesforce: Contact.Email is gone",
            ] { #expect(second?.message.contains(difference) == true, "\(difference)") }
        }
    }
}
