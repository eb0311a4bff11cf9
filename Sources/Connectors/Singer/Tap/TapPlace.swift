// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCrypto
import MigratezModel

/// A place in the output of a tap: what was read of a stream, and from where another process of the tap gets there again.
///
/// As a cursor: `<records>:<since>:<digest>:<state>`.
struct TapPlace: Sendable, Equatable {
    /// How many records, rejected lines among them, lie before it.
    var records = 0
    /// The state that a tap is started with to get near it, as JSON; `nil` = the one of the settings, if any.
    var state: [UInt8]?
    /// How many of the records came since that state was told.
    var since = 0
    /// What these were: each is hashed together with the digest of those before it.
    var digest = [UInt8](repeating: 0, count: digestBytes)

    private static let digestBytes = 16

    init() {}

    /// Where a tap stands that was just started to get to `place`.
    init(beginningOf place: TapPlace) {
        records = place.records - place.since
        state = place.state
    }

    init(parsing cursor: Cursor) throws(MigratezError) {
        let parts = cursor.text.split(separator: ":", maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count == 4, let records = Int(parts[0]), let since = Int(parts[1]),
            let digest = Hex.decode(parts[2]), digest.count == Self.digestBytes, 0...records ~= since
        else { throw MigratezError(.internalError, "a cursor is no place in the output of a tap") }
        (self.records, self.since, self.digest) = (records, since, digest)
        state = parts[3].isEmpty ? nil : Array(parts[3].utf8)
    }

    var cursor: Cursor {
        Cursor("\(records):\(since):\(Hex.encode(digest)):\(String(decoding: state ?? [], as: UTF8.self))")
    }

    /// Moves behind one record.
    mutating func pass(_ record: some Collection<UInt8>) {
        records += 1
        since += 1
        digest = Array(SHA256.digest(of: digest + record).prefix(Self.digestBytes))
    }

    /// From here on a tap may be started with this state.
    mutating func reach(_ state: [UInt8]) {
        self.state = state
        since = 0
        digest = [UInt8](repeating: 0, count: Self.digestBytes)
    }
}
