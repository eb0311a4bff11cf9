// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCrypto

/// Why an edge cannot be followed.
enum EdgeState: UInt64 {
    /// The record exists and will be loaded.
    case resolved = 0
    /// There is no such record in the source.
    case missing = 1
    /// The record exists but the pipeline leaves it out, or it was rejected before the load.
    case leftOut = 2
}

/// What an id of a stream leads to: the record that stands for it.
struct TargetEntry: FixedEntry {
    static let width = 32
    var hash: Pseudonym
    /// The survivor's ordinal.
    var ordinal: UInt64
    var state: EdgeState

    init(hash: Pseudonym, ordinal: UInt64, state: EdgeState) {
        self.hash = hash
        self.ordinal = ordinal
        self.state = state
    }

    init(_ bytes: UnsafeRawBufferPointer) {
        hash = Pseudonym(high: bytes.bigEndian(at: 0), low: bytes.bigEndian(at: 8))
        ordinal = bytes.bigEndian(at: 16)
        state = EdgeState(rawValue: bytes.bigEndian(at: 24)) ?? .missing
    }

    func write(to bytes: UnsafeMutableRawBufferPointer) {
        bytes.storeBigEndian(hash.high, at: 0)
        bytes.storeBigEndian(hash.low, at: 8)
        bytes.storeBigEndian(ordinal, at: 16)
        bytes.storeBigEndian(state.rawValue, at: 24)
    }
}

/// An edge whose one end is still an id: sorted by that id's hash it can be joined with `TargetEntry`s.
struct EdgeEntry: FixedEntry {
    static let width = 64
    /// The id that is looked up next.
    var key: Pseudonym
    /// The edge's ordinal in its stream.
    var edge: UInt64
    /// The id of the other end (before it is looked up), or zero.
    var other: Pseudonym
    /// The survivor at the end that was looked up already.
    var resolved: UInt64
    /// A hash of the label, 0 = none: two labels between the same records are two links.
    var label: UInt64
    /// Position of the route in the pipeline file, rank (0 = primary) and state, from high to low bits.
    var flags: UInt64

    init(key: Pseudonym, edge: UInt64, other: Pseudonym, resolved: UInt64, label: UInt64, flags: UInt64) {
        self.key = key
        self.edge = edge
        self.other = other
        self.resolved = resolved
        self.label = label
        self.flags = flags
    }

    init(_ bytes: UnsafeRawBufferPointer) {
        key = Pseudonym(high: bytes.bigEndian(at: 0), low: bytes.bigEndian(at: 8))
        edge = bytes.bigEndian(at: 16)
        other = Pseudonym(high: bytes.bigEndian(at: 24), low: bytes.bigEndian(at: 32))
        resolved = bytes.bigEndian(at: 40)
        label = bytes.bigEndian(at: 48)
        flags = bytes.bigEndian(at: 56)
    }

    func write(to bytes: UnsafeMutableRawBufferPointer) {
        bytes.storeBigEndian(key.high, at: 0)
        bytes.storeBigEndian(key.low, at: 8)
        bytes.storeBigEndian(edge, at: 16)
        bytes.storeBigEndian(other.high, at: 24)
        bytes.storeBigEndian(other.low, at: 32)
        bytes.storeBigEndian(resolved, at: 40)
        bytes.storeBigEndian(label, at: 48)
        bytes.storeBigEndian(flags, at: 56)
    }

    /// What stands for a label with this pseudonym.
    static func label(_ pseudonym: Pseudonym) -> UInt64 { max(pseudonym.high, 1) }

    static func flags(route: Int, isPrimary: Bool, state: EdgeState) -> UInt64 {
        UInt64(route) << 16 | (isPrimary ? 0 : 1) << 8 | state.rawValue
    }

    var route: Int { Int(flags >> 16) }
    var state: EdgeState { EdgeState(rawValue: flags & 0xFF) ?? .missing }

    /// Notes what the id in `key` led to.
    mutating func resolve(to target: TargetEntry?) {
        resolved = target?.ordinal ?? 0
        flags = flags & ~0xFF | (target?.state ?? .missing).rawValue
    }
}

/// An edge at the record that it starts from, in the order in which records are mapped. Of the edges of one record and
/// one route, the primary ones come first, then the order of the source.
struct RecordEdgeEntry: FixedEntry, Equatable {
    static let width = 32
    /// For edges whose from-record does not exist; they come last.
    static let noRecord = UInt64.max

    /// The from-record's ordinal.
    var record: UInt64
    /// As in `EdgeEntry`.
    var flags: UInt64
    var edge: UInt64
    /// The survivor's ordinal at the other end.
    var target: UInt64

    init(record: UInt64, flags: UInt64, edge: UInt64, target: UInt64) {
        self.record = record
        self.flags = flags
        self.edge = edge
        self.target = target
    }

    init(_ bytes: UnsafeRawBufferPointer) {
        record = bytes.bigEndian(at: 0)
        flags = bytes.bigEndian(at: 8)
        edge = bytes.bigEndian(at: 16)
        target = bytes.bigEndian(at: 24)
    }

    func write(to bytes: UnsafeMutableRawBufferPointer) {
        bytes.storeBigEndian(record, at: 0)
        bytes.storeBigEndian(flags, at: 8)
        bytes.storeBigEndian(edge, at: 16)
        bytes.storeBigEndian(target, at: 24)
    }

    var route: Int { Int(flags >> 16) }
    var rank: UInt64 { flags >> 8 & 0xFF }
    var state: EdgeState { EdgeState(rawValue: flags & 0xFF) ?? .missing }
}

/// A junction's edge with both ends known, ordered so that the links of a record, and equal ones, are neighbours.
struct JunctionEntry: FixedEntry {
    static let width = 32
    var from: UInt64
    var to: UInt64
    var label: UInt64
    var edge: UInt64
    /// 0 = primary.
    var rank: UInt64
    var state: EdgeState

    /// An edge whose from-record is looked up, with what its other end leads to.
    init(_ edge: EdgeEntry, to target: TargetEntry?) {
        from = edge.resolved
        to = target?.ordinal ?? 0
        label = edge.label
        self.edge = edge.edge
        rank = edge.flags >> 8 & 0xFF
        state = edge.state == .resolved ? target?.state ?? .missing : edge.state
    }

    /// An edge with what both its ends lead to, where no choice is made among the links of a record.
    init(edge: UInt64, from source: TargetEntry?, to target: TargetEntry?, label: UInt64) {
        from = source?.ordinal ?? 0
        to = target?.ordinal ?? 0
        self.label = label
        self.edge = edge
        rank = 0
        state = source?.state == .resolved ? target?.state ?? .missing : source?.state ?? .missing
    }

    init(_ bytes: UnsafeRawBufferPointer) {
        from = bytes.bigEndian(at: 0)
        to = bytes.bigEndian(at: 8)
        label = bytes.bigEndian(at: 16)
        let last = bytes.bigEndian(at: 24)
        edge = last >> 16
        rank = last >> 8 & 0xFF
        state = EdgeState(rawValue: last & 0xFF) ?? .missing
    }

    func write(to bytes: UnsafeMutableRawBufferPointer) {
        bytes.storeBigEndian(from, at: 0)
        bytes.storeBigEndian(to, at: 8)
        bytes.storeBigEndian(label, at: 16)
        // 48 bits are more edges than a disk holds.
        bytes.storeBigEndian(edge << 16 | rank << 8 | state.rawValue, at: 24)
    }
}

extension JunctionEntry {
    /// Whether both lead from the same record to the same record under the same label.
    func isSameLink(as other: JunctionEntry?) -> Bool {
        guard let other else { return false }
        return (from, to, label) == (other.from, other.to, other.label)
    }
}

/// What is to be done with a junction's edge, in the order of the edge chunks.
struct JunctionDecision: FixedEntry {
    static let width = 24
    enum Action: UInt64 {
        case load, merged, missing, leftOut, notChosen
    }

    var edge: UInt64
    var from: UInt64
    var to: UInt64
    var action: Action

    init(_ link: JunctionEntry, _ action: Action) {
        edge = link.edge
        from = link.from
        to = link.to
        self.action = action
    }

    init(_ bytes: UnsafeRawBufferPointer) {
        let first = bytes.bigEndian(at: 0)
        edge = first >> 16
        action = Action(rawValue: first & 0xFF) ?? .missing
        from = bytes.bigEndian(at: 8)
        to = bytes.bigEndian(at: 16)
    }

    func write(to bytes: UnsafeMutableRawBufferPointer) {
        bytes.storeBigEndian(edge << 16 | action.rawValue, at: 0)
        bytes.storeBigEndian(from, at: 8)
        bytes.storeBigEndian(to, at: 16)
    }
}
