// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
package import MigratezModel

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// What all references that come from one link of the pipeline have in common. There are a few of them in a run and
/// millions of references, which share them.
package final class ReferenceRole: Sendable {
    /// The destination's field; empty for the record that a link becomes a field of.
    package let field: String
    /// The stream of the records that are pointed to.
    package let stream: StreamName
    /// The stream of the links that the references came from; `nil` for the ends of a link.
    package let link: StreamName?
    /// What to do if the record was not loaded.
    package let onMissing: String
    /// How a reference of this role begins, up to the number: `{"field":"AccountId","to":"company","missing":"empty","n":`.
    let head: [UInt8]

    package init(field: String, stream: StreamName, link: StreamName? = nil, onMissing: String) {
        self.field = field
        self.stream = stream
        self.link = link
        self.onMissing = onMissing
        var writer = JSONWriter(capacity: 128)
        writer.beginObject()
        writer.key("field")
        writer.string(field)
        writer.key("to")
        writer.string(stream.text)
        writer.key("missing")
        writer.string(onMissing)
        if let link {
            writer.key("link")
            writer.string(link.text)
        }
        writer.key("n")
        head = writer.bytes
    }
}

extension ReferenceRole: Hashable {
    package static func == (a: ReferenceRole, b: ReferenceRole) -> Bool { a === b || a.head == b.head }
    package func hash(into hasher: inout Hasher) { hasher.combine(head) }
}

extension ReadyLine {
    /// A field that will hold the destination's id of another record of the run.
    package struct Reference: Sendable, Hashable {
        package var role: ReferenceRole
        /// The ordinal of the record that is pointed to, in the role's stream.
        package var ordinal: Int
        /// The ordinal of the link that this came from, in the role's link stream; `nil` for the ends of a link.
        package var edge: Int?

        package init(_ role: ReferenceRole, ordinal: Int, edge: Int? = nil) {
            self.role = role
            self.ordinal = ordinal
            self.edge = edge
        }

        package init(
            field: String, stream: StreamName, ordinal: Int, link: StreamName? = nil, edge: Int? = nil,
            onMissing: String
        ) {
            let role = ReferenceRole(field: field, stream: stream, link: link, onMissing: onMissing)
            self.init(role, ordinal: ordinal, edge: edge)
        }

        package var field: String { role.field }
        package var stream: StreamName { role.stream }
        package var link: StreamName? { role.link }
        package var onMissing: String { role.onMissing }

        fileprivate func write(to writer: inout JSONWriter) {
            writer.beginObject(prepared: role.head)
            writer.int(ordinal)
            if let edge {
                writer.key("edge")
                writer.int(edge)
            }
            writer.endObject()
        }
    }

    /// Writes the member `refs`, if there are any.
    static func write(_ references: [Reference], to writer: inout JSONWriter) {
        guard !references.isEmpty else { return }
        writer.key("refs")
        writer.beginArray()
        for reference in references { reference.write(to: &writer) }
        writer.endArray()
    }
}

/// Reads the references of many lines, and keeps the roles that it met.
struct ReferenceReader {
    private var roles: [ReferenceRole] = []
    /// More roles than a pipeline has; what is beyond is read all the same.
    private static let rolesMax = 256

    /// The references in the value of the member `refs`.
    mutating func references(
        _ slice: JSONSlice?, in line: UnsafeBufferPointer<UInt8>
    ) throws(MigratezError) -> [ReadyLine.Reference] {
        guard let slice else { return [] }
        if let known = knownReferences(UnsafeBufferPointer(rebasing: line[slice.range])) { return known }
        var references: [ReadyLine.Reference] = []
        for element in slice.elements(in: line) { references.append(try reference(element, in: line)) }
        return references
    }

    /// The references of an array as `write` makes it, where each has a role that was met before. A reference begins as
    /// its role says, byte for byte, and only its numbers are read.
    private func knownReferences(_ array: UnsafeBufferPointer<UInt8>) -> [ReadyLine.Reference]? {
        var found: [ReadyLine.Reference] = []
        var i = 1
        while true {
            guard let role = roles.first(where: { array.has($0.head, at: i) }) else { return nil }
            i += role.head.count
            guard let ordinal = array.number(at: &i) else { return nil }
            var edge: Int?
            if array.has(Self.edgeKey, at: i) {
                i += Self.edgeKey.count
                edge = array.number(at: &i)
            }
            found.append(ReadyLine.Reference(role, ordinal: ordinal, edge: edge))
            guard i + 1 < array.count, array[i] == UInt8(ascii: "}") else { return nil }
            switch array[i + 1] {
            case UInt8(ascii: ","): i += 2
            case UInt8(ascii: "]"): return found
            default: return nil
            }
        }
    }

    private static let edgeKey = Array(#","edge":"#.utf8)

    private mutating func reference(
        _ slice: JSONSlice, in line: UnsafeBufferPointer<UInt8>
    ) throws(MigratezError) -> ReadyLine.Reference {
        func text(_ name: String) -> String? { slice.member(name, in: line).map { JSONText.string($0, of: line) } }
        guard let field = text("field"), let stream = text("to").flatMap({ StreamName($0) }),
            let ordinal = slice.member("n", in: line)?.integer(in: line), let onMissing = text("missing")
        else { throw MigratezError(.chunkCorrupt, "a reference in a ready chunk is incomplete") }
        let role = ReferenceRole(
            field: field, stream: stream, link: text("link").flatMap { StreamName($0) }, onMissing: onMissing)
        return ReadyLine.Reference(
            known(role), ordinal: ordinal, edge: slice.member("edge", in: line)?.integer(in: line))
    }

    /// The same role as it was met before, if it was.
    private mutating func known(_ role: ReferenceRole) -> ReferenceRole {
        if let known = roles.first(where: { $0 == role }) { return known }
        if roles.count < Self.rolesMax { roles.append(role) }
        return role
    }
}

extension UnsafeBufferPointer<UInt8> {
    /// Whether these bytes, of which there is at least one, stand at `i`.
    fileprivate func has(_ bytes: [UInt8], at i: Int) -> Bool {
        guard i + bytes.count <= count, let start = baseAddress else { return false }
        return bytes.withUnsafeBytes { memcmp(start + i, $0.baseAddress.unsafelyUnwrapped, $0.count) == 0 }
    }

    /// The number whose digits begin at `i`, which moves behind them; at most 18 digits.
    fileprivate func number(at i: inout Int) -> Int? {
        let start = i
        var value = 0
        while i < count, i - start < 19, case let digit = Int(self[i]) - 0x30, (0...9).contains(digit) {
            value = value &* 10 &+ digit
            i += 1
        }
        return (1...18).contains(i - start) ? value : nil
    }
}
