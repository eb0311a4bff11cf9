// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezConnectorKit
import MigratezModel
import MigratezPipeline
import MigratezTestKit
import MigratezTransform
import Testing

@Suite struct `A pipeline file` {
    private typealias F = PipelineFileFixtures

    @Test func `gives a plan with everything that stands in it`() throws {
        let path = F.pipelinesFolder + "/hubspot-to-salesforce.yaml"
        let plan = try PipelineFile.read(path: path, catalog: F.catalog).get()
        #expect(plan.source.connector == "hubspot")
        #expect(plan.transform.objects.map(\.target) == ["Account", "Contact", "Opportunity", "ContentNote"])
        let contact = try #require(plan.transform.objects.first { $0.target == "Contact" })
        #expect(
            contact.duplicates == [
                DuplicateRule(keys: ["email"], keep: .mostComplete, merge: ["phone": .newest, "notes": .concat])
            ])
        #expect(contact.targetMatches == [TargetMatchRule(keys: ["Email"], onMatch: .fillBlanks)])
        #expect(contact.field("Email")?.onError == .null)
        #expect(contact.sourceFields.contains("createdate"))
        #expect(plan.transform.values["country"]?.entries["NO"] == "Norway")
        #expect(plan.transform.people?.entries == ["old.rep@acme.test": "new.rep@acme.test"])
        #expect(plan.transform.people?.unmatched == .assign(email: "etl@acme.test", tag: "owner-unmatched"))
        #expect(plan.transform.links.map(\.choose) == [.primary, .primary, .all, .all])
        #expect(plan.transform.links[2].map == ["Role": .label])
        #expect(plan.gates.rejectedShareMax == 0.2)
        #expect(plan.gates.expectations.first?.holds(for: 0) == false)
        #expect(plan.retention.unconfirmedMax == .seconds(30 * 86_400))
        #expect(plan.staging.chunkSizeMax == .MiB(16))
        #expect(plan.staging.folder == F.pipelinesFolder + "/staging")
        #expect(plan.verify.fields == nil)
    }

    @Test func `keeps text that other readers of YAML take for something else`() throws {
        let text = F.minimal(
            objects: "  contact: { to: Contact, fields: { A: { from: a, values: v } } }",
            rest: "values: { v: { map: { NO: Norway, yes: 1.0, 007: ~x, on: null } } }")
        let reading = F.read(text)
        #expect(
            reading.plan?.transform.values["v"]?.entries == ["NO": "Norway", "yes": "1.0", "007": "~x", "on": "null"])
    }

    @Test func `says of an object whether it is created, and in which words`() throws {
        func creation(_ text: String) -> CreationSpec? {
            let object = "  deal: { to: project, \(text) fields: { name: dealname } }"
            return F.read(F.minimal(objects: object)).plan?.transform.objects.first?.creation
        }
        #expect(creation("") == nil && creation("create: false,") == nil)
        #expect(creation("create: true,") == CreationSpec())
        #expect(
            creation("create: { label: Project, plural: Projects, display: name },")
                == CreationSpec(label: "Project", plural: "Projects", display: "name"))
        #expect(creation("create: {},") == CreationSpec())
    }

    @Test func `has a digest that layout does not change and meaning does`() throws {
        func digest(_ text: String) throws -> String { try #require(F.read(text).plan).digest }
        let one = F.minimal(objects: "  contact: { to: Contact, fields: { A: a, B: b } }")
        let same = F.minimal(objects: "  contact: # people\n    fields:\n      \"B\": b\n      A: 'a'\n    to: Contact")
        let other = F.minimal(objects: "  contact: { to: Contact, fields: { A: a, B: c } }")
        #expect(try digest(one) == digest(same))
        #expect(try digest(one) != digest(other))
        #expect(try digest(one).count == 64)
    }

    @Test(
        arguments: [
            ("1", 1), ("50k", 50_000), ("1.5k", 1500), ("2M", 2_000_000), ("1_000", 1000), ("0", nil), ("1.5", nil),
            ("-1", nil),
            ("k", nil), ("1kk", nil), ("9999999999999999999", nil),
        ] as [(String, Int?)]) func `reads counts`(_ text: String, _ count: Int?)
    {
        let plan = F.read(F.minimal(rest: "staging: { chunk: { records: \(text) } }")).plan
        #expect(plan?.staging.chunkRecordsMax == count)
    }

    @Test func `is refused if it is too large or nests too deeply, without trying`() {
        let large = "a: " + String(repeating: "x", count: 1 << 20)
        let deep = "a: " + String(repeating: "[", count: 100_000)
        let dashes = String(repeating: "- ", count: 100_000)
        for text in [large, deep, dashes] {
            #expect(F.read(text).diagnostics.map(\.code) == [.tooComplex])
        }
    }

    @Test func `that is missing says how to name one`() {
        #expect { try PipelineFile.read(path: "/nowhere/p.yaml", catalog: F.catalog) } throws: {
            ($0 as? MigratezError)?.code == .fileNotFound
        }
    }
}

@Suite struct `References of a pipeline file` {
    private typealias F = PipelineFileFixtures

    private func resolver(_ environment: [String: String], folder: String) -> ReferenceResolver {
        ReferenceResolver(environment: environment, folder: folder)
    }

    private func plan(_ token: String, dir: String = "out") throws -> PipelinePlan {
        let text = F.minimal().replacing("${env:TOKEN}", with: token).replacing("dir: out", with: "dir: \"\(dir)\"")
        return try F.read(text).get()
    }

    @Test func `lead to variables, files, credentials and commands`() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "references-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try "from file\n".write(toFile: folder + "/token", atomically: true, encoding: .utf8)
        let environment = ["TOKEN": "from variable", "CREDENTIALS_DIRECTORY": folder]
        for (reference, wanted) in [
            ("${env:TOKEN}", "from variable"), ("${env:NONE:-default}", "default"), ("${file:token}", "from file"),
            ("${file:\(folder)/token}", "from file"), ("${cred:token}", "from file"),
            ("${cmd:echo from command}", "from command"),
        ] {
            let (settings, diagnostics) = try await plan(reference).resolve(
                with: resolver(environment, folder: folder))
            #expect(diagnostics.isEmpty, "\(reference)")
            #expect(settings?.source.secret("auth.token") == Secret(wanted), "\(reference)")
        }
    }

    @Test func `are all reported if they lead nowhere, without saying more than their name`() async throws {
        let text = """
            migratez: 1
            name: p
            source: { connector: hubspot, auth: { token: "${env:NONE}" } }
            target: { connector: ndjson, dir: "${env:NOWHERE}" }
            staging: { key: "${cmd:sh -c 'echo hunter2 >&2; exit 3'}" }
            objects:
              contact: { to: Contact, fields: { LastName: lastname } }
            """
        let (settings, diagnostics) = try await F.read(text).get().resolve(with: resolver([:], folder: "/"))
        #expect(settings == nil)
        #expect(diagnostics.map(\.position.line) == [3, 4, 5])
        #expect(diagnostics.allSatisfy { $0.code == .missingSecret })
        #expect(!diagnostics.contains { $0.description.contains("hunter2") })
    }

    @Test func `may print only so much`() async throws {
        let endless = try plan("${cmd:yes | head -c 1000000}")
        #expect(await endless.resolve(with: resolver([:], folder: "/")).settings == nil)
    }

    @Test func `must give what the setting needs`() async throws {
        let text = F.minimal().replacing("auth:", with: "base_url: \"${env:URL}\", auth:")
        let (_, diagnostics) = try await F.read(text).get().resolve(
            with: resolver(["URL": "not an address", "TOKEN": "t"], folder: "/"))
        #expect(diagnostics.map(\.code) == [.wrongForm])
    }

    @Test func `in paths start from the pipeline file`() async throws {
        let (settings, _) = try await plan("${env:TOKEN}", dir: "${env:OUT:-export}").resolve(
            with: resolver(["TOKEN": "t"], folder: "/"))
        #expect(settings?.target["dir"]?.hasSuffix("/pipelines/export") == true)
    }
}
