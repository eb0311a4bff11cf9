// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel

/// What a later run has to know of a record besides its fields, to tell what happened to it since.
struct RecordProvenance {
    /// The source's ids of the records that this one stands for, its own left out, each once.
    var formerIDs: [String] = []
    /// When the source last changed it; `nil` = no rule asks, or the source does not say.
    var modified: Timestamp?

    /// Of a record that stands for itself.
    init(_ layout: RecordLayout, _ index: RecordIndex, _ record: UnsafeBufferPointer<UInt8>, of object: ObjectSpec) {
        formerIDs = layout.formerIDs(index, in: record)
        if object.needsModified { modified = layout.modified(index, in: record) }
    }

    /// Of a record that stands for a group.
    init(_ group: GroupMerge.Result, of object: ObjectSpec) {
        var seen: Set = [group.sourceID]
        formerIDs = (group.merged.map(\.sourceID) + group.formerIDs).filter { seen.insert($0).inserted }
        if object.needsModified { modified = group.modified.map { Timestamp(milliseconds: $0) } }
    }
}

extension RecordLayout {
    /// When the source says that it last changed the record.
    func modified(_ index: RecordIndex, in record: UnsafeBufferPointer<UInt8>) -> Timestamp? {
        modified.flatMap { index.slice($0) }.flatMap { TimestampText.instant(index.string($0, in: record).utf8) }
    }

    /// The ids of records that the source merged into this one.
    func formerIDs(_ index: RecordIndex, in record: UnsafeBufferPointer<UInt8>) -> [String] {
        guard let slice = formerIDs.flatMap({ index.slice($0) }), !slice.isBlank else { return [] }
        return index.string(slice, in: record).split(separator: ";").map(String.init)
    }
}
