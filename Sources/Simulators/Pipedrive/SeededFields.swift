// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON

/// The fields that somebody in the company has made: of each kind of value one.
struct SeededFields {
    let byEntity: [(Entity, [FieldDefinition])]

    init() {
        var count = 0
        func field(_ name: String, _ type: String, _ labels: [String] = []) -> FieldDefinition {
            count += 1
            return FieldDefinition(
                FieldCode.code(name, count), name, type,
                options: labels.enumerated().map { [count] in .init(id: count * 100 + $0, label: $1) }, isCustom: true)
        }
        byEntity = [
            (
                .person,
                [
                    field("Position", "varchar"), field("Birthday", "date"), field("Remarks", "text"),
                    field(
                        "Lifecycle stage", "enum",
                        [
                            "subscriber", "lead", "marketingqualifiedlead", "salesqualifiedlead", "opportunity",
                            "customer", "evangelist", "other",
                        ]),
                    field("Languages", "set", ["en", "de", "no", "fr", "ja", "ar", "he"]),
                    field("Income", "monetary"), field("Home", "address"),
                ]
            ),
            (
                .organization,
                [
                    field("Domain", "varchar"), field("About", "text"), field("Phone number", "phone"),
                    field("Company type", "enum", ["PROSPECT", "PARTNER", "RESELLER", "VENDOR", "OTHER"]),
                ]
            ),
            (
                .deal,
                [
                    field("Summary", "text"), field("Campaign", "varchar"),
                    field("Deal type", "enum", ["newbusiness", "existingbusiness"]),
                ]
            ),
        ]
    }

    private func field(_ entity: Entity, _ name: String) -> FieldDefinition? {
        byEntity.first { $0.0 == entity }?.1.first { $0.name == name }
    }

    func code(_ entity: Entity, _ name: String) -> String {
        guard let field = field(entity, name) else { preconditionFailure("\(name) is not one of the fields") }
        return field.code
    }

    /// The id of the option with this label.
    func option(_ entity: Entity, _ name: String, _ label: String?) -> JSONValue? {
        guard let option = field(entity, name)?.options.first(where: { $0.label == label }) else { return nil }
        return .number(String(option.id))
    }
}
