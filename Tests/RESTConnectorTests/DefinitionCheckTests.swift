// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import MigratezRESTConnector
import Testing

/// What is said about a definition that is wrong.
struct `The check of a definition` {
    private static let right = """
        migratez_connector: 1
        name: acme
        label: Acme
        base_url: https://api.acme.test
        settings:
          region: { summary: "the region" }
        auth: { kind: bearer }
        identity: { path: /me, text: "Acme {id}" }
        objects:
          contact:
            read:
              path: /contacts
              query: { page: "{page}" }
              list: data
              paging: { kind: page }
            modified: updated_at
            by_id: { path: "/contacts/{id}" }
            fields:
              email: { kind: email, at: emails.0.value }
              updated_at: dateTime
        """

    @Test func `finds nothing in one that is right`() throws {
        let reading = DefinitionReader.read(Self.right, file: "acme.yaml")
        #expect(reading.diagnostics.isEmpty, "\(reading.diagnostics)")
        #expect(reading.definition?.objects.map(\.stream.text) == ["contact"])
    }

    /// What stands in place of what, and what is found.
    private static let wrong: [(old: String, new: String, line: Int, column: Int, words: String)] = [
        ("label: Acme", "lable: Acme", 3, 1, "'lable' is not a key of the definition. Did you mean 'label'?"),
        ("label: Acme", "", 1, 1, "the definition needs 'label'"),
        ("migratez_connector: 1", "migratez_connector: 2", 1, 21, "cannot be '2'"),
        ("name: acme", "name: Acme CRM", 2, 7, "becomes part of row keys"),
        ("kind: bearer", "kind: bearers", 7, 15, "Did you mean 'bearer'?"),
        ("kind: bearer", "kind: header", 7, 7, "needs the name of the header or item"),
        ("kind: bearer", "kind: refresh_token", 7, 7, "needs the address where tokens are asked for"),
        ("https://api.acme.test", "https://{regoin}.acme.test", 4, 11, "Did you mean 'region'?"),
        ("\"{page}\"", "\"{pgae}\"", 13, 22, "Did you mean 'page'?"),
        ("query: { page: \"{page}\" }", "query: { page: \"1\" }", 12, 7, "so every page would be the first"),
        ("\"{page}\"", "\"{page\"", 13, 22, "a brace that is not closed"),
        ("kind: page }", "kind: cursor }", 15, 15, "'at' is missing"),
        ("kind: page }", "kind: keyset }", 15, 15, "'window' is missing"),
        ("emails.0.value", "emails..value", 19, 33, "must be a path"),
        ("kind: email,", "kind: mail,", 19, 22, "Did you mean 'email'?"),
        ("modified: updated_at", "modified: updatedat", 16, 15, "Did you mean 'updated_at'?"),
        ("\"/contacts/{id}\"", "\"/contacts/\"", 17, 12, "no part of the request holds {id}"),
        ("      list: data", "      list: data.0", 14, 13, "must be a path of names only"),
    ]

    @Test(arguments: wrong.indices) func `tells the place, the nearest known word and the way out`(_ index: Int) throws
    {
        let (old, new, line, column, words) = Self.wrong[index]
        let text = Self.right.replacing(old, with: new)
        try #require(text != Self.right)
        let reading = DefinitionReader.read(text, file: "acme.yaml")
        #expect(reading.definition == nil)
        let finding = try #require(
            reading.diagnostics.first { $0.explanation.contains(words) }, "\(reading.diagnostics)")
        #expect(finding.position == FilePosition(line: line, column: column), "\(finding)")
    }

    @Test func `reports every mistake at once, and every duplicate key`() {
        let text = Self.right.replacing("label: Acme", with: "lable: Acme\nname: again")
            .replacing("kind: bearer", with: "kind: barer")
        let reading = DefinitionReader.read(text, file: "acme.yaml")
        #expect(Set(reading.diagnostics.map(\.code)) == [.unknownKey, .duplicateKey, .wrongForm, .missingKey])
    }

    @Test func `takes what comes with the program, and the template for a new one`() throws {
        for (name, text) in ShippedDefinitions.texts {
            let reading = DefinitionReader.read(text, file: "\(name).yaml")
            #expect(reading.diagnostics.isEmpty, "\(reading.diagnostics)")
            #expect(reading.definition?.name == name)
        }
        #expect(ShippedDefinitions.all.count == 5)
        let template = try ShippedDefinitions.template(named: "acme_crm")
        #expect(!template.contains("NAME") && template.contains("${env:ACME_CRM_TOKEN}"))
        let reading = DefinitionReader.read(template, file: "acme_crm.yaml")
        #expect(reading.diagnostics.isEmpty, "\(reading.diagnostics)")
        #expect(throws: MigratezError.self) { try ShippedDefinitions.template(named: "Acme CRM") }
    }

    @Test func `keeps keys in the order of people, each with its line`() {
        func visit(_ section: DefinitionSection, _ seen: inout Set<String>) {
            guard seen.insert(section.name).inserted else { return }
            for key in section.keys {
                #expect(
                    (8...100).contains(key.summary.count) && !key.summary.hasSuffix("."), "\(section.name).\(key.name)")
                if let inner = key.form.section { visit(inner, &seen) }
            }
        }
        var seen: Set<String> = []
        visit(DefinitionKeys.definition, &seen)
        #expect(seen.count > 20)
    }
}
