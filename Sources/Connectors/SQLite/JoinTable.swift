// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB
import MigratezConnectorKit
import MigratezModel

/// Where the links from an object to another one are.
enum TableLink: Sendable {
    /// In a column of the object's own table.
    case column(MemberLink)
    case join(JoinTable)
}

/// A table or view with a row for each link, so that a record may have any number of them.
struct JoinTable: Sendable {
    let name: String
    /// The column with the id of the record that a link starts from.
    let from: String
    /// The column with the id of the record that it leads to.
    let to: String

    /// The links of the records with these ids, in their order. A row with NULL in one of the columns is no link.
    ///
    /// - Throws: `invalidSetting` if there is no such table or column, `malformedRecord` for a value that is no id.
    func edges(of ids: [String], _ database: Database) throws -> [Edge] {
        guard let table = try Table.find(name, database) else {
            throw MigratezError(
                .invalidSetting, "there is no table or view '\(name)' with links", remedy: .fixConfiguration,
                hint: "correct the setting `table` of the link")
        }
        for column in [from, to] where table.column(column) == nil { throw table.lacks(column) }
        let looking = try SQLStatement(
            database,
            "SELECT \(to.quotedName) FROM \(table.name.quotedName) WHERE \(from.quotedName) IN (?1, ?2)"
                + " AND \(to.quotedName) IS NOT NULL")
        defer { looking.reset() }
        var edges: [Edge] = []
        for id in ids {
            looking.reset()
            try looking.bindID(id)
            while try looking.step() {
                guard let linked = looking.value(0).id else {
                    throw MigratezError(
                        .malformedRecord, "a link of \(id) in '\(name)' leads to something that is no id",
                        remedy: .fixConfiguration, hint: "correct the column '\(to)', or read a view without such rows")
                }
                edges.append(Edge(from: id, to: linked))
            }
        }
        return edges
    }
}
