// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCrypto
import MigratezStaging

/// A fixed-width entry of an external sort. Numbers are written in big-endian order, so that the sorter's byte order
/// is their numeric order.
protocol FixedEntry {
    static var width: Int { get }
    init(_ bytes: UnsafeRawBufferPointer)
    func write(to bytes: UnsafeMutableRawBufferPointer)
}

extension ExternalSorter {
    /// Appends one entry; the sorter must have been made for its width.
    mutating func append(_ entry: some FixedEntry) throws {
        try withUnsafeTemporaryAllocation(byteCount: type(of: entry).width, alignment: 8) { buffer in
            entry.write(to: buffer)
            try append(UnsafeRawBufferPointer(buffer))
        }
    }
}

extension SortedEntries {
    /// The next entry in order, or `nil` after the last.
    mutating func next<E: FixedEntry>(_ make: (UnsafeRawBufferPointer) -> E) throws -> E? {
        try withNext { make($0) }
    }
}

extension UnsafeRawBufferPointer {
    /// The big-endian number at `offset`.
    func bigEndian(at offset: Int) -> UInt64 {
        UInt64(bigEndian: loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }
}

extension UnsafeMutableRawBufferPointer {
    /// Writes the number in big-endian order at `offset`.
    func storeBigEndian(_ value: UInt64, at offset: Int) {
        storeBytes(of: value.bigEndian, toByteOffset: offset, as: UInt64.self)
    }
}

/// Two ordinals: an edge between records, or a record and its group.
struct PairEntry: FixedEntry, Equatable {
    static let width = 16
    var first: UInt64
    var second: UInt64

    init(_ first: UInt64, _ second: UInt64) {
        self.first = first
        self.second = second
    }

    init(_ bytes: UnsafeRawBufferPointer) {
        first = bytes.bigEndian(at: 0)
        second = bytes.bigEndian(at: 8)
    }

    func write(to bytes: UnsafeMutableRawBufferPointer) {
        bytes.storeBigEndian(first, at: 0)
        bytes.storeBigEndian(second, at: 8)
    }
}

/// The pseudonym of an id or of the values of a match key, with the ordinal of the record that has it.
struct PseudonymEntry: FixedEntry, Equatable {
    static let width = 24
    var hash: Pseudonym
    var ordinal: UInt64

    init(_ hash: Pseudonym, _ ordinal: UInt64) {
        self.hash = hash
        self.ordinal = ordinal
    }

    init(_ bytes: UnsafeRawBufferPointer) {
        hash = Pseudonym(high: bytes.bigEndian(at: 0), low: bytes.bigEndian(at: 8))
        ordinal = bytes.bigEndian(at: 16)
    }

    func write(to bytes: UnsafeMutableRawBufferPointer) {
        bytes.storeBigEndian(hash.high, at: 0)
        bytes.storeBigEndian(hash.low, at: 8)
        bytes.storeBigEndian(ordinal, at: 16)
    }
}
