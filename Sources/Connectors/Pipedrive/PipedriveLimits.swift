// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit

/// What Pipedrive takes in one request, and how many requests.
///
/// Source: pipedrive.readme.io, "Rate limiting", and the OpenAPI descriptions of both versions.
enum PipedriveLimits {
    /// For one personal token of the smallest plan, so that nobody else is crowded out.
    static let budget = RateBudget(requests: 20, per: .seconds(2))
    /// Entries of one page of a list.
    static let pageRecordsMax = 500
    /// Ids that a list of version 2 takes.
    static let idsMax = 100
    /// Custom fields that a list of version 2 can be narrowed to.
    static let customFieldsMax = 15
    /// Rows of one batch: each is a request of its own.
    static let batchRows = 100
    /// Characters of a text field.
    static let textCharactersMax = 255
}

/// What a request costs of the company's tokens of the day: `x-token-cost` in the OpenAPI descriptions.
enum RequestKind: String, Sendable {
    case read, list, write, delete, pipelines
    /// Requests of version 1, and of the list of archived deals, cost about twice as much.
    case formerRead, formerList, formerWrite, formerDelete, participants

    var tokens: Int {
        switch self {
        case .read: 1
        case .formerRead: 2
        case .delete: 3
        case .write, .pipelines: 5
        case .formerDelete: 6
        case .list, .formerWrite, .participants: 10
        case .formerList: 20
        }
    }
}
