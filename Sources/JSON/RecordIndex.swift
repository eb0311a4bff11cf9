// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

// Indexing is the one thing that the transform stage does to every record whatever it maps, so it allocates nothing
// in the steady state and reads each byte once: the nested object is indexed while the record is walked.

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
        for i in table.indices { table[i] = 0 }
        entries.removeAll(keepingCapacity: true)
        keys.removeAll(keepingCapacity: true)
        nestedLevel = 0
        levels = 0
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
            let keyStart = keys.count
            appendKey(b, member)
            let keyLength = keys.count &- keyStart
            let end =
                level == 0 && fields != nil && keyLength == fieldsKey.count
                    && keys[keyStart...].elementsEqual(fieldsKey)
                ? indexNested(b, at: member.value) : JSONScanner.valueEnd(b, from: member.value)
            insert(b, keyStart: keyStart, keyLength: keyLength, value: member.value, end: end, level: level)
            members.advance(to: end)
        }
        return members.end
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

    @inline(__always)
    private mutating func appendKey(_ b: Bytes, _ member: MemberCursor.Member) {
        let key = member.key
        if member.hasEscapes {
            JSONText.appendContent(Bytes(start: b.start, count: key.upperBound), from: key.lowerBound, to: &keys)
        } else {
            keys.append(contentsOf: UnsafeBufferPointer(start: b.start + key.lowerBound, count: key.count))
        }
    }

    @inline(__always)
    private mutating func insert(_ b: Bytes, keyStart: Int, keyLength: Int, value: Int, end: Int, level: UInt32) {
        if (entries.count + 1) * 2 > table.count { growTable() }
        let hash = keys.withUnsafeBufferPointer {
            keyHash($0.baseAddress, from: keyStart, count: keyLength, level: level)
        }
        let entry = Entry(
            hash: hash, valueStart: UInt32(truncatingIfNeeded: value), valueEnd: UInt32(truncatingIfNeeded: end),
            keyStart: UInt32(truncatingIfNeeded: keyStart),
            keyLength: UInt32(truncatingIfNeeded: keyLength), level: level, kind: JSONSlice.kind(of: b[value]))
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
        keys[Int(a.keyStart)..<Int(a.keyStart + a.keyLength)]
            .elementsEqual(keys[Int(b.keyStart)..<Int(b.keyStart + b.keyLength)])
    }

    private mutating func growTable() {
        table = Array(repeating: 0, count: table.count * 2)
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
                if entry.hash == hash, entry.level == level,
                    keys[Int(entry.keyStart)..<Int(entry.keyStart + entry.keyLength)].elementsEqual(name)
                {
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
