// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel

/// In which object a CRM keeps a kind of records that CRMs share (`ObjectMeaning`).
struct CRMObjectForm {
    /// `call`, whatever this CRM says.
    var concept: String
    /// The name of its stream; another one than the object's where several kinds are in one object.
    var stream: String
    var object: String
    var mark: Mark?
    /// Whether a new file begins with it.
    var isUsual: Bool

    /// What tells records of the kind from the others of their object.
    struct Mark {
        var field: String
        /// What the kind's own records have there.
        var value: String
        /// What the other kinds have there, if whatever is none of theirs is of this kind.
        var others: [String]

        init(_ field: String, _ value: String, whateverIsNot others: [String] = []) {
            self.field = field
            self.value = value
            self.others = others
        }

        /// The condition that picks the records, as a pipeline file writes it.
        var filter: String {
            others.isEmpty
                ? "\(field) == \"\(value)\"" : others.map { "\(field) != \"\($0)\"" }.joined(separator: " && ")
        }
    }

    init(_ concept: String, _ object: String, stream: String? = nil, mark: Mark? = nil, isUsual: Bool = true) {
        self.concept = concept
        self.stream = stream ?? object
        self.object = object
        self.mark = mark
        self.isUsual = isUsual
    }

    /// The source's object, where the stream goes by another name.
    var origin: String? { stream == object ? nil : object }
}

/// What each CRM calls the kinds of records, in the order in which they are moved: companies first, activities last.
enum CRMVocabulary {
    /// All that is known of a connector; empty for one that has whatever it is given.
    static func forms(of connector: String) -> [CRMObjectForm] { forms[connector] ?? [] }

    /// What a stream of the source reads.
    static func form(ofStream stream: String, in connector: String) -> CRMObjectForm? {
        forms(of: connector).first { $0.stream == stream }
    }

    /// What records of a kind become in a destination.
    static func form(of concept: String?, in connector: String) -> CRMObjectForm? {
        forms(of: connector).first { $0.concept == concept }
    }

    private static let forms: [String: [CRMObjectForm]] = [
        // A lead of HubSpot's belongs to a contact, which a lead of others does not.
        "hubspot": ["company", "contact", "deal", "note", "task", "call", "meeting"].map { CRMObjectForm($0, $0) }
            + [
                CRMObjectForm("email", "email"), CRMObjectForm("file", "file"), CRMObjectForm("product", "product"),
                CRMObjectForm("line item", "line_item"), CRMObjectForm("ticket", "ticket", isUsual: false),
            ],
        "salesforce": [
            CRMObjectForm("company", "Account"), CRMObjectForm("contact", "Contact"),
            CRMObjectForm("lead", "Lead"), CRMObjectForm("product", "Product2"), CRMObjectForm("deal", "Opportunity"),
            CRMObjectForm("line item", "OpportunityLineItem"),
            CRMObjectForm("note", "ContentNote"),
            CRMObjectForm(
                "task", "Task", mark: .init("TaskSubtype", "Task", whateverIsNot: ["Call", "Email"])),
            CRMObjectForm("call", "Task", stream: "Call", mark: .init("TaskSubtype", "Call")),
            CRMObjectForm("meeting", "Event"), CRMObjectForm("email", "EmailMessage"),
            CRMObjectForm("file", "ContentVersion"),
            CRMObjectForm("ticket", "Case", isUsual: false),
        ],
        "pipedrive": [
            CRMObjectForm("company", "organization"), CRMObjectForm("contact", "person"),
            // A lead belongs to a person or an organization here, which a lead of most others does not.
            CRMObjectForm("lead", "lead", isUsual: false), CRMObjectForm("product", "product"),
            CRMObjectForm("deal", "deal"), CRMObjectForm("line item", "deal_product"), CRMObjectForm("note", "note"),
            CRMObjectForm(
                "task", "activity", stream: "task", mark: .init("type", "task", whateverIsNot: ["call", "meeting"])),
            CRMObjectForm("call", "activity", stream: "call", mark: .init("type", "call")),
            CRMObjectForm("meeting", "activity", stream: "meeting", mark: .init("type", "meeting")),
            CRMObjectForm("file", "file"),
        ],
        "dynamics": [
            CRMObjectForm("company", "account"), CRMObjectForm("contact", "contact"),
            CRMObjectForm("lead", "lead"), CRMObjectForm("product", "product"), CRMObjectForm("deal", "opportunity"),
            CRMObjectForm("line item", "opportunityproduct"),
            CRMObjectForm("note", "annotation"), CRMObjectForm("task", "task"), CRMObjectForm("call", "phonecall"),
            CRMObjectForm("meeting", "appointment"), CRMObjectForm("email", "email"), CRMObjectForm("file", "file"),
            CRMObjectForm("ticket", "incident", isUsual: false),
        ],
        "odoo": [
            "company", "contact", "lead", "product", "deal", "note", "task", "call", "meeting", "email", "file",
        ].map { CRMObjectForm($0, $0) },
        "zoho": [
            CRMObjectForm("company", "Accounts"), CRMObjectForm("contact", "Contacts"),
            CRMObjectForm("lead", "Leads"), CRMObjectForm("deal", "Deals"),
            CRMObjectForm("note", "Notes"), CRMObjectForm("task", "Tasks"), CRMObjectForm("call", "Calls"),
            CRMObjectForm("meeting", "Events"), CRMObjectForm("file", "Attachments"),
            CRMObjectForm("ticket", "Cases", isUsual: false),
        ],
    ]
}
