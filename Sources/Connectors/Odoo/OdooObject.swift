// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel

/// An object of Odoo, by the name that a pipeline uses for it: `contact`, `deal`; or the technical name of a model, in
/// which `-` may stand for `.`: `res-partner-category`, `x_project`.
///
/// One model may hold several objects: companies and people are `res.partner`, leads and opportunities `crm.lead`.
struct OdooObject: Sendable, Hashable {
    let name: String
    let model: String
    let label: String
    /// Which records of the model are meant.
    let domain: [JSONValue]
    /// What is written into a new record, and into one that is updated, so that it is one of these.
    let marks: [Mark]
    /// The records that its own may refer to, by fields.
    let links: [LinkField]

    /// A column of `load` and its text.
    struct Mark: Sendable, Hashable {
        var column: String
        var text: String

        /// `activity_type_id` of `activity_type_id/id`.
        var field: String { String(column.prefix { $0 != "/" }) }
    }

    init(_ name: String) {
        self.name = name
        guard let known = Self.known[name] else {
            model = name.replacing("-", with: ".")
            label = model
            (domain, marks, links) = ([], [], [])
            return
        }
        (model, label, domain) = (known.model, known.label, known.domain)
        marks = known.marks.map { Mark(column: $0.0, text: $0.1) }
        links = known.links
    }

    static func == (a: OdooObject, b: OdooObject) -> Bool { a.name == b.name }
    func hash(into hasher: inout Hasher) { hasher.combine(name) }

    /// Whether its records have content, and in which field: that of an attachment is base 64.
    var contentField: String? { model == "ir.attachment" ? "datas" : nil }

    /// Whether its fields are known to be all that its records refer to others by.
    var isKnown: Bool { Self.known[name] != nil }

    /// The names of the objects that a relation to the model may lead to.
    static func names(of model: String) -> [String] {
        switch model {
        case "res.partner": ["company", "contact"]
        case "crm.lead": ["deal", "lead"]
        case "calendar.event": ["meeting"]
        case "res.users": ["User"]
        default: [model]
        }
    }

    /// The objects whose records may refer to others.
    static let linked = known.keys.sorted().map { OdooObject($0) }

    /// The objects whose records messages, activities and meetings hang on.
    static let documents = ["company", "contact", "deal", "lead"]

    private struct Known: Sendable {
        var model: String
        var label: String
        var domain: [JSONValue] = []
        var marks: [(String, String)] = []
        var links: [LinkField] = []
    }

    /// The models whose attachments are files of records; others are the server's own: images of fields, parts of pages.
    private static let documentModels: JSONValue = [
        "res.partner", "crm.lead", "calendar.event", "product.template",
    ]

    /// Names of models and fields: odoo/odoo, `addons/contacts`, `crm`, `mail`, `calendar` and `product`. The partner of a
    /// user is that user, and no contact (`partner_share`). Attachments that hold the value of a field (`res_field`) are
    /// hidden unless a search names that field or ids, as ours do.
    private static let known: [String: Known] = [
        "company": Known(
            model: "res.partner", label: "Companies", domain: [["is_company", "=", true]], marks: [("is_company", "1")],
            links: [.field("parent_id", to: ["company"])]),
        "contact": Known(
            model: "res.partner", label: "Contacts",
            domain: [["is_company", "=", false], ["partner_share", "=", true]], marks: [("is_company", "0")],
            links: [.field("parent_id", to: ["company", "contact"])]),
        "lead": Known(
            model: "crm.lead", label: "Leads", domain: [["type", "=", "lead"]], marks: [("type", "lead")],
            links: [.field("partner_id", to: ["company", "contact"])]),
        "deal": Known(
            model: "crm.lead", label: "Opportunities", domain: [["type", "=", "opportunity"]],
            marks: [("type", "opportunity")], links: [.field("partner_id", to: ["company", "contact"])]),
        "note": Known(
            model: "mail.message", label: "Notes", domain: [["message_type", "=", "comment"]],
            marks: [("message_type", "comment"), ("subtype_id/id", "mail.mt_note"), ("is_internal", "1")],
            links: [.document(model: "model", isWritten: true)]),
        "email": Known(
            model: "mail.message", label: "E-mails", domain: [["message_type", "in", ["email", "email_outgoing"]]],
            marks: [("message_type", "email")],
            links: [.list("partner_ids", to: ["contact"]), .document(model: "model", isWritten: true)]),
        "file": Known(
            model: "ir.attachment", label: "Files",
            domain: [["type", "=", "binary"], ["res_field", "=", false], ["res_model", "in", documentModels]],
            marks: [("type", "binary")], links: [.document(model: "res_model", isWritten: true)]),
        "product": Known(model: "product.template", label: "Products"),
        "task": Known(
            model: "mail.activity", label: "Activities",
            domain: [
                "|", ["activity_type_id", "=", false],
                ["activity_type_id.category", "not in", ["phonecall", "meeting"]],
            ], marks: [("activity_type_id/id", "mail.mail_activity_data_todo")],
            links: [.document(model: "res_model", isWritten: false)]),
        "call": Known(
            model: "mail.activity", label: "Planned calls", domain: [["activity_type_id.category", "=", "phonecall"]],
            marks: [("activity_type_id/id", "mail.mail_activity_data_call")],
            links: [.document(model: "res_model", isWritten: false)]),
        "meeting": Known(
            model: "calendar.event", label: "Meetings",
            links: [
                .list("partner_ids", to: ["company", "contact"]),
                .document(model: "res_model", isWritten: false),
            ]),
    ]
}

/// A field by which records refer to others.
enum LinkField: Sendable, Hashable {
    /// One record (`many2one`).
    case field(String, to: [String])
    /// Any number of them (`many2many`).
    case list(String, to: [String])
    /// The record that it hangs on: `res_id`, of the model that another field names. That field is written itself, or
    /// follows from the id of the model.
    case document(model: String, isWritten: Bool)

    static let documentField = "res_id"

    /// The fields of the record that tell of it.
    var fields: [String] {
        switch self {
        case .field(let name, _), .list(let name, _): [name]
        case .document(let model, _): [model, Self.documentField]
        }
    }

    func leads(to object: OdooObject) -> Bool {
        switch self {
        case .field(_, let names), .list(_, let names): names.contains(object.name)
        case .document: true
        }
    }
}
