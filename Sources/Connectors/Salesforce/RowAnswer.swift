// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON

/// What the platform says of one row.
enum RowAnswer: Sendable {
    case created(id: String)
    case updated(id: String)
    case refused([SalesforceRefusal])

    /// Whether a lock kept the row out: it was not written, and may pass later.
    var isLocked: Bool {
        guard case .refused(let refusals) = self else { return false }
        return refusals.nameLock
    }

    /// Whether it was refused for fields that can be set on creation only.
    var repeatsFixedFields: Bool {
        guard case .refused(let refusals) = self else { return false }
        return CollectionWriter.repeatsFixedFields(refusals)
    }

    /// The answers of one collection call, in the order of its records. No tree is built of what is said of each record,
    /// unless it was refused.
    static func list(_ answer: [UInt8], operation: WriteOperation) throws(JSONFailure) -> [RowAnswer] {
        try JSONScanner.validate(answer, limits: .page)
        return answer.withUnsafeBufferPointer { bytes in
            (elementRanges(at: [], in: bytes) ?? []).map { range in
                let members = AnswerMembers(
                    of: JSONSlice(
                        range: range, kind: bytes[range.lowerBound] == UInt8(ascii: "{") ? .object : .null),
                    in: bytes)
                guard members.success?.kind == .true, let id = members.id, id.kind == .string else {
                    let errors = members.errors.map {
                        JSONValue(validated: UnsafeBufferPointer(rebasing: bytes[$0.range]))
                    }
                    return .refused(SalesforceRefusal.list(errors ?? .null))
                }
                let canonical = SalesforceID.canonical(JSONText.string(id, of: bytes))
                let isNew = members.created.map { $0.kind == .true } ?? (operation == .insert)
                return isNew ? .created(id: canonical) : .updated(id: canonical)
            }
        }
    }
}

/// Where the members are of what is said of one record; of several with one name the last counts.
///
/// All are found in one pass: looking for each by itself read every answer four times.
private struct AnswerMembers {
    private(set) var id: JSONSlice?
    private(set) var success: JSONSlice?
    private(set) var created: JSONSlice?
    private(set) var errors: JSONSlice?

    init(of record: JSONSlice, in bytes: UnsafeBufferPointer<UInt8>) {
        record.forEachMember(in: bytes) { set($0, $1) }
    }

    private mutating func set(_ name: UnsafeBufferPointer<UInt8>, _ value: JSONSlice) {
        if name.isEqual(to: "id") {
            id = value
        } else if name.isEqual(to: "success") {
            success = value
        } else if name.isEqual(to: "created") {
            created = value
        } else if name.isEqual(to: "errors") {
            errors = value
        }
    }
}
