// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezJSON
import MigratezSalesforceSimulator

/// What an organisation holds, independent of the ids that it gave and the times at which it did: two loads of the same
/// records make equal pictures.
struct OrgPicture: Equatable {
    /// The records of each object as sorted lines, references as the keys of what they lead to.
    private(set) var lines: [String: [String]] = [:]
    /// Ids of the organisation by our key, for each object that holds one.
    private(set) var ids: [String: [String: String]] = [:]
    /// Every record by object, with all its fields.
    private(set) var records: [String: [JSONValue]] = [:]

    static let stamp = "Migratez_Id__c"
    private static let objects = [
        "Account", "Contact", "Opportunity", "ContentVersion", "OpportunityContactRole", "ContentDocumentLink",
    ]
    /// What depends on the moment, or on the order of arrival.
    private static let volatile: Set = [
        "Id", "CreatedDate", "LastModifiedDate", "SystemModstamp", "LatestPublishedVersionId", "ContentModifiedDate",
        "FirstPublishLocationId", "Checksum", "VersionNumber",
    ]

    init(_ org: SalesforceSimulator) throws {
        var names: [String: String] = [:]
        for object in Self.objects {
            var found: [JSONValue] = []
            try org.records(of: object) { found.append(try JSONValue(parsing: $0)) }
            records[object] = found
            for record in found {
                guard let key = record[Self.stamp]?.text, let id = record["Id"]?.text else { continue }
                ids[object, default: [:]][key] = id
                names[id] = key
                if let document = record["ContentDocumentId"]?.text, object == "ContentVersion" {
                    names[document] = key
                }
            }
        }
        for (object, found) in records {
            lines[object] = found.map { record in
                let members = record.members.filter {
                    !Self.volatile.contains($0.key) && !$0.value.isNull
                        // The key of a link is made of its ends, which are compared themselves.
                        && !(object == "OpportunityContactRole" && $0.key == Self.stamp)
                }
                return members.map { member in
                    let text = member.value.text ?? String(decoding: member.value.serialized(), as: UTF8.self)
                    return "\(member.key)=\(names[text] ?? text)"
                }.sorted().joined(separator: "|")
            }.sorted()
        }
    }

    static func == (a: OrgPicture, b: OrgPicture) -> Bool { a.lines == b.lines }

    /// The first lines that only one of two pictures has.
    func differences(from other: OrgPicture) -> [String] {
        Self.objects.flatMap { object in
            let (ours, theirs) = (Set(lines[object] ?? []), Set(other.lines[object] ?? []))
            let count = "\(object): \(lines[object]?.count ?? 0) and \(other.lines[object]?.count ?? 0)"
            return (lines[object] == other.lines[object] ? [] : [count])
                + ours.subtracting(theirs).prefix(2).map { "only here: \(object) \($0.prefix(300))" }
                + theirs.subtracting(ours).prefix(2).map { "only there: \(object) \($0.prefix(300))" }
        }
    }
}
