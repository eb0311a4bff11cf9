// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// A JSON value as a tree, for answers that steer the work (describe, errors, settings); never for records.
package enum JSONValue: Sendable, Equatable {
    case null
    case bool(Bool)
    /// A number as it was written.
    case number(String)
    case string(String)
    case array([JSONValue])
    /// The members in their order; of duplicate keys the last one is found.
    case object([Member])

    package struct Member: Sendable, Equatable {
        package var key: String
        package var value: JSONValue

        package init(_ key: String, _ value: JSONValue) {
            self.key = key
            self.value = value
        }
    }

    /// Validates and reads one document.
    package init(parsing document: [UInt8], limits: JSONLimits = .page) throws(JSONFailure) {
        self = try document.withUnsafeBufferPointer { (document) throws(JSONFailure) in
            try JSONScanner.validate(document, limits: limits)
            return JSONValue(validated: document)
        }
    }

    /// Reads one document that has been validated.
    package init(validated document: UnsafeBufferPointer<UInt8>) {
        guard let start = document.baseAddress else {
            self = .null
            return
        }
        let b = Bytes(start: start, count: document.count)
        var i = b.skippingSpace(from: 0)
        self = JSONValue.value(b, at: &i)
    }

    /// The value of a member; `nil` if there is none or this is no object.
    package subscript(_ key: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.last { $0.key == key }?.value
    }

    /// An element; `nil` if there is none or this is no array.
    package subscript(_ index: Int) -> JSONValue? {
        guard case .array(let elements) = self, elements.indices.contains(index) else { return nil }
        return elements[index]
    }

    /// The text of a string, or of a number as it was written; `nil` for anything else.
    package var text: String? {
        switch self {
        case .string(let text), .number(let text): text
        default: nil
        }
    }

    /// A whole number, also if it is written in a string.
    package var int: Int? { text.flatMap { Int($0) } }

    package var bool: Bool? {
        guard case .bool(let value) = self else { return nil }
        return value
    }

    /// The elements of an array; empty for anything else.
    package var elements: [JSONValue] {
        guard case .array(let elements) = self else { return [] }
        return elements
    }

    /// The members of an object; empty for anything else.
    package var members: [Member] {
        guard case .object(let members) = self else { return [] }
        return members
    }

    package var isNull: Bool { self == .null }

    /// Compact JSON.
    package func serialized() -> [UInt8] {
        var writer = JSONWriter()
        write(to: &writer)
        return writer.bytes
    }

    /// Writes the value where a writer stands.
    package func write(to writer: inout JSONWriter) {
        switch self {
        case .null: writer.null()
        case .bool(let value): writer.bool(value)
        case .number(let text): writer.raw(text.utf8)
        case .string(let text): writer.string(text)
        case .array(let elements):
            writer.beginArray()
            for element in elements { element.write(to: &writer) }
            writer.endArray()
        case .object(let members):
            writer.beginObject()
            for member in members {
                writer.key(member.key)
                member.value.write(to: &writer)
            }
            writer.endObject()
        }
    }

    /// Recursion is bounded: the validator has capped the depth.
    private static func value(_ b: Bytes, at i: inout Int) -> JSONValue {
        guard i < b.count else { return .null }
        let document = UnsafeBufferPointer(start: b.start, count: b.count)
        let kind = JSONSlice.kind(of: b[i])
        switch kind {
        case .object:
            var members: [Member] = []
            var cursor = MemberCursor(b, objectAt: i)
            while let member = cursor.next() {
                let quoted = (member.key.lowerBound - 1)..<(member.key.upperBound + 1)
                let name = JSONText.string(JSONSlice(range: quoted, kind: .string), of: document)
                var end = member.value
                members.append(Member(name, value(b, at: &end)))
                cursor.advance(to: end)
            }
            i = cursor.end
            return .object(members)
        case .array:
            var elements: [JSONValue] = []
            i = b.skippingSpace(from: i + 1)
            while i < b.count, b[i] != Byte.closeBracket {
                elements.append(value(b, at: &i))
                i = b.skippingSpace(from: i)
                if i < b.count, b[i] == Byte.comma { i = b.skippingSpace(from: i + 1) }
            }
            i = min(i + 1, b.count)
            return .array(elements)
        case .string, .number:
            let slice = JSONSlice(range: i..<JSONScanner.valueEnd(b, from: i), kind: kind)
            i = slice.range.upperBound
            let text = JSONText.string(slice, of: document)
            return kind == .string ? .string(text) : .number(text)
        case .true, .false, .null:
            i = JSONScanner.valueEnd(b, from: i)
            return kind == .null ? .null : .bool(kind == .true)
        }
    }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    package init(stringLiteral value: String) { self = .string(value) }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    package init(integerLiteral value: Int) { self = .number(String(value)) }
    package init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    package init(dictionaryLiteral elements: (String, JSONValue)...) {
        self = .object(elements.map { Member($0.0, $0.1) })
    }
}
