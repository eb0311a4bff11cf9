// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

// Indexing is the one thing that the transform stage does to every record whatever it maps, so it allocates nothing
// in the steady state and reads each byte once: the nested object is indexed while the record is walked.
//
// Records of one stream name the same members in the same order, most of the time. So the index of the record before is
// kept as far as this one follows it: a name that is the expected one is compared, and neither copied, hashed nor put
// into the table. Of HubSpot's contacts that takes about half of the instructions.

/// Reusable index of one record: its top-level members, and the members of one nested object.
///
/// Names are compared as decoded text; of duplicate keys the last one wins. The index holds names and offsets only: the
/// bytes of the record must be given again to read a value, and must be the same ones. Reusing one index for many
/// records allocates nothing once it has grown to the widest of them.
package struct RecordIndex {
    /// The name of the member that holds the fields; `nil` if they are members of the record itself.
    package let fields: String?

    private let fieldsKey: [UInt8]
    private var entries: [Entry] = []
    /// The decoded names of all entries, one after the other.
    private var keys: [UInt8] = []
    /// Positions in `entries` plus one, by hash; 0 = free. Its length is a power of two, at least twice the entries.
    private var table: [UInt32]
    /// The level of the nested object's entries; 0 if the record has none. It grows with each duplicate of it.
    private var nestedLevel: UInt32 = 0
    private var levels: UInt32 = 0
    /// While the record names the same members as the one before: how many it has named. `nil` once it does not.
    private var followed: Int?
    /// So that nobody can choose names of members which all collide.
    private let seed = UInt64.random(in: .min ... .max)

    /// - Parameter fields: the name of the member that holds the fields, if they are not in the record itself.
    package init(fields: String?) {
        self.fields = fields
        fieldsKey = fields.map { Array($0.utf8) } ?? []
        table = Array(repeating: 0, count: 64)
    }

    private struct Entry {
        var hash: UInt64
        var valueStart: UInt32
        var valueEnd: UInt32
        var keyStart: UInt32
        var keyLength: UInt32
        var level: UInt32
        var kind: JSONSlice.Kind

        var slice: JSONSlice { JSONSlice(range: Int(valueStart)..<Int(valueEnd), kind: kind) }
    }

    /// Forgets the record before and indexes this one, whose bytes must have been validated.
    package mutating func index(_ record: UnsafeBufferPointer<UInt8>) throws(JSONFailure) {
        followed = 0
        nestedLevel = 0
        levels = 0
        defer {
            // It may have ended before the one before did.
            if let followed, followed < entries.count { keep(followed) }
            followed = nil
        }
        guard let start = record.baseAddress else { throw JSONFailure(offset: 0, reason: .empty) }
        guard record.count <= Int(Int32.max) else { throw JSONFailure(offset: Int(Int32.max), reason: .tooLarge) }
        let b = Bytes(start: start, count: record.count)
        let i = b.skippingSpace(from: 0)
        guard i < b.count, b[i] == Byte.openBrace else { throw JSONFailure(offset: i, reason: .notAnObject) }
        _ = indexMembers(b, objectAt: i, level: 0)
    }

    /// The value of a field: looked for in the nested object first, then in the record itself.
    package func slice(_ field: String) -> JSONSlice? {
        if nestedLevel > 0, let slice = find(field, level: nestedLevel) { return slice }
        return find(field, level: 0)
    }

    /// The value of a member of the record itself.
    package func topLevel(_ name: String) -> JSONSlice? { find(name, level: 0) }

    /// The names of the fields, in the record's order; duplicates of a name once.
    package var fieldNames: [String] {
        entries.lazy.filter { $0.level == nestedLevel }.map {
            String(decoding: keys[Int($0.keyStart)..<Int($0.keyStart + $0.keyLength)], as: UTF8.self)
        }
    }

    /// The decoded text of a value; numbers, booleans and anything else as their own text.
    package func string(_ slice: JSONSlice, in record: UnsafeBufferPointer<UInt8>) -> String {
        JSONText.string(slice, of: record)
    }

    // MARK: Indexing

    /// Indexes the members of the object at `i` and returns the index after it.
    private mutating func indexMembers(_ b: Bytes, objectAt i: Int, level: UInt32) -> Int {
        var members = MemberCursor(b, objectAt: i)
        while let member = members.next() {
            let end =
                level == 0 && fields != nil && members.isNamed(fieldsKey, member)
                ? indexNested(b, at: member.value) : JSONScanner.valueEnd(b, from: member.value)
            if !follow(b, member, end: end, level: level) { insert(b, member, end: end, level: level) }
            members.advance(to: end)
        }
        return members.end
    }

    /// Takes the member as the expected one of the record before; false if it is another one, and from then on.
    @inline(__always)
    private mutating func follow(_ b: Bytes, _ member: MemberCursor.Member, end: Int, level: UInt32) -> Bool {
        guard let place = followed else { return false }
        let key = member.key
        if place < entries.count, !member.hasEscapes, entries[place].level == level,
            isKey(entries[place], b.start + key.lowerBound, count: key.count)
        {
            entries[place].valueStart = UInt32(truncatingIfNeeded: member.value)
            entries[place].valueEnd = UInt32(truncatingIfNeeded: end)
            entries[place].kind = JSONSlice.kind(of: b[member.value])
            followed = place &+ 1
            return true
        }
        keep(place)
        followed = nil
        return false
    }

    /// Drops what is left of the record before after its first `count` members.
    private mutating func keep(_ count: Int) {
        entries.removeSubrange(count...)
        var keysEnd = 0
        for entry in entries { keysEnd = max(keysEnd, Int(entry.keyStart &+ entry.keyLength)) }
        keys.removeSubrange(keysEnd...)
        for i in table.indices { table[i] = 0 }
        fillTable()
    }

    /// Indexes the value that should hold the fields, in place of one that came before under the same name.
    private mutating func indexNested(_ b: Bytes, at i: Int) -> Int {
        guard b[i] == Byte.openBrace else {
            nestedLevel = 0
            return JSONScanner.valueEnd(b, from: i)
        }
        levels &+= 1
        nestedLevel = levels
        return indexMembers(b, objectAt: i, level: levels)
    }

    private mutating func insert(_ b: Bytes, _ member: MemberCursor.Member, end: Int, level: UInt32) {
        let keyStart = keys.count
        let key = member.key
        if member.hasEscapes {
            JSONText.appendContent(Bytes(start: b.start, count: key.upperBound), from: key.lowerBound, to: &keys)
        } else {
            keys.append(contentsOf: UnsafeBufferPointer(start: b.start + key.lowerBound, count: key.count))
        }
        let keyLength = keys.count &- keyStart
        if (entries.count + 1) * 2 > table.count { growTable() }
        let hash = keys.withUnsafeBufferPointer {
            keyHash($0.baseAddress, from: keyStart, count: keyLength, level: level)
        }
        let entry = Entry(
            hash: hash, valueStart: UInt32(truncatingIfNeeded: member.value),
            valueEnd: UInt32(truncatingIfNeeded: end), keyStart: UInt32(truncatingIfNeeded: keyStart),
            keyLength: UInt32(truncatingIfNeeded: keyLength), level: level,
            kind: JSONSlice.kind(of: b[member.value]))
        let mask = table.count &- 1
        var place = Int(truncatingIfNeeded: hash) & mask
        while table[place] != 0 {
            let other = Int(table[place]) &- 1
            if entries[other].hash == hash, entries[other].level == level, isSameKey(entries[other], entry) {
                entries[other] = entry
                return
            }
            place = (place &+ 1) & mask
        }
        entries.append(entry)
        table[place] = UInt32(truncatingIfNeeded: entries.count)
    }

    private func isSameKey(_ a: Entry, _ b: Entry) -> Bool {
        keys.withUnsafeBufferPointer { keys in
            guard let start = keys.baseAddress else { return true }
            return isKey(a, start + Int(b.keyStart), count: Int(b.keyLength))
        }
    }

    /// Whether the entry has this name.
    @inline(__always)
    private func isKey(_ entry: Entry, _ name: UnsafePointer<UInt8>?, count: Int) -> Bool {
        guard Int(entry.keyLength) == count else { return false }
        return keys.withUnsafeBufferPointer { keys in
            // Nothing is equal to nothing.
            guard let start = keys.baseAddress, let name, count > 0 else { return true }
            return memcmp(start + Int(entry.keyStart), name, count) == 0
        }
    }

    private mutating func growTable() {
        table = Array(repeating: 0, count: table.count * 2)
        fillTable()
    }

    /// Puts all entries into the table, which is empty.
    private mutating func fillTable() {
        let mask = table.count - 1
        for (number, entry) in entries.enumerated() {
            var place = Int(truncatingIfNeeded: entry.hash) & mask
            while table[place] != 0 { place = (place + 1) & mask }
            table[place] = UInt32(truncatingIfNeeded: number + 1)
        }
    }

    // MARK: Finding

    private func find(_ name: String, level: UInt32) -> JSONSlice? {
        var name = name
        return name.withUTF8 { name in
            let hash = keyHash(name.baseAddress, from: 0, count: name.count, level: level)
            let mask = table.count &- 1
            var place = Int(truncatingIfNeeded: hash) & mask
            while table[place] != 0 {
                let entry = entries[Int(table[place]) &- 1]
                if entry.hash == hash, entry.level == level, isKey(entry, name.baseAddress, count: name.count) {
                    return entry.slice
                }
                place = (place &+ 1) & mask
            }
            return nil
        }
    }

    /// Multiplies and folds eight bytes at a time; the seed keeps it from being predictable.
    @inline(__always)
    private func keyHash(_ start: UnsafePointer<UInt8>?, from: Int, count: Int, level: UInt32) -> UInt64 {
        var hash = seed &+ UInt64(level)
        guard let start else { return hash }
        let bytes = Bytes(start: start + from, count: count)
        var i = 0
        while i &+ 8 <= count {
            hash = folded(hash ^ bytes.word(at: i))
            i &+= 8
        }
        var tail = UInt64(truncatingIfNeeded: count)
        while i < count {
            tail = tail &<< 8 | UInt64(bytes[i])
            i &+= 1
        }
        return folded(hash ^ tail)
    }

    @inline(__always)
    private func folded(_ value: UInt64) -> UInt64 {
        let product = value.multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
        return product.high ^ product.low
    }
}
