// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// What a chunk holds. Independent of its state.
package enum ChunkKind: String, Sendable, Codable, CaseIterable {
    /// Records as the source sent them.
    case raw
    /// Records as the destination will get them.
    case ready
    /// Records that were refused, with the reason.
    case rejects
    /// Values in the destination before the run changed them.
    case before
    /// The bytes of files, beside the records that they belong to.
    case content
    /// Sorted runs and other intermediate data of one stage.
    case spill
}

/// Which chunk: unique within one run, and bound into the chunk's encryption.
package struct ChunkAddress: Hashable, Sendable, Codable, CustomStringConvertible {
    package var stream: StreamName
    package var kind: ChunkKind
    /// From 1 upward within (stream, kind); with gaps between the slices of a stream.
    package var sequence: Int

    package init(stream: StreamName, kind: ChunkKind, sequence: Int) {
        self.stream = stream
        self.kind = kind
        self.sequence = sequence
    }

    /// `contact-raw-000031`, also the stem of the file name.
    package var description: String {
        let digits = String(sequence)
        return "\(stream)-\(kind.rawValue)-\(String(repeating: "0", count: max(0, 6 - digits.count)))\(digits)"
    }
}

/// The name of a run: 8 lower-case hexadecimal digits.
package struct RunID: Hashable, Sendable, Codable, CustomStringConvertible {
    package let text: String

    package init?(_ text: String) {
        let allowed = text.utf8.allSatisfy { ($0 >= 0x30 && $0 <= 0x39) || ($0 >= 0x61 && $0 <= 0x66) }
        guard allowed, text.utf8.count == 8 else { return nil }
        self.text = text
    }

    /// The name that `number` stands for in base 16, so that whoever draws the number rules the name.
    package init(_ number: UInt32) {
        let digits = String(number, radix: 16)
        text = String(repeating: "0", count: 8 - digits.count) + digits
    }

    package var description: String { text }
}
