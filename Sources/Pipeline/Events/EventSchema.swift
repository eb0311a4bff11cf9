// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezJSON

/// The JSON Schema (draft 2020-12) of the event stream, from the catalog that the events are made with.
package enum EventSchema {
    package static var json: JSONValue {
        .object([
            .init("$schema", "https://json-schema.org/draft/2020-12/schema"),
            .init("$id", .string("https://migratez.dev/events-v\(EventCatalog.version).schema.json")),
            .init("title", "Migratez event, one a line"),
            .init("oneOf", .array(EventCatalog.kinds.map { schema(of: $0) })),
        ])
    }

    private static func schema(of kind: EventCatalog.Kind) -> JSONValue {
        var properties: [JSONValue.Member] = [
            .init("v", .object([.init("const", .number(String(EventCatalog.version)))])),
            .init("type", .object([.init("const", .string(kind.name))])),
        ]
        let fields = EventCatalog.common + kind.fields
        properties += fields.map { .init($0.name, schema(of: $0)) }
        let required = ["v", "type"] + fields.filter(\.isRequired).map(\.name)
        return .object([
            .init("title", .string(kind.name)), .init("description", .string(kind.meaning)), .init("type", "object"),
            .init("properties", .object(properties)), .init("required", .array(required.map { .string($0) })),
            .init("additionalProperties", false),
        ])
    }

    private static func schema(of field: EventCatalog.Field) -> JSONValue {
        var members: [JSONValue.Member] =
            switch field.form {
            case .text: [.init("type", "string")]
            case .choice(let choices): [.init("enum", .array(choices.map { .string($0) }))]
            case .whole: [.init("type", "integer")]
            case .decimal: [.init("type", "number")]
            case .texts: [.init("type", "array"), .init("items", .object([.init("type", "string")]))]
            case .time: [.init("type", "string"), .init("format", "date-time")]
            }
        members.append(.init("description", .string(field.meaning)))
        return .object(members)
    }
}
