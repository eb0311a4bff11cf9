// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezModel
import MigratezPipeline
import Testing

@Suite struct `Checking a plan against both schemas` {
    private typealias F = PipelineFileFixtures

    private static let contact = ObjectSchema(
        name: "contact", label: "Contact",
        fields: [
            FieldSchema(name: "email", label: "", kind: .email), FieldSchema(name: "lastname", label: "", kind: .text),
            FieldSchema(name: "revenue", label: "", kind: .text), FieldSchema(name: "owner", label: "", kind: .text),
            FieldSchema(name: "since", label: "", kind: .dateTime),
        ])

    private static let targets = [
        "Contact": ObjectSchema(
            name: "Contact", label: "",
            fields: [
                FieldSchema(name: "LastName", label: "", kind: .text, isRequired: true, lengthMax: 8),
                FieldSchema(name: "Email", label: "", kind: .email),
                FieldSchema(name: "Revenue", label: "", kind: .decimal),
                FieldSchema(name: "Since", label: "", kind: .date),
                FieldSchema(name: "CreatedDate", label: "", kind: .dateTime, isCreateable: false),
                FieldSchema(
                    name: "Level", label: "", kind: .choice,
                    options: [.init(value: "Gold", label: ""), .init(value: "Tin", label: "", isActive: false)],
                    isRestricted: true),
                FieldSchema(name: "OwnerId", label: "", kind: .reference, refersTo: ["User"]),
                FieldSchema(name: "AccountId", label: "", kind: .reference, refersTo: ["Account"]),
            ]),
        "Role": ObjectSchema(
            name: "Role", label: "",
            fields: [FieldSchema(name: "ContactId", label: "", kind: .reference, refersTo: ["Contact"])]),
    ]

    private func check(_ objects: String, rest: String = "") throws -> [String] {
        let plan = try F.read(F.minimal(objects: objects, rest: rest)).get()
        let stream = try #require(StreamName("contact"))
        return SchemaCheck.check(plan, sources: [stream: Self.contact], targets: Self.targets)
            .map { $0.description.replacing("p.yaml:", with: "") }
    }

    @Test func `finds nothing wrong with what fits`() throws {
        let fields = """
              contact:
                to: Contact
                where: '!archived && has(email)'
                fields:
                  LastName: lastname
                  Email: { from: email, type: email }
                  Revenue: { from: revenue, type: decimal }
                  Since: { from: since, type: date }
                  Level: { const: Gold }
                  OwnerId: { from: owner, person: true }
            """
        #expect(try check(fields) == [])
    }

    @Test func `reports everything that does not, at once`() throws {
        let fields = """
              contact:
                to: Contact
                where: 'has(emial)'
                fields:
                  Emial: email
                  Email: { from: emal }
                  Revenue: revenue
                  Since: { from: since, type: datetime }
                  CreatedDate: { from: since, audit: true }
                  Level: { from: lastname, values: levels }
                  OwnerId: owner
                dedupe:
                  within: [ { keys: [lastnam], merge: { since2: newest } } ]
                  against_target: [ { keys: [Emial], on_match: skip } ]
            """
        let rest = "values: { levels: { map: { a: Gold, b: Gould, c: Tin }, otherwise: { use: Glod } } }"
        let found = try check(fields, rest: rest)
        #expect(
            found == [
                "8:17: error MZ-CFG-14: unknown field 'emial' in contact. Did you mean 'email'?",
                "10:7: error MZ-CFG-30: Contact needs a value for 'LastName', and objects.contact gives none. Map it, or give a 'const'",
                "10:14: error MZ-CFG-14: unknown field 'Emial' of Contact in the destination. Did you mean 'Email'?",
                "11:22: error MZ-CFG-14: unknown field 'emal' in contact. Did you mean 'email'?",
                "12:16: error MZ-CFG-31: Contact.Revenue (decimal) cannot take 'revenue' (text) as it is. Give it 'type: decimal'",
                "13:35: error MZ-CFG-31: Contact.Since (date) cannot take the type datetime. Did you mean 'date'?",
                "14:20: error MZ-CFG-34: Contact.CreatedDate cannot be set when a record is created. The account needs the right to set audit fields",
                "16:16: error MZ-CFG-31: Contact.OwnerId refers to another record, which the source's value is not. Use 'person: true' for people, or a link for records",
                "18:25: error MZ-CFG-14: unknown field 'lastnam' in contact. Did you mean 'lastname'?",
                "18:53: error MZ-CFG-14: unknown field 'since2' in contact. Did you mean 'since'?",
                "19:33: error MZ-CFG-14: unknown field 'Emial' of Contact in the destination. Did you mean 'Email'?",
                "20:40: error MZ-CFG-32: 'Gould' is not a value of Contact.Level. Did you mean 'Gold'?",
                "20:50: error MZ-CFG-32: 'Tin' is not a value of Contact.Level",
                "20:75: error MZ-CFG-32: 'Glod' is not a value of Contact.Level. Did you mean 'Gold'?",
            ])
    }

    @Test func `reads expressions by the types of the fields, and points into them`() throws {
        let fields = """
              contact:
                to: Contact
                where: 'has(email) && since >= 2019'
                fields:
                  LastName: { expr: "lastname + ' ' + (since - 7)" }
                  Revenue: { expr: 'email == lastname' }
                  Since: { expr: "revenue > 'x'", type: date }
                  Email: { expr: 'emial' }
            """
        #expect(
            try check(fields) == [
                "8:36: error MZ-CFG-31: since (a date) cannot be compared with 2019 (a number). Did you mean 'timestamp('2019-01-01')'?",
                "10:50: error MZ-CFG-31: '-' does not work with dates. Did you mean 'addDays(since, -7)'?",
                "11:24: error MZ-CFG-31: Contact.Revenue (decimal) cannot take what the expression gives, a truth value",
                "13:23: error MZ-CFG-14: unknown field 'emial' in contact. Did you mean 'email'?",
            ])
    }

    @Test func `only points out likely slips where records may have any field`() throws {
        var open = Self.contact
        open.isOpen = true
        let fields = """
              contact: { to: Contact, where: '!deleted', fields: { LastName: lastname, Email: { expr: 'lower(emial)' } } }
            """
        let plan = try F.read(F.minimal(objects: fields)).get()
        let stream = try #require(StreamName("contact"))
        let found = SchemaCheck.check(plan, sources: [stream: open], targets: Self.targets)
        #expect(
            found.map(\.description) == [
                "p.yaml:6:98: warning MZ-CFG-14: unknown field 'emial' in contact. Did you mean 'email'?"
            ])
    }

    @Test func `only points out likely slips where the destination takes any field`() throws {
        var open = try #require(Self.targets["Contact"])
        open.isOpen = true
        var unlisted = open
        unlisted.fields = []
        let fields = """
              contact: { to: Contact, fields: { LastName: lastname, Emial: email, Shoes: email, Since: { from: since, type: date } } }
            """
        let plan = try F.read(F.minimal(objects: fields)).get()
        let stream = try #require(StreamName("contact"))
        func check(_ target: ObjectSchema) -> [String] {
            SchemaCheck.check(plan, sources: [stream: Self.contact], targets: ["Contact": target]).map(\.description)
        }
        let found = check(open)
        #expect(found.count == 1)
        #expect(found.first?.contains("warning MZ-CFG-14: unknown field 'Emial' of Contact") == true, "\(found)")
        #expect(check(unlisted) == [])
    }

    @Test func `judges lengths, people and objects`() throws {
        let fields = """
              contact:
                to: Contact
                fields:
                  LastName: { const: Lovelace-King, max: 20 }
                  Email: { from: owner, person: true }
            """
        #expect(
            try check(fields).map { $0.prefix(24) } == [
                "9:26: error MZ-CFG-33: t", "9:46: warning MZ-CFG-33:", "10:37: error MZ-CFG-35: ",
            ])
        #expect(
            try check("  contact: { to: Contct, fields: { A: email } }") == [
                "6:18: error MZ-CFG-23: the destination has no object 'Contct'. Did you mean 'Contact'?"
            ])
    }

    @Test func `finds a place for each link`() throws {
        let objects = """
              contact: { to: Contact, fields: { LastName: lastname } }
              company: { to: Account, fields: { Name: name } }
            """
        let links = """
            links:
              - { from: contact, to: company, as: Contact.AcountId }
            """
        let lookups = try check(objects, rest: links).filter { $0.hasPrefix("9:") }
        #expect(
            lookups == [
                "9:39: error MZ-CFG-14: unknown field 'AcountId' of Contact in the destination. Did you mean 'AccountId'?"
            ])
        let role = "links: [ { from: contact, to: company, as: Role, map: { Label: label } } ]"
        #expect(
            try check(objects, rest: role).filter { $0.hasPrefix("8:") } == [
                "8:44: error MZ-CFG-26: no field of Role refers to Account",
                "8:64: error MZ-CFG-14: unknown field 'Label' of Role in the destination",
            ])
    }
}
