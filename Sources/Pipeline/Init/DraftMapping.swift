// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezModel

/// A mapping that a program can propose and a person must look at: which object becomes which, which field which, with
/// what was left out.
struct DraftMapping {
    struct Object {
        var stream: StreamName
        var target: String
        var fields: [Field]
        /// Source fields that no field of the destination was found for: name, label, kind.
        var unmapped: [FieldSchema]
        /// Fields of the destination by which existing records are found.
        var matchKeys: [String]
        /// Fields of the source by which doubles are found.
        var mergeKeys: [String]
    }

    struct Field {
        var target: String
        /// What stands behind the colon.
        var rule: String
        /// Why, or what to look at.
        var remark: String?
    }

    struct ValueMap {
        var name: String
        var entries: [(from: String, to: String)]
        /// The source's values without a counterpart: value and label.
        var open: [FieldSchema.Option]
        var otherwise: String
    }

    struct Link {
        var from: StreamName
        var to: StreamName
        var form: String
        var options: String
    }

    var objects: [Object] = []
    var values: [ValueMap] = []
    var links: [Link] = []
    var mapsPeople: Bool { objects.contains { $0.fields.contains { $0.rule.contains("person: true") } } }
}

/// What objects of known connectors are called, and how their records are linked.
enum ObjectPairs {
    /// The objects of a source that a new file begins with.
    static func streams(of connector: String, settings: [String: String]) -> [String] {
        if connector == "hubspot" { return ["company", "contact", "deal", "note"] }
        let names = settings.keys.compactMap { key -> String? in
            let parts = key.split(separator: ".")
            guard parts.count == 3, parts[0] == "objects", parts[2] == "file" || parts[2] == "table" else { return nil }
            return String(parts[1])
        }
        return names.sorted()
    }

    /// What an object of the source becomes; `nil` if the destination has nothing of the kind.
    static func target(of stream: String, in connector: String) -> String? {
        guard connector == "salesforce" else { return stream }
        switch ObjectMeaning.concept(of: stream) {
        case "company": return "Account"
        case "contact": return "Contact"
        case "lead": return "Lead"
        case "deal": return "Opportunity"
        case "note": return "ContentNote"
        case "task", "call": return "Task"
        case "meeting": return "Event"
        case "ticket": return "Case"
        default: return nil
        }
    }

    /// The object that joins two others where a field does not do it.
    static func junction(from: String, to: String) -> String? {
        switch (from, to) {
        case ("Opportunity", "Contact"): "OpportunityContactRole"
        case ("ContentNote", _): "ContentDocumentLink"
        default: nil
        }
    }
}
