// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezPipeline
import Testing

@Suite struct `The explanation of a field` {
    private typealias F = PipelineFileFixtures

    private func plan() throws -> PipelinePlan {
        try PipelineFile.read(path: F.pipelinesFolder + "/hubspot-to-salesforce.yaml", catalog: F.catalog).get()
    }

    @Test func `goes through every step with the record of a test`() throws {
        let explanation = try FieldExplanation(try plan(), path: "contact.Email")
        #expect(explanation.field == "Contact.Email")
        #expect(explanation.example?.origin == "the test 'missing last name falls back to the address'")
        #expect(
            explanation.steps.map(\.value) == [
                .text("Ada@x.test"), .text("Ada@x.test"), .text("ada@x.test"), .text("ada@x.test"), .text("ada@x.test"),
            ])
        #expect(explanation.before.first?.value == .text("the example is taken"))
        #expect(explanation.after.count == 1)
        // Sentences are wrapped; where is not what is tested here.
        let text = explanation.lines(file: "p.yaml").joined(separator: " ").replacing("     ", with: " ")
        for words in [
            "Contact.Email, p.yaml:66:14", "The source's field 'email' gives the value.", "(trim)", "(lower)",
            "one e-mail address", "(on_error: null)", "the field is left out",
            "Records with the same 'email' become one",
            "'Email' is set only if it is empty there", "→ ada@x.test",
        ] { #expect(text.contains(words), "\(words)\n\(text)") }
    }

    @Test func `shows where an example is rejected, and nothing after that`() throws {
        let record = try FieldExplanation.Example(
            file: "deal.json", Array(#"{"id":"1","properties":{"dealstage":"143200817"},"archived":true}"#.utf8))
        let explanation = try FieldExplanation(try plan(), path: "Opportunity.StageName", example: record)
        #expect(explanation.example?.origin == "the record in deal.json")
        #expect(explanation.before.first?.value == .text("the example is left out"))
        #expect(
            explanation.steps.map(\.value) == [
                .text("143200817"), .rejected("MZ-PICK-02, a value is not in the pipeline's value map"), nil,
            ])
    }

    @Test func `tells what fills a field without a rule`() throws {
        let explanation = try FieldExplanation(try plan(), path: "contact.AccountId")
        #expect(explanation.steps.count == 1)
        #expect(explanation.steps[0].text.contains("linked company"))
        #expect(explanation.steps[0].text.contains("the record is rejected"))
    }

    @Test func `names constants, defaults, functions and merged fields`() throws {
        let plan = try plan()
        func text(_ path: String) throws -> String {
            try FieldExplanation(plan, path: path).lines(file: "p").joined(separator: " ").replacing("    ", with: "")
        }
        #expect(try text("note.Title").contains("Every record gets the text 'HubSpot note' (const)."))
        #expect(try text("deal.CloseDate").contains("'${run.date}' is used (default)"))
        #expect(try text("contact.LastName").contains("emailLocal(): What stands before the @"))
        #expect(try text("contact.Phone").contains("'phone' is that of the newest of them"))
        #expect(try text("company.BillingCountry").contains("(4 values). A value that is not in it stays as it is."))
        #expect(try text("company.OwnerId").contains("etl@acme.test gets it"))
        #expect(try text("company.Description").contains("It is cut to 32000 characters (max, truncate)."))
    }

    @Test(arguments: [
        ("contact.Emial", "Did you mean 'Email'?"), ("contcat.Email", "Did you mean 'contact'?"),
        ("contact", "is not an object and a field"), ("contact.AcountId", "Did you mean 'AccountId'?"),
    ]) func `of something that is not there suggests what is`(_ path: String, _ words: String) throws {
        let plan = try plan()
        #expect { try FieldExplanation(plan, path: path) } throws: {
            ($0 as? MigratezError)?.message.contains(words) == true
        }
    }

    @Test func `takes only a record as an example`() {
        for text in ["[1]", "{", ""] {
            #expect(throws: MigratezError.self) { try FieldExplanation.Example(file: "r.json", Array(text.utf8)) }
        }
    }
}
