// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit

/// What the name of a field or object means, whoever wrote it: `firstname`, `First Name`, `given_name` and
/// `MailingCity` in the words that CRMs share.
struct FieldMeaning: Hashable, Sendable {
    /// Lower-case words without what only decorates them.
    let words: [String]

    init(_ name: String) { words = Self.words(in: name) }

    /// The words as one: names that differ in spelling only have the same.
    var spelling: String { words.joined() }

    /// The concept that the words stand for, if it is one of those that CRMs share.
    var concept: String? { Self.concepts[spelling] }

    /// `hs_email_optout` → hs email optout; `HasOptedOutOfEmail` → has opted out of email; `Custom__c` → custom.
    static func words(in name: String) -> [String] {
        var name = name
        if name.hasSuffix("__c") { name.removeLast(3) }
        // Dataverse's name for the value of a lookup.
        if name.hasPrefix("_"), name.hasSuffix("_value") { name = String(name.dropFirst().dropLast(6)) }
        var words: [String] = []
        var word = ""
        var wasLower = false
        for character in name {
            if character.isLetter || character.isNumber {
                if character.isUppercase, wasLower, !word.isEmpty {
                    words.append(word)
                    word = ""
                }
                word += character.lowercased()
                wasLower = character.isLowercase || character.isNumber
            } else {
                if !word.isEmpty { words.append(word) }
                word = ""
                wasLower = false
            }
        }
        if !word.isEmpty { words.append(word) }
        // Prefixes of vendors, and the address that a record is known by, say nothing about the field.
        while let first = words.first, words.count > 1, ["hs", "hubspot", "billing", "mailing"].contains(first) {
            words.removeFirst()
        }
        if words.count > 1, words.last == "id" { words.removeLast() }
        return words
    }

    /// Spellings by what they mean.
    private static let concepts: [String: String] = {
        var table: [String: String] = [:]
        for (concept, spellings) in synonyms {
            for spelling in spellings { table[FieldMeaning.words(in: spelling).joined()] = concept }
        }
        return table
    }()

    /// The vocabulary of CRMs; the first word of each list is the one shown to people.
    private static let synonyms: [(concept: String, spellings: [String])] = [
        ("first name", ["first name", "given name", "forename", "firstname"]),
        ("last name", ["last name", "surname", "family name", "lastname"]),
        (
            "name",
            [
                "name", "company name", "account name", "organization name", "organisation name", "deal name",
                "dealname", "opportunity name", "full name",
            ]
        ),
        ("e-mail address", ["email", "e-mail", "email address", "mail", "primary email", "emailaddress1"]),
        (
            "phone number",
            [
                "phone", "phone number", "telephone", "telephone number", "business phone", "work phone", "main phone",
                "telephone1",
            ]
        ),
        ("mobile number", ["mobile phone", "mobilephone", "mobile phone number", "mobile", "cell phone", "cell"]),
        ("fax number", ["fax", "fax number"]),
        ("job title", ["title", "job title", "jobtitle", "position", "job position"]),
        ("department", ["department", "division"]),
        ("salutation", ["salutation", "honorific"]),
        (
            "website",
            [
                "website", "domain", "website url", "web site", "company domain name", "domain name", "url",
                "homepage",
            ]
        ),
        (
            "street",
            ["street", "address", "street address", "address 1", "address line 1", "street name", "address1_line1"]
        ),
        ("city", ["city", "town", "suburb", "locality", "address1_city"]),
        (
            "state",
            ["state", "region", "state region", "province", "state province", "county", "address1_stateorprovince"]
        ),
        ("postal code", ["postal code", "zip", "zip code", "zipcode", "postcode", "address1_postalcode"]),
        ("country", ["country", "country region", "country name", "address1_country"]),
        ("date of birth", ["birthdate", "birthday", "date of birth", "birth date", "born"]),
        ("description", ["description", "about", "about us", "notes", "comment", "comments", "summary"]),
        (
            "number of employees",
            [
                "number of employees", "numberofemployees", "employees", "employee count",
                "headcount",
            ]
        ),
        ("annual revenue", ["annual revenue", "annualrevenue", "revenue", "yearly revenue", "turnover"]),
        ("industry", ["industry", "sector", "branch"]),
        (
            "amount",
            ["amount", "deal amount", "deal value", "opportunity amount", "estimatedvalue", "expected revenue"]
        ),
        ("stage", ["stage", "stage name", "deal stage", "dealstage", "opportunity stage", "sales stage", "stepname"]),
        (
            "closing date",
            [
                "close date", "closedate", "closing date", "expected close date", "expected close", "expected closing",
                "estimatedclosedate",
            ]
        ),
        (
            "activity date",
            ["timestamp", "activity date", "start date time", "created date", "date", "message date", "sent on"]
        ),
        ("next step", ["next step", "next steps"]),
        ("lead source", ["lead source", "original source", "source", "account source"]),
        (
            "owner",
            [
                "owner", "owner id", "hubspot owner id", "contact owner", "record owner", "assigned to", "ownerid",
                "salesperson",
            ]
        ),
        (
            "opted out of e-mail",
            [
                "email optout", "email opt out", "has opted out of email", "opted out of email",
                "unsubscribed", "unsubscribed from all email",
            ]
        ),
        (
            "body",
            ["body", "note body", "content", "note", "text", "task body", "note text", "note content", "notetext"]
        ),
        ("subject", ["subject", "task subject", "title of task", "email subject"]),
        ("body as HTML", ["email html", "html body", "body html"]),
        ("body as text", ["email text", "text body", "body text"]),
        ("direction", ["direction", "email direction", "call direction", "direction code", "directioncode"]),
        ("sender", ["email from email", "from address", "from email", "sender"]),
        ("recipients", ["email to email", "to address", "to email", "recipients", "to recipients"]),
        ("recipients of a copy", ["email cc email", "cc address", "cc email", "cc"]),
        ("product code", ["sku", "product code", "product number", "productnumber", "stock keeping unit"]),
        ("quantity", ["quantity", "qty"]),
        (
            "unit price",
            [
                "price", "unit price", "unitprice", "price per unit", "priceperunit", "list price", "sales price",
                "item price",
            ]
        ),
        ("discount in percent", ["discount percentage", "discount percent"]),
        ("type", ["type", "deal type", "dealtype", "company type"]),
    ]
}

/// The kinds of records that CRMs share, by the names that they go by.
enum ObjectMeaning {
    /// `contacts`, `Contact`, `person` → `contact`; `nil` for anything else.
    static func concept(of name: String) -> String? {
        let spelling = FieldMeaning.words(in: name).joined()
        return synonyms.first { $0.spellings.contains(spelling) }?.concept
    }

    private static let synonyms: [(concept: String, spellings: [String])] = [
        (
            "company",
            [
                "company", "companies", "account", "accounts", "organization", "organizations", "organisation",
                "organisations", "org", "orgs", "firm", "firms", "customer", "customers",
            ]
        ),
        ("contact", ["contact", "contacts", "person", "persons", "people"]),
        ("lead", ["lead", "leads", "prospect", "prospects"]),
        ("deal", ["deal", "deals", "opportunity", "opportunities"]),
        ("note", ["note", "notes", "contentnote", "contentnotes", "annotation", "annotations"]),
        ("task", ["task", "tasks", "activity", "activities"]), ("call", ["call", "calls", "phonecall", "phonecalls"]),
        ("meeting", ["meeting", "meetings", "event", "events", "appointment", "appointments"]),
        ("ticket", ["ticket", "tickets", "case", "cases"]),
        ("email", ["email", "emails", "emailmessage", "emailmessages"]),
        ("file", ["file", "files", "attachment", "attachments", "contentversion", "contentversions"]),
        ("product", ["product", "products", "product2"]),
        (
            "line item",
            [
                "lineitem", "lineitems", "opportunitylineitem", "opportunitylineitems", "opportunityproduct",
                "opportunityproducts", "dealproduct", "dealproducts",
            ]
        ),
    ]
}
