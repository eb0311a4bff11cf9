// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB

/// The users of the organisation, who are set up and not created through the interface.
enum OrgUsers {
    /// Adds those that are not there yet.
    ///
    /// - Returns: ids by e-mail address in lower case, and the administrator's under the empty text.
    static func ensure(_ users: [OrgOptions.User], in store: RecordStore, now: Int64) throws -> [String: String] {
        guard let object = store.schema["User"] else { return [:] }
        return try store.queue.write { db in
            var ids: [String: String] = [:]
            for user in users {
                let known = try Int64.fetchOne(
                    db, sql: "SELECT n FROM \"User\" WHERE Username = ?", arguments: [user.email])
                let id = object.id(try known ?? insert(user, in: store, object, now: now, db)).text
                if ids.isEmpty { ids[""] = id }
                ids[user.email.lowercased()] = id
            }
            return ids
        }
    }

    private static func insert(
        _ user: OrgOptions.User, in store: RecordStore, _ object: ObjectDefinition, now: Int64, _ db: Database
    ) throws -> Int64 {
        let ordinal = store.nextOrdinal(of: object)
        let words = user.name.split(separator: " ", maxSplits: 1).map(String.init)
        let author = object.id(ordinal).text
        try db.execute(
            sql: """
                INSERT INTO "User" (n, IsDeleted, Username, FirstName, LastName, Name, Email, IsActive, Alias, UserType,
                    CreatedDate, CreatedById, LastModifiedDate, LastModifiedById, SystemModstamp)
                VALUES (?, 0, ?, ?, ?, ?, ?, ?, ?, 'Standard', ?, ?, ?, ?, ?)
                """,
            arguments: [
                ordinal, user.email, words.count > 1 ? words[0] : nil, words.last ?? user.email, user.name, user.email,
                user.isActive, String(user.email.prefix(8)), now, author, now, author, now,
            ])
        return ordinal
    }
}
