// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// What became of records after they were written: who changed them last, and who refers to them.
struct RecordHistory: Sendable {
    let connection: DynamicsConnection
    private var api: DynamicsAPI { connection.api }

    /// By id.
    func lastChanges(of reader: RecordReader, ids: [RecordID]) async throws -> [String: LastChange] {
        guard !ids.isEmpty, let us = try await DynamicsAccount(connection).userID() else { return [:] }
        let values = try await reader.values(ids: ids, columns: ["modifiedon", "modifiedby"])
        return values.compactMapValues { record in
            guard let time = record["modifiedon"]?.text.flatMap(InstantText.timestamp),
                let user = record["modifiedby"]?.text
            else { return nil }
            return LastChange(at: time, isOurs: user == us)
        }
    }

    /// For each of the records that others refer to: the table of one that does.
    ///
    /// Tables that people cannot look for are the platform's own, and go with the record. The counterpart of a connection
    /// is a part of it.
    func referrers(of table: TableMetadata, ids: [RecordID]) async throws -> [String: String] {
        guard !ids.isEmpty else { return [:] }
        let sets = try await workableSets()
        let relationships = try await api.json(
            "EntityDefinitions(LogicalName='\(table.name)')/OneToManyRelationships",
            query: [("$select", "ReferencingEntity,ReferencingAttribute")], endpointClass: "metadata")
        var found: [String: String] = [:]
        for relationship in relationships["value"]?.elements ?? [] {
            guard let child = relationship["ReferencingEntity"]?.text, let set = sets[child],
                let column = relationship["ReferencingAttribute"]?.text, column != "relatedconnectionid"
            else { continue }
            let rest = ids.map(\.text).filter { found[$0] == nil }
            for group in ODataText.groups(rest, overhead: 300) {
                let property = "_\(column)_value"
                let query = [("$select", property), ("$filter", ODataText.isIn(column, group))]
                try await api.rows(set, query: query) { row in
                    if let id = row[property]?.text { found[id] = child }
                }
            }
        }
        return found
    }

    /// The sets of tables that people work with, by their names.
    private func workableSets() async throws -> [String: String] {
        let answer = try await api.json(
            "EntityDefinitions",
            query: [
                ("$select", "LogicalName,EntitySetName"),
                ("$filter", "IsValidForAdvancedFind eq true and IsIntersect eq false"),
            ], endpointClass: "metadata")
        return Dictionary(
            (answer["value"]?.elements ?? []).compactMap { table in
                guard let name = table["LogicalName"]?.text, let set = table["EntitySetName"]?.text else { return nil }
                return (name, set)
            }, uniquingKeysWith: { first, _ in first })
    }
}
