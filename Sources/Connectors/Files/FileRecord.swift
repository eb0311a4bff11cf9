// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// One record of an object's file, as it is met when the file is scanned; what it holds is that of the line that was
/// taken last, and valid only as long as the line's bytes.
struct FileRecord: ~Copyable {
    private(set) var key = ""
    private(set) var line = UnsafeBufferPointer<UInt8>(start: nil, count: 0)
    private(set) var index = RecordIndex(fields: nil)

    /// Becomes the record of this line; false if the line is not one that was written here.
    mutating func take(_ line: UnsafeBufferPointer<UInt8>) -> Bool {
        guard (try? JSONScanner.validate(line, limits: .page)) != nil, (try? index.index(line)) != nil,
            let key = index.topLevel(FileDestination.keyField), key.kind == .string
        else { return false }
        self.key = index.string(key, in: line)
        self.line = line
        return true
    }

    /// A JSON object with those of the named fields that the record has.
    ///
    /// - Parameter asText: every value as a CSV file has it: a text, or `null` where the cell is empty or missing.
    func values(of fields: [String], asText: Bool) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        for field in fields {
            let slice = index.topLevel(field)
            if asText {
                writer.key(field)
                if let slice, !slice.isBlank { writer.string(index.string(slice, in: line)) } else { writer.null() }
            } else if let slice {
                writer.key(field)
                writer.raw(UnsafeBufferPointer(rebasing: line[slice.range]))
            }
        }
        writer.endObject()
        return writer.bytes
    }
}

/// Writes rows as the lines of an object's file.
enum FileLine {
    /// Appends `{"migratez_id":"<key>",<fields>,<references>}` and a line feed.
    static func append(_ row: Batch.Row, to lines: inout [UInt8]) {
        var writer = JSONWriter(capacity: row.fields.count + 64 + row.references.count * 64)
        writer.row(row, keyField: FileDestination.keyField)
        appendLine(writer.bytes[...], to: &lines)
    }

    /// A row that replaces the whole record, from one that changes some of its fields.
    static func merged(_ row: Batch.Row, id: String, into members: [JSONValue.Member]) -> Batch.Row {
        let changes =
            row.fields.withUnsafeBufferPointer { JSONValue(validated: $0).members }
            + row.references.map { .init($0.field, .string($0.idOrKey)) }
        let names = Set(changes.map(\.key)).union([FileDestination.keyField])
        let fields = JSONValue.object(members.filter { !names.contains($0.key) } + changes)
        return Batch.Row(key: id, fields: fields.serialized())
    }
}
