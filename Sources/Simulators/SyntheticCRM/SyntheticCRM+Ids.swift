// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

extension SyntheticCRM {
    /// The first id of every object.
    private static let idBase = 1000
    /// Of seven ids in a row one is used, never the last two of the seven.
    private static let idStride = 7

    /// The id of a record: rises with the index, unique within the object.
    package func id(of object: CRMObject, at index: Int) -> Int {
        SyntheticCRM.idBase + index * SyntheticCRM.idStride
            + Draw(seed: seed, realm: object.rawValue, index: index).below(SyntheticCRM.idStride - 2, Question.id)
    }

    /// The index of the record with this id, archived or not; `nil` if there is none.
    package func index(of object: CRMObject, id: Int) -> Int? {
        guard id >= SyntheticCRM.idBase else { return nil }
        let index = (id - SyntheticCRM.idBase) / SyntheticCRM.idStride
        return index < counts[object] && self.id(of: object, at: index) == id ? index : nil
    }

    /// The first index whose id is greater than `id`; the count if there is none.
    package func firstIndex(of object: CRMObject, after id: Int) -> Int {
        guard id >= SyntheticCRM.idBase else { return 0 }
        let index = (id - SyntheticCRM.idBase) / SyntheticCRM.idStride
        guard index < counts[object] else { return counts[object] }
        return self.id(of: object, at: index) > id ? index : index + 1
    }

    /// An id that no record has, near a random one.
    func missingID(_ object: CRMObject, _ draw: Draw, _ question: Int) -> Int {
        SyntheticCRM.idBase + draw.below(max(counts[object], 1), question) * SyntheticCRM.idStride
            + SyntheticCRM.idStride - 2 + Int(draw.bits(question) & 1)
    }

    /// Greater than every id of the object: records that somebody adds get ids from here on.
    package func firstFreeID(of object: CRMObject) -> Int {
        SyntheticCRM.idBase + (counts[object] + 1) * SyntheticCRM.idStride
    }

    /// Whether the record is archived: one in 101.
    package func isArchived(_ object: CRMObject, at index: Int) -> Bool {
        index % 101 == SyntheticCRM.archivedRemainder(object)
    }

    /// How many records of the object are archived.
    package func archivedCount(of object: CRMObject) -> Int {
        (counts[object] + 100 - SyntheticCRM.archivedRemainder(object)) / 101
    }

    private static func archivedRemainder(_ object: CRMObject) -> Int { 37 + 5 * object.rawValue }

    /// The earlier record that this one is a duplicate of (never itself a duplicate, never archived); `nil` for
    /// originals. Only contacts and companies have duplicates.
    package func duplicateOf(_ object: CRMObject, at index: Int) -> Int? {
        guard isRepeated(object, at: index), !isArchived(object, at: index), index > 0 else { return nil }
        var original = Draw(seed: seed, realm: object.rawValue, index: index).below(index, Question.original)
        while isArchived(object, at: original) || isRepeated(object, at: original)
            || !hasMatchKey(object, at: original)
        {
            guard original > 0 else { return nil }
            original -= 1
        }
        return original
    }

    /// The earlier person that this contact is.
    package func duplicateOf(_ contact: Int) -> Int? { duplicateOf(.contact, at: contact) }

    private func isRepeated(_ object: CRMObject, at index: Int) -> Bool {
        let share =
            switch object {
            case .contact: 300
            case .company: 100
            default: 0
            }
        return share > 0
            && Draw(seed: seed, realm: object.rawValue, index: index).share(Question.isDuplicate) < share
    }

    /// Whether others can be recognised as duplicates of it: a contact by its address, a company by its domain.
    private func hasMatchKey(_ object: CRMObject, at index: Int) -> Bool {
        let draw = Draw(seed: seed, realm: object.rawValue, index: index)
        return object == .contact ? Contact.hasAddress(draw) : Company.hasDomain(draw)
    }
}

/// Questions that are asked for records of every object; those of one object's fields begin at 100.
enum Question {
    static let id = 1
    static let isDuplicate = 2
    static let original = 3
    static let owner = 4
    static let created = 5
    static let modified = 6
    static let variant = 7
    static let ownerKind = 8
    static let createdTime = 9
}
