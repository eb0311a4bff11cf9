// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
package import MigratezConnectorKit
import MigratezCrypto
import MigratezJSON

/// What one side's schema was, in digests: enough to tell later what has changed, and nothing of the schema itself.
package struct SchemaFingerprint: Sendable, Encodable, Equatable {
    /// Object → field → the first 16 hexadecimal digits of SHA-256 over everything that the schema says of the field.
    package var objects: [String: [String: String]]

    /// What a run creates itself must not count as a change.
    ///
    /// - Parameters:
    ///   - own: names of fields that a run creates.
    ///   - ownObjects: names of objects that a run creates.
    package init(
        _ schemas: [String: ObjectSchema], leavingOut own: Set<String> = [], objects ownObjects: Set<String> = []
    ) throws {
        objects = [:]
        for (name, schema) in schemas where !ownObjects.contains(name) {
            var fields: [String: String] = [:]
            for field in schema.fields where !own.contains(field.name) {
                fields[field.name] = try Self.digest(field)
            }
            objects[name] = fields
        }
    }

    /// Reads what was encoded; `nil` if it is something else.
    init?(_ value: JSONValue) {
        guard let members = value["objects"]?.members else { return nil }
        objects = [:]
        for object in members {
            var fields: [String: String] = [:]
            for field in object.value.members { fields[field.key] = field.value.text }
            objects[object.key] = fields
        }
    }

    /// Everything in which `later` differs, one sentence each, sorted: `Contact.Email has changed`.
    package func differences(to later: SchemaFingerprint) -> [String] {
        var found: [String] = []
        for name in Set(objects.keys).union(later.objects.keys).sorted() {
            guard let before = objects[name] else {
                found.append("\(name) is new")
                continue
            }
            guard let after = later.objects[name] else {
                found.append("\(name) is gone")
                continue
            }
            for field in Set(before.keys).union(after.keys).sorted() where before[field] != after[field] {
                let what = before[field] == nil ? "is new" : after[field] == nil ? "is gone" : "has changed"
                found.append("\(name).\(field) \(what)")
            }
        }
        return found
    }

    private static func digest(_ field: FieldSchema) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        return String(Hex.encode(SHA256.digest(of: Array(try encoder.encode(field)))).prefix(16))
    }
}
