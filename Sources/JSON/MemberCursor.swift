// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// Goes through the members of one object of validated bytes.
///
/// Use: `while let member = cursor.next() { … cursor.advance(to: the end of its value) }`.
struct MemberCursor {
    /// One member: the content of its name, and where its value starts.
    struct Member {
        var key: Range<Int>
        var value: Int
        /// Its name must be decoded before it is compared.
        var hasEscapes: Bool
    }

    private let b: Bytes
    /// Where to go on; after the last member, the index after the object.
    private(set) var end: Int

    @inline(__always)
    init(_ b: Bytes, objectAt i: Int) {
        self.b = b
        end = i &+ 1
    }

    /// The next member; `nil` after the last one, and where the bytes are no object.
    @inline(__always)
    mutating func next() -> Member? {
        var i = b.skippingSpace(from: end)
        if i < b.count, b[i] == Byte.comma { i = b.skippingSpace(from: i &+ 1) }
        guard i < b.count, b[i] == Byte.quote else {
            end = min(i &+ 1, b.count)
            return nil
        }
        let stop = b.firstQuoteOrBackslash(from: i &+ 1)
        let hasEscapes = stop < b.count && b[stop] == Byte.backslash
        let keyEnd = hasEscapes ? b.stringEnd(contentFrom: stop) : min(stop &+ 1, b.count)
        let colon = b.skippingSpace(from: keyEnd)
        let value = b.skippingSpace(from: min(colon &+ 1, b.count))
        guard value < b.count else {
            end = b.count
            return nil
        }
        return Member(key: (i &+ 1)..<max(i &+ 1, keyEnd &- 1), value: value, hasEscapes: hasEscapes)
    }

    @inline(__always)
    mutating func advance(to end: Int) { self.end = end }

    /// Whether the member's decoded name is `name`, in UTF-8.
    @inline(__always)
    func isNamed(_ name: some Collection<UInt8>, _ member: Member) -> Bool {
        guard member.hasEscapes else {
            guard member.key.count == name.count else { return false }
            return UnsafeBufferPointer(start: b.start + member.key.lowerBound, count: member.key.count)
                .elementsEqual(name)
        }
        var decoded: [UInt8] = []
        JSONText.appendContent(
            Bytes(start: b.start, count: member.key.upperBound), from: member.key.lowerBound, to: &decoded)
        return decoded.elementsEqual(name)
    }
}
