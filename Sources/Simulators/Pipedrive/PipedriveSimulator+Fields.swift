// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit

/// Fields: those that every company has, and those that somebody made.
extension PipedriveSimulator {
    func fields(_ entity: Entity, _ request: SimulatorRequest) throws -> SimulatorResponse {
        let custom = try store.read { try $0.customFields(of: entity) }
        return try FixedList.page((entity.standardFields + custom).map(\.json), request)
    }

    /// Names need not be unique; the code is made here.
    func createField(_ entity: Entity, _ request: SimulatorRequest) throws -> SimulatorResponse {
        guard let body = try? JSONValue(parsing: request.body), let name = body["field_name"]?.text, !name.isEmpty,
            name.unicodeScalars.count <= 255
        else { throw PipedriveFailure.invalid("field_name", "Expected a string of 1 to 255 characters") }
        guard let type = body["field_type"]?.text, FieldDefinition.creatableTypes.contains(type) else {
            throw PipedriveFailure.invalid("field_type", "Expected one of the types of fields")
        }
        let labels = (body["options"]?.elements ?? []).compactMap { $0["label"]?.text }
        guard (type == "enum" || type == "set") != labels.isEmpty else {
            throw PipedriveFailure.invalid("options", "Expected options for fields of type 'enum' and 'set' only")
        }
        let now = options.clock.now
        let field = try store.write { session in
            let number = try session.count(StoredObject.fields, includingDeleted: true) + 1
            let field = FieldDefinition(
                FieldCode.code(name, number), name, type,
                options: labels.enumerated().map { .init(id: number * 100 + $0, label: $1) }, isCustom: true)
            try session.insert(StoredObject.fields, field.stored(of: entity), at: now)
            return field
        }
        return .data(field.json)
    }

    func noteFields() -> SimulatorResponse {
        let fields: [JSONValue] = ["content", "add_time", "update_time", "deal_id", "person_id", "org_id", "user_id"]
            .enumerated().map { place, key in
                [
                    "id": .number(String(place + 1)), "key": .string(key), "name": .string(key),
                    "field_type": key == "content" ? "text" : "varchar", "mandatory_flag": .bool(key == "content"),
                ]
            }
        return .data(
            .array(fields),
            [.init("additional_data", ["pagination": ["start": 0, "limit": 100, "more_items_in_collection": false]])])
    }
}

/// Codes of fields that somebody made: 40 hexadecimal digits that say nothing.
enum FieldCode {
    static func code(_ name: String, _ number: Int) -> String {
        var code = ""
        var state = UInt64(truncatingIfNeeded: number) &* 0x9E37_79B9_7F4A_7C15
        for byte in name.utf8 { state = (state ^ UInt64(byte)) &* 0x100_0000_01B3 }
        while code.count < 40 {
            state = (state ^ state >> 29) &* 0xBF58_476D_1CE4_E5B9 &+ 1
            let digits = String(state, radix: 16)
            code += String(repeating: "0", count: 16 - digits.count) + digits
        }
        return String(code.prefix(40))
    }
}

extension DocumentSession {
    func customFields(of entity: Entity) throws -> [FieldDefinition] {
        try documents(StoredObject.fields, where: .member("entity", .equals, .string(entity.rawValue)))
            .compactMap { FieldDefinition(stored: $0.document) }
    }
}
