// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezJSON
package import MigratezModel

extension JSONWriter {
    /// Writes a row as one object: `{"<keyField>":"<key>",<fields>,<references>}`. A reference is the id in the destination,
    /// or our key where there is none.
    package mutating func row(_ row: Batch.Row, keyField: String) {
        beginObject()
        key(keyField)
        string(row.key)
        row.fields.withUnsafeBufferPointer { members(of: $0) }
        for reference in row.references {
            key(reference.field)
            string(reference.idOrKey)
        }
        endObject()
    }
}
