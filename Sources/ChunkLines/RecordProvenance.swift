// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
package import MigratezModel

/// What a later run has to know of a record besides its fields, to tell what happened to it since.
///
/// In the lines of chunks: `"was":["17","23"],"at":1700000000000`, each left out where there is nothing to say.
package struct RecordProvenance: Sendable, Equatable {
    /// The source's ids of the records that it stands for, each once, its own left out: merged into it there, or found
    /// to be its duplicates here.
    package var formerIDs: [String]
    /// When the source last changed it; `nil` = no rule asks, or the source does not say.
    package var modified: Timestamp?

    package init(formerIDs: [String] = [], modified: Timestamp? = nil) {
        self.formerIDs = formerIDs
        self.modified = modified
    }

    /// Of the members `was` and `at` of a line of a chunk.
    init(
        formerIDs: JSONSlice?, modified: JSONSlice?, in line: UnsafeBufferPointer<UInt8>
    ) throws(MigratezError) {
        let former = formerIDs.map { slice in
            JSONValue(validated: UnsafeBufferPointer(rebasing: line[slice.range])).elements.compactMap(\.text)
        }
        let milliseconds = modified?.integer(in: line)
        if modified != nil, milliseconds == nil {
            throw MigratezError(.chunkCorrupt, "'at' of a line of a staged chunk is not a number")
        }
        self.init(formerIDs: former ?? [], modified: milliseconds.map { Timestamp(milliseconds: Int64($0)) })
    }

    /// Writes its members into the object that is open.
    func write(to writer: inout JSONWriter) {
        if !formerIDs.isEmpty {
            writer.key("was")
            writer.beginArray()
            for id in formerIDs { writer.string(id) }
            writer.endArray()
        }
        if let modified {
            writer.key("at")
            writer.int(Int(modified.milliseconds))
        }
    }
}
