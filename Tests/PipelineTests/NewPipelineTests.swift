// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezConnectorKit
import MigratezModel
import MigratezPipeline
import MigratezSalesforceSimulator
import MigratezSimulatorKit
import MigratezStaging
import MigratezTestKit
import Testing

/// New pipeline files, and what is found out before one is written.
@Suite(.serialized) struct `A new pipeline file` {
    private func draft(_ world: MainJobWorld) throws -> PipelineDraft {
        try PipelineDraft(
            from: "hubspot", to: "salesforce",
            sourceSettings: ["base_url": "${env:HUBSPOT_BASE_URL}", "auth.token": "${env:HUBSPOT_TOKEN}"],
            targetSettings: [
                "base_url": "${env:SALESFORCE_BASE_URL}", "auth.kind": "client_credentials",
                "auth.client_id": "${env:SALESFORCE_CLIENT_ID}",
                "auth.client_secret": "${env:SALESFORCE_CLIENT_SECRET}",
            ])
    }

    @Test func `is in order, fits to both sides, and moves records as it stands`() async throws {
        try await MainJobWorld.with(records: 300) { world in
            let text = try await draft(world).connectedText(for: world.pipeline, objects: nil, in: world.workplace)
            #expect(world.hubspot.journal.counts.writes == 0 && world.salesforce.journal.counts.writes == 0)
            for line in [
                "LastName: { expr: 'has(lastname) ? lastname : emailLocal(email)'", "closedwon: Closed Won",
                "OwnerId: { from: hubspot_owner_id, person: true }", "# Not mapped:",
                #"# "143200817":"#, "as: Contact.AccountId, choose: primary", "as: OpportunityContactRole",
            ] { #expect(text.contains(line), "\(line)") }
            #expect(!text.contains(MainJobWorld.token) && !text.contains(MainJobWorld.secret))
            try text.write(toFile: world.pipeline, atomically: true, encoding: .utf8)
            let (_, setup) = try await world.connect()
            #expect(setup.diagnostics.isEmpty, "\(setup.diagnostics)")
            let run = try await world.move()
            let balances = try await run.staging.manifest.read { try $0.reconciliation() }
            #expect(balances.allSatisfy { $0.isClosed })
            #expect((balances.first { $0.stream.name.text == "company" }?[.created] ?? 0) > 20)
            try await run.close()
        }
    }

    @Test(arguments: [
        ("hubspot", "salesforce"), ("hubspot", "csv"), ("hubspot", "ndjson"), ("csv", "salesforce"), ("csv", "ndjson"),
        ("ndjson", "csv"), ("csv", "sqlite"), ("sqlite", "ndjson"), ("sqlite", "salesforce"),
        ("attio", "salesforce"), ("close", "hubspot"), ("copper", "ndjson"), ("freshsales", "csv"), ("sell", "sqlite"),
        ("hubspot", "dynamics"), ("dynamics", "salesforce"), ("salesforce", "dynamics"), ("dynamics", "hubspot"),
        ("csv", "dynamics"), ("dynamics", "ndjson"), ("hubspot", "pipedrive"), ("pipedrive", "dynamics"),
        ("dynamics", "pipedrive"),
        ("hubspot", "odoo"), ("odoo", "hubspot"), ("salesforce", "odoo"), ("odoo", "salesforce"), ("odoo", "ndjson"),
        ("sqlite", "odoo"), ("singer", "salesforce"), ("hubspot", "singer"), ("csv", "singer"),
    ]) func `offline it is in order for every pair of connectors`(source: String, target: String) throws {
        var draft = try PipelineDraft(from: source, to: target, sourceSettings: [:], targetSettings: [:])
        draft.fillInSuggestions()
        let text = try draft.offlineText(objects: nil)
        let reading = PipelineFile.read(text: text, file: "new.yaml", folder: "/tmp", catalog: Connectors.catalog)
        #expect(reading.diagnostics.isEmpty, "\(reading.diagnostics)\n\(text)")
    }

    @Test(arguments: [
        (
            "dynamics",
            ["opportunityproduct.opportunityid", "opportunityproduct.productid", "priceperunit: { from: price"]
        ),
        ("pipedrive", ["deal_product.deal_id", "deal_product.product_id", "item_price: { from: price"]),
    ]) func `line items keep their deals, their products and their prices`(target: String, lines: [String]) throws {
        var draft = try PipelineDraft(from: "hubspot", to: target, sourceSettings: [:], targetSettings: [:])
        draft.fillInSuggestions()
        let text = try draft.offlineText(objects: nil)
        for line in lines { #expect(text.contains(line), "\(line)\n\(text)") }
    }

    @Test func `from a spreadsheet, the columns are the fields`() async throws {
        try await MainJobWorld.with(records: 100) { world in
            try "id,Given Name,surname,E-Mail,Nonsense\n1,Ada,Lovelace,ada@x.test,x\n"
                .write(toFile: "\(world.folder)/people.csv", atomically: true, encoding: .utf8)
            let settings = ["objects.person.file": "people.csv", "objects.person.id": "id"]
            let salesforce = try draft(world).targetSettings
            let draft = try PipelineDraft(
                from: "csv", to: "salesforce", sourceSettings: settings, targetSettings: salesforce)
            let text = try await draft.connectedText(for: world.pipeline, objects: nil, in: world.workplace)
            for line in ["LastName:", "FirstName: { from: Given Name", "Email: { from: E-Mail", "#   Nonsense"] {
                #expect(text.contains(line), "\(line)\n\(text)")
            }
            try text.write(toFile: world.pipeline, atomically: true, encoding: .utf8)
            let run = try await world.move()
            #expect(try world.org.count(of: "Contact") == 1)
            try await run.close()
        }
    }

    @Test func `what is missing is named, and a secret is not written down`() async throws {
        var draft = try PipelineDraft(from: "hubspot", to: "salesforce", sourceSettings: [:], targetSettings: [:])
        #expect(draft.missing(of: .source).map(\.path) == ["auth.token"])
        #expect(draft.missing(of: .target).map(\.path).contains("auth.client_secret"))
        draft.set("auth.kind", of: .target, to: "jwt")
        #expect(draft.missing(of: .target).map(\.path) == ["base_url", "auth.client_id", "auth.user", "auth.key"])
        draft.set("auth.token", of: .source, to: "a-secret-itself")
        draft.fillInSuggestions()
        let error = #expect(throws: MigratezError.self) { try draft.offlineText(objects: nil) }
        #expect(error?.code == .invalidPipeline && error?.message.contains("a-secret-itself") == false)
        #expect(throws: MigratezError.self) {
            try PipelineDraft(from: "hubsopt", to: "salesforce", sourceSettings: [:], targetSettings: [:])
        }
    }

    @Test func `a sample of the source tells fill rates, and values only if they are asked for`() async throws {
        try await MainJobWorld.with(records: 400) { world in
            let (connection, _) = try await world.connect()
            let schema = try #require(try await connection.schemas(of: .source, object: "contact").first)
            for keepsValues in [false, true] {
                let sample = try await connection.sample(
                    "contact", of: .source, schema, count: 120, keepsValues: keepsValues)
                #expect(sample.records == 120)
                let email = try #require(sample.fields["email"])
                #expect(email.filled > 60 && email.filled <= 120 && email.distinct <= email.filled)
                #expect(sample.fields["archived"]?.distinct == 1)
                #expect(email.values.isEmpty == !keepsValues)
            }
            let targets = try await connection.schemas(of: .target, object: nil).map(\.name)
            #expect(targets.contains("OpportunityContactRole") && targets.contains("Contact"))
        }
    }
}
