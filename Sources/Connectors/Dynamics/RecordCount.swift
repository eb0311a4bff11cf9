// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// How many records a table has.
struct RecordCount: Sendable {
    let api: DynamicsAPI

    /// Counted now; `nil` beyond 50,000 records, where aggregates end (Microsoft Learn, "Aggregate data using OData").
    ///
    /// `$count` would say 5,000 for any number above.
    func exact(_ table: TableMetadata, where filter: String? = nil) async throws -> Int? {
        let count = "aggregate($count as count)"
        do {
            let answer = try await api.json(
                table.setName, query: [("$apply", filter.map { "filter(\($0))/\(count)" } ?? count)],
                endpointClass: "query")
            guard case .array(let rows)? = answer["value"] else {
                throw MigratezError(
                    .brokenResponse, "a count of \(table.name) answered without its list", remedy: .retry(after: nil))
            }
            // No records make no group.
            return rows.first.map { $0["count"]?.int } ?? 0
        } catch let error as MigratezError where error.refused?.vendorCode == Self.limitCode {
            return nil
        }
    }

    /// As it was at some time of the last day (Microsoft Learn, "RetrieveTotalRecordCount Function").
    func snapshot(_ table: String) async throws -> Int? {
        let names = URLQuery.escaped("['\(table)']", keepsCommas: true)
        let answer = try await api.json("RetrieveTotalRecordCount(EntityNames=\(names))", endpointClass: "query")
        return answer["EntityRecordCountCollection"]?["Values"]?[0]?.int
    }

    private static let limitCode = "0x8004e023"
}
