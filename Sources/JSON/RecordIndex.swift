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
// Records of one stream have the same names, mostly in the same order. So names stay known from one record to the next,
// and a member is first compared with the name that followed the one before it the last time: most names are neither
// hashed nor copied, and no table has to be emptied.

/// Reusable index of one record: its top-level members, and the members of one nested object.
///
/// Names are compared as decoded text; of duplicate keys the last one wins. The index holds names and offsets only: the
/// bytes of the record must be given again to read a value, and must be the same ones. Reusing one index for many
/// records allocates nothing once it has grown to the widest of them. It cannot be copied: a copy for each record that is
/// looked at was a tenth of what links cost.
package struct RecordIndex: ~Copyable {
    /// The name of the member that holds the fields; `nil` if they are members of the record itself.
    package let fields: String?

    private let fieldsKey: [UInt8]
    /// Every name that any record had, apart for the record itself and for the nested object.
    private var entries: [Entry] = []
    /// The decoded names of all entries, one after the other.
    private var keys: [UInt8] = []
    /// Positions in `entries` plus one, by hash; 0 = free. Its length is a power of two, at least twice the entries.
    private var table: [UInt32]
    /// Counts the objects that were indexed; an entry is one of a record's if it has the number of one of its two objects.
    private var objects: UInt64 = 0
    private var topLevel: UInt64 = 0
    /// 0 if the record has no nested object. Of several the last one counts.
    private var nested: UInt64 = 0
    /// The entry that the next member is compared with first.
    private var expected = 0
    /// So that nobody can choose names of members which all collide.
    private let seed = UInt64.random(in: .min ... .max)
    /// Names of records that all have other ones are forgotten now and then.
    private static let entriesMax = 16_384

    /// - Parameter fields: the name of the member that holds the fields, if they are not in the record itself.
    package init(fields: String?) {
        self.fields = fields
        fieldsKey = fields.map { Array($0.utf8) } ?? []
        table = Array(repeating: 0, count: 64)
    }

    private struct Entry {
        var hash: UInt64
        /// The object that it was seen in last.
        var object: UInt64
        var valueStart: UInt32
        var valueEnd: UInt32
        var keyStart: UInt32
        var keyLength: UInt32
        var isNested: Bool
        var kind: JSONSlice.Kind

        var slice: JSONSlice { JSONSlice(range: Int(valueStart)..<Int(valueEnd), kind: kind) }
    }

    /// Forgets the record before and indexes this one, whose bytes must have been validated.
    package mutating func index(_ record: UnsafeBufferPointer<UInt8>) throws(JSONFailure) {
        if entries.count > Self.entriesMax { forgetNames() }
        objects &+= 1
        topLevel = objects
        nested = 0
        expected = 0
        guard let start = record.baseAddress else { throw JSONFailure(offset: 0, reason: .empty) }
        guard record.count <= Int(Int32.max) else { throw JSONFailure(offset: Int(Int32.max), reason: .tooLarge) }
        let b = Bytes(start: start, count: record.count)
        let i = b.skippingSpace(from: 0)
        guard i < b.count, b[i] == Byte.openBrace else { throw JSONFailure(offset: i, reason: .notAnObject) }
        _ = indexMembers(b, objectAt: i, isNested: false)
    }

    /// The value of a field: looked for in the nested object first, then in the record itself.
    package func slice(_ field: String) -> JSONSlice? {
        if nested > 0, let slice = find(field, isNested: true) { return slice }
        return find(field, isNested: false)
    }

    /// The value of a member of the record itself.
    package func topLevel(_ name: String) -> JSONSlice? { find(name, isNested: false) }

    /// The names of the fields, in the record's order; duplicates of a name once.
    package var fieldNames: [String] {
        let object = nested > 0 ? nested : topLevel
        return entries.filter { $0.object == object }.sorted { $0.valueStart < $1.valueStart }.map {
            String(decoding: keys[Int($0.keyStart)..<Int($0.keyStart + $0.keyLength)], as: UTF8.self)
        }
    }

    /// The decoded text of a value; numbers, booleans and anything else as their own text.
    package func string(_ slice: JSONSlice, in record: UnsafeBufferPointer<UInt8>) -> String {
        JSONText.string(slice, of: record)
    }

    // MARK: Indexing

    /// Indexes the members of the object at `i` and returns the index after it.
    private mutating func indexMembers(_ b: Bytes, objectAt i: Int, isNested: Bool) -> Int {
        let object = objects
        var members = MemberCursor(b, objectAt: i)
        while let member = members.next() {
            let place = entry(b, member, isNested: isNested)
            expected = place &+ 1
            let end =
                !isNested && member.key.count >= fieldsKey.count && fields != nil && members.isNamed(fieldsKey, member)
                ? indexNested(b, at: member.value) : JSONScanner.valueEnd(b, from: member.value)
            entries[place].object = object
            entries[place].valueStart = UInt32(truncatingIfNeeded: member.value)
            entries[place].valueEnd = UInt32(truncatingIfNeeded: end)
            entries[place].kind = JSONSlice.kind(of: b[member.value])
            members.advance(to: end)
        }
        return members.end
    }

    /// Indexes the value that should hold the fields, in place of one that came before under the same name.
    private mutating func indexNested(_ b: Bytes, at i: Int) -> Int {
        nested = 0
        guard b[i] == Byte.openBrace else { return JSONScanner.valueEnd(b, from: i) }
        objects &+= 1
        nested = objects
        return indexMembers(b, objectAt: i, isNested: true)
    }

    /// The place of the entry with the member's name.
    @inline(__always)
    private mutating func entry(_ b: Bytes, _ member: MemberCursor.Member, isNested: Bool) -> Int {
        let key = member.key
        if expected < entries.count, !member.hasEscapes, entries[expected].isNested == isNested,
            Self.isKey(entries[expected], of: keys, b.start + key.lowerBound, count: key.count)
        {
            return expected
        }
        guard member.hasEscapes else { return entry(b.start + key.lowerBound, count: key.count, isNested: isNested) }
        var name: [UInt8] = []
        JSONText.appendContent(Bytes(start: b.start, count: key.upperBound), from: key.lowerBound, to: &name)
        return name.withUnsafeBufferPointer { entry($0.baseAddress, count: $0.count, isNested: isNested) }
    }

    /// The place of the entry with the name, which is made if there is none.
    private mutating func entry(_ name: UnsafePointer<UInt8>?, count: Int, isNested: Bool) -> Int {
        let hash = Self.keyHash(name, count: count, isNested: isNested, seed)
        if let known = place(of: name, count: count, hash, isNested: isNested) { return known }
        if (entries.count + 1) * 2 > table.count { growTable() }
        entries.append(
            Entry(
                hash: hash, object: 0, valueStart: 0, valueEnd: 0, keyStart: UInt32(truncatingIfNeeded: keys.count),
                keyLength: UInt32(truncatingIfNeeded: count), isNested: isNested, kind: .null))
        keys.append(contentsOf: UnsafeBufferPointer(start: name, count: count))
        note(entries.count - 1)
        return entries.count - 1
    }

    private mutating func growTable() {
        table = Array(repeating: 0, count: table.count * 2)
        for number in entries.indices { note(number) }
    }

    /// Puts an entry into the table, where it is not yet.
    private mutating func note(_ number: Int) {
        let mask = table.count - 1
        var place = Int(truncatingIfNeeded: entries[number].hash) & mask
        while table[place] != 0 { place = (place + 1) & mask }
        table[place] = UInt32(truncatingIfNeeded: number + 1)
    }

    private mutating func forgetNames() {
        entries.removeAll()
        keys.removeAll()
        table = Array(repeating: 0, count: 64)
    }

    // MARK: Finding

    private func find(_ name: String, isNested: Bool) -> JSONSlice? {
        var name = name
        return name.withUTF8 { name in
            let hash = Self.keyHash(name.baseAddress, count: name.count, isNested: isNested, seed)
            guard let place = place(of: name.baseAddress, count: name.count, hash, isNested: isNested),
                entries[place].object == (isNested ? nested : topLevel)
            else { return nil }
            return entries[place].slice
        }
    }

    /// Where the entry with the name is, if any record had it.
    @inline(__always)
    private func place(of name: UnsafePointer<UInt8>?, count: Int, _ hash: UInt64, isNested: Bool) -> Int? {
        let mask = table.count &- 1
        var place = Int(truncatingIfNeeded: hash) & mask
        while table[place] != 0 {
            let number = Int(table[place]) &- 1
            if entries[number].hash == hash, entries[number].isNested == isNested,
                Self.isKey(entries[number], of: keys, name, count: count)
            {
                return number
            }
            place = (place &+ 1) & mask
        }
        return nil
    }

    // What is asked for each member is static: as a method, it would take the whole index, and copy it where that is
    // being changed.

    /// Whether the entry has this name.
    @inline(__always)
    private static func isKey(
        _ entry: Entry, of keys: [UInt8], _ name: UnsafePointer<UInt8>?, count: Int
    ) -> Bool {
        guard Int(entry.keyLength) == count else { return false }
        return keys.withUnsafeBufferPointer { keys in
            // Nothing is equal to nothing.
            guard let start = keys.baseAddress, let name, count > 0 else { return true }
            return memcmp(start + Int(entry.keyStart), name, count) == 0
        }
    }

    /// Multiplies and folds eight bytes at a time; the seed keeps it from being predictable.
    @inline(__always)
    private static func keyHash(_ start: UnsafePointer<UInt8>?, count: Int, isNested: Bool, _ seed: UInt64) -> UInt64 {
        var hash = seed &+ (isNested ? 1 : 0)
        guard let start else { return hash }
        let bytes = Bytes(start: start, count: count)
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
    private static func folded(_ value: UInt64) -> UInt64 {
        let product = value.multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
        return product.high ^ product.low
    }
}
