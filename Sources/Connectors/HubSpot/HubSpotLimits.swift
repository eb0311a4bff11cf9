// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit

/// What HubSpot takes in one request, and how many requests.
///
/// Source: developers.hubspot.com, "Usage guidelines", "CRM search" and "Associations v4".
enum HubSpotLimits {
    /// The lowest allowance of any subscription, so that nobody else is crowded out.
    static let budget = RateBudget(requests: 100, per: .seconds(10))
    /// Search has an allowance of its own: five a second, and no headers that tell of it.
    static let searchBudget = RateBudget(requests: 4, per: .seconds(1))
    /// Records of one list page, batch read, write or archive.
    static let batchRecordsMax = 100
    /// Records whose links are read in one request, and links that are written in one.
    static let linkReadIDsMax = 1_000
    static let linkWritesMax = 2_000
    /// Results of one page of a search, and of a whole search.
    static let searchPageMax = 200
    static let searchResultsMax = 10_000
    /// Bytes of the body of a search: HubSpot takes 3,000 characters.
    static let searchBodyBytesMax = 2_800
    /// Groups of filters of one search, and values that one of our filters lists.
    static let searchGroupsMax = 5
}
