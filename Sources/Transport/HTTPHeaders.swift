// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// One header line. Its description shows the name only: values may be credentials.
package struct HTTPHeader: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable
{
    package var name: String
    package var value: String

    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }

    package var description: String { "\(name): «\(value.utf8.count) bytes»" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

/// The headers of an answer, in the order in which they came. Names are compared without regard to case (RFC 9110 §5.1).
package struct HTTPHeaders: Sendable, Hashable {
    package private(set) var fields: [HTTPHeader]

    package init(_ fields: [HTTPHeader] = []) { self.fields = fields }

    /// The value of the first header of that name.
    package subscript(name: String) -> String? { fields.first { HTTPHeaders.equal($0.name, name) }?.value }

    /// The values of all headers of that name.
    package func values(_ name: String) -> [String] {
        fields.lazy.filter { HTTPHeaders.equal($0.name, name) }.map(\.value)
    }

    package mutating func append(_ field: HTTPHeader) { fields.append(field) }

    /// ASCII letters match in either case.
    static func equal(_ a: String, _ b: String) -> Bool {
        a.utf8.count == b.utf8.count && zip(a.utf8, b.utf8).allSatisfy { lowercased($0) == lowercased($1) }
    }

    private static func lowercased(_ byte: UInt8) -> UInt8 { (0x41...0x5A).contains(byte) ? byte | 0x20 : byte }
}
