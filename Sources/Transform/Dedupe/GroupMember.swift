// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezStaging

/// A record that has duplicates, as it is spilled: sorted by group, then in the order of extraction.
///
/// Layout: root (8 bytes), ordinal (8), length of the id (4), number of edges (4), id, edges, record; numbers in
/// big-endian order.
struct GroupMember {
    var root: UInt64
    var ordinal: UInt64
    var sourceID: String
    var edges: [RecordEdgeEntry]
    var record: [UInt8]

    init(_ bytes: UnsafeRawBufferPointer) {
        root = bytes.bigEndian(at: 0)
        ordinal = bytes.bigEndian(at: 8)
        let counts = bytes.bigEndian(at: 16)
        var offset = 24
        let idLength = Int(counts >> 32)
        sourceID = String(decoding: bytes[offset..<offset + idLength], as: UTF8.self)
        offset += idLength
        edges = (0..<Int(counts & 0xFFFF_FFFF)).map { number in
            let start = offset + number * RecordEdgeEntry.width
            return RecordEdgeEntry(UnsafeRawBufferPointer(rebasing: bytes[start..<start + RecordEdgeEntry.width]))
        }
        offset += edges.count * RecordEdgeEntry.width
        record = Array(bytes[offset...])
    }

    /// Spills a record.
    static func append(
        root: UInt64, ordinal: UInt64, sourceID: String, edges: [RecordEdgeEntry], record: UnsafeBufferPointer<UInt8>,
        to sorter: inout ExternalSorter
    ) throws {
        let id = Array(sourceID.utf8)
        let size = 24 + id.count + edges.count * RecordEdgeEntry.width + record.count
        try withUnsafeTemporaryAllocation(byteCount: size, alignment: 8) { bytes in
            bytes.storeBigEndian(root, at: 0)
            bytes.storeBigEndian(ordinal, at: 8)
            bytes.storeBigEndian(UInt64(id.count) << 32 | UInt64(edges.count), at: 16)
            var offset = 24
            UnsafeMutableRawBufferPointer(rebasing: bytes[offset...]).copyBytes(from: id)
            offset += id.count
            for edge in edges {
                edge.write(to: UnsafeMutableRawBufferPointer(rebasing: bytes[offset..<offset + RecordEdgeEntry.width]))
                offset += RecordEdgeEntry.width
            }
            UnsafeMutableRawBufferPointer(rebasing: bytes[offset...]).copyMemory(from: UnsafeRawBufferPointer(record))
            try sorter.append(UnsafeRawBufferPointer(bytes))
        }
    }
}
