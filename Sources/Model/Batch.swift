// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// What a destination is asked to write in one go; all rows are for one object of the destination.
package struct Batch: Sendable {
    /// The destination's object: `Contact`.
    package var object: String
    package var rows: [Row]

    package init(object: String, rows: [Row]) {
        self.object = object
        self.rows = rows
    }

    /// One record or link to write.
    package struct Row: Sendable {
        /// Our own key of the record, stamped into the destination where it can hold one: `hubspot-contact-512`.
        /// Unique within the object. Results are joined by it, never by position.
        package var key: String
        /// A JSON object with the destination's fields and their values.
        package var fields: [UInt8]
        /// References to records that were loaded before.
        package var references: [Reference]
        /// The destination's id, if the row is known to exist there (then it is updated by it, and stamped).
        package var targetID: String?
        /// False takes our key off the record: it was not there before a run that is undone.
        package var keepsKey: Bool
        /// The bytes of the record's file, if its object has content; then it is the only row of its batch.
        package var content: RowContent?

        package init(
            key: String, fields: [UInt8], references: [Reference] = [], targetID: String? = nil, keepsKey: Bool = true,
            content: RowContent? = nil
        ) {
            self.key = key
            self.keepsKey = keepsKey
            self.content = content
            self.fields = fields
            self.references = references
            self.targetID = targetID
        }
    }

    /// A field that points to another record.
    package struct Reference: Sendable, Hashable {
        /// The field that holds the reference: `AccountId`.
        package var field: String
        /// The object that it points to: `Account`.
        package var object: String
        /// Our own key of that record.
        package var key: String
        /// Its id in the destination.
        package var targetID: String
        /// What tells the record in the destination: its id there, or our key where the destination gives none.
        package var idOrKey: String { targetID.isEmpty ? key : targetID }

        package init(field: String, object: String, key: String, targetID: String) {
            self.field = field
            self.object = object
            self.key = key
            self.targetID = targetID
        }
    }
}

/// What became of one row, joined to it by its key.
package struct Receipt: Sendable, Equatable {
    package enum Result: Sendable, Equatable {
        case created(id: String)
        case updated(id: String)
        case rejected(Rejection)
    }

    package var key: String
    package var result: Result

    package init(key: String, result: Result) {
        self.key = key
        self.result = result
    }
}

/// Why a record was refused.
package struct Rejection: Error, Sendable, Equatable {
    /// Our code.
    package var code: ErrorCode
    /// What may be done: `.rejectRecord` = only after a fix; `.retry` = the same row may pass later (a lock).
    package var remedy: MigratezError.Remedy
    /// The fields concerned, in the namespace of whoever refused it.
    package var fields: [String]
    /// What was expected, in our own words; it never holds values.
    package var reason: String?
    /// The vendor's own code, if it was the destination that refused.
    package var vendorCode: String?
    /// The vendor's own text, which may quote values: it goes into the encrypted rejects chunk and nowhere else.
    package var vendorText: String?

    package init(
        _ code: ErrorCode, remedy: MigratezError.Remedy = .rejectRecord, fields: [String] = [],
        reason: String? = nil, vendorCode: String? = nil, vendorText: String? = nil
    ) {
        self.code = code
        self.remedy = remedy
        self.fields = fields
        self.reason = reason
        self.vendorCode = vendorCode
        self.vendorText = vendorText
    }
}
