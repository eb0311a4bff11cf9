// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import MigratezSyntheticCRM
import Testing

@Suite struct `Synthetic CRM` {
    static let crm = SyntheticCRM(seed: 42, counts: .init(records: 20_000))

    @Test func `a seed gives the same records on every machine`() {
        // Recorded once; a difference means that every expectation that somebody computed elsewhere is void.
        let contact = SyntheticCRM(seed: 1, counts: .init(records: 1000)).contact(at: 7)
        let text = Contact.Field.allCases.map { contact[$0] ?? "-" }.joined(separator: "|")
        #expect(Self.fingerprint(text) == Self.recordedContact, "it is now \(Self.fingerprint(text)): \(text)")
        #expect(SyntheticCRM(seed: 2, counts: .init(records: 1000)).contact(at: 7)[.email] != contact[.email])
    }

    private static let recordedContact: UInt64 = 12_802_457_061_131_868_510

    /// FNV-1a, 64 bits.
    private static func fingerprint(_ text: String) -> UInt64 {
        text.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }

    @Test(arguments: [0, 1, 2, 100, 101, 50_000]) func `a total is split without a remainder`(_ records: Int) {
        #expect(SyntheticCRM.Counts(records: records).total == records)
    }

    @Test(arguments: CRMObject.allCases) func `ids rise with gaps and lead back to their record`(_ object: CRMObject) {
        let crm = Self.crm
        var last = 0
        let wrong = (0..<crm.counts[object]).filter { index in
            let id = crm.id(of: object, at: index)
            defer { last = id }
            let isFree = id == last + 1 || crm.index(of: object, id: id - 1) == nil
            return
                !(id > last && isFree && crm.index(of: object, id: id) == index
                && crm.firstIndex(of: object, after: id) == index + 1
                && crm.firstIndex(of: object, after: id - 1) == index)
        }
        #expect(wrong.isEmpty)
        #expect(crm.firstFreeID(of: object) > last)
    }

    @Test(arguments: CRMObject.allCases) func `archived records are counted right`(_ object: CRMObject) {
        for count in [0, 1, 37, 38, 72, 73, 101, 102, 5000] {
            var counts = SyntheticCRM.Counts(
                contacts: count, companies: count, deals: count, notes: count, tasks: count, calls: count,
                meetings: count, files: count, emails: count, products: count, lineItems: count, leads: count)
            counts.owners = 1
            let crm = SyntheticCRM(seed: 3, counts: counts)
            #expect((0..<count).count { crm.isArchived(object, at: $0) } == crm.archivedCount(of: object))
        }
    }

    @Test func `duplicates are earlier people in other notation`() {
        let crm = Self.crm
        var duplicates = 0
        for index in 0..<crm.counts.contacts {
            guard let original = crm.duplicateOf(index) else { continue }
            duplicates += 1
            let (copy, first) = (crm.contact(at: index), crm.contact(at: original))
            #expect(original < index && first.duplicateOf == nil)
            #expect(!copy.isArchived && !first.isArchived)
            #expect(Self.folded(copy[.email]) == Self.folded(first[.email]))
            #expect(first[.email]?.contains("@") == true)
            #expect(Self.folded(copy[.lastname]) == Self.folded(first[.lastname]))
            #expect(Self.digits(copy[.phone]) == Self.digits(first[.phone]))
            if let email = copy[.email] { #expect(crm.contactIndex(email: email) == original) }
        }
        let share = Double(duplicates) / Double(crm.counts.contacts)
        #expect((0.02...0.04).contains(share), "\(share)")
    }

    @Test func `addresses and phone numbers of different people differ`() {
        let crm = Self.crm
        var addresses: Set<String> = []
        var phones: Set<String> = []
        for index in 0..<crm.counts.contacts where crm.duplicateOf(index) == nil {
            let contact = crm.contact(at: index)
            if let email = contact[.email], email.contains("@") { #expect(addresses.insert(email).inserted) }
            let digits = Self.digits(contact[.phone])
            if digits.count > 5 { #expect(phones.insert(digits).inserted) }
        }
    }

    private static func folded(_ text: String?) -> String? {
        text.map { $0.lowercased().split(separator: " ").joined(separator: " ") }
    }

    private static func digits(_ text: String?) -> String {
        let digits = (text ?? "").filter { $0.isASCII && $0.isNumber }
        return digits.count == 11 && digits.hasPrefix("1") ? String(digits.dropFirst()) : digits
    }

    @Test func `the shares are what the documentation says`() {
        let crm = Self.crm
        let contacts = (0..<crm.counts.contacts).map { crm.contact(at: $0) }
        func expect(_ share: Double, _ name: String, _ holds: (Contact) -> Bool) {
            let found = Double(contacts.count(where: holds)) / Double(contacts.count)
            #expect(abs(found - share) < 0.01, "\(name): \(found)")
        }
        expect(0.04, "no address") { $0[.email] == nil }
        expect(0.01, "empty address") { $0[.email]?.isEmpty == true }
        expect(0.02, "no last name") { $0[.lastname] == nil }
        expect(0.06, "no phone") { $0[.phone] == nil }
        expect(0.05, "before 2019") { $0.createdAt.milliseconds < 1_546_300_800_000 }
        let long = (0..<crm.counts.notes).map { crm.note(at: $0) }.filter(\.isLong)
        #expect((1...12).contains(long.count))
        for note in long {
            guard let body = note[.body], !body.isEmpty else { continue }
            #expect(body.utf8.count >= 60_000 && body.utf16.count <= 65_536)
        }
    }

    @Test func `characters of every plane and of both directions occur`() {
        let crm = Self.crm
        var planes: Set<UInt32> = []
        var (controls, nulls) = (0, 0)
        for index in 0..<crm.counts.contacts {
            let contact = crm.contact(at: index)
            for field in [Contact.Field.notes, .lastname, .firstname] {
                for scalar in (contact[field] ?? "").unicodeScalars {
                    planes.insert(scalar.value >> 16)
                    if scalar.value < 0x20 { controls += 1 }
                    nulls += scalar.value == 0 ? 1 : 0
                }
            }
        }
        #expect(planes == Set(0...16))
        #expect(controls > 0 && nulls == 0)
    }

    @Test(arguments: LinkKind.allCases) func `links can be followed from both ends`(_ kind: LinkKind) {
        let crm = SyntheticCRM(
            seed: 9,
            counts: .init(
                contacts: 900, companies: 130, deals: 300, notes: 400, tasks: 200, calls: 200, meetings: 200,
                files: 300, emails: 300, products: 50, lineItems: 300, leads: 200))
        let map = crm.links(kind)
        var back: [Int: [Int]] = [:]
        var dangling = 0
        var total = 0
        for index in 0..<crm.counts[kind.from] {
            let links = map.links(from: index)
            #expect(Set(links.map(\.toID)).count == links.count)
            #expect(links.count { $0.isPrimary } <= 1)
            if crm.isArchived(kind.from, at: index) { #expect(links.isEmpty) }
            for link in links {
                total += 1
                if let target = link.toIndex {
                    #expect(crm.id(of: kind.to, at: target) == link.toID)
                    #expect(!crm.isArchived(kind.to, at: target))
                    back[target, default: []].append(index)
                } else {
                    dangling += 1
                    #expect(crm.index(of: kind.to, id: link.toID) == nil)
                }
            }
        }
        for target in 0..<crm.counts[kind.to] {
            #expect(map.sources(of: target).map(\.index) == back[target] ?? [])
        }
        #expect(Double(dangling) / Double(max(total, 1)) < 0.06)
    }

    @Test func `two in a hundred links lead nowhere, and the largest company has many`() {
        let map = Self.crm.links(.contactToCompany)
        let links = (0..<Self.crm.counts.contacts).flatMap { map.links(from: $0) }
        let share = Double(links.count(where: \.isDangling)) / Double(links.count)
        #expect((0.015...0.025).contains(share), "\(share)")
        #expect(map.sources(of: 0).count > 150)
    }

    @Test(arguments: [0, 1, 2]) func `very small CRMs have no traps`(_ count: Int) {
        let crm = SyntheticCRM(
            seed: 1,
            counts: .init(
                contacts: count, companies: count, deals: count, notes: count, tasks: count, calls: count,
                meetings: count, files: count, emails: count, products: count, lineItems: count, leads: count,
                owners: count))
        for kind in LinkKind.allCases {
            for index in 0..<count { _ = crm.links(kind, from: index) }
        }
        func readAll<Record: SyntheticRecord>(_: Record.Type) {
            for index in 0..<count {
                let record = Record(crm, index)
                for field in Record.Field.allCases { _ = record[field] }
            }
        }
        for record in [
            Contact.self, Company.self, Deal.self, Note.self, CRMTask.self, Call.self, Meeting.self, CRMFile.self,
            Email.self, Product.self, LineItem.self, Lead.self,
        ] as [any SyntheticRecord.Type] { readAll(record) }
    }
}
