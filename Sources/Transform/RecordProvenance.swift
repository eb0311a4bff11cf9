// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezChunkLines
import MigratezJSON
import MigratezModel

extension RecordProvenance {
    /// Of a record that stands for itself.
    init(
        _ layout: RecordLayout, _ index: borrowing RecordIndex, _ record: UnsafeBufferPointer<UInt8>,
        of object: ObjectSpec
    ) {
        self.init(
            formerIDs: layout.formerIDs(index, in: record),
            modified: object.needsModified ? layout.modified(index, in: record) : nil)
    }

    /// Of a record that stands for a group.
    init(_ group: GroupMerge.Result, of object: ObjectSpec) {
        var seen: Set = [group.sourceID]
        self.init(
            formerIDs: (group.merged.map(\.sourceID) + group.formerIDs).filter { seen.insert($0).inserted },
            modified: object.needsModified ? group.modified.map { Timestamp(milliseconds: $0) } : nil)
    }
}

extension RecordLayout {
    /// When the source says that it last changed the record.
    func modified(_ index: borrowing RecordIndex, in record: UnsafeBufferPointer<UInt8>) -> Timestamp? {
        modified.flatMap { index.slice($0) }.flatMap { TimestampText.instant(index.string($0, in: record).utf8) }
    }

    /// The ids of records that the source merged into this one.
    func formerIDs(_ index: borrowing RecordIndex, in record: UnsafeBufferPointer<UInt8>) -> [String] {
        guard let slice = formerIDs.flatMap({ index.slice($0) }), !slice.isBlank else { return [] }
        return index.string(slice, in: record).split(separator: ";").map(String.init)
    }
}
