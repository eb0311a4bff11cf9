// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// One side of a pipeline: which connector, with which settings.
package struct ConnectionSpec: Sendable {
    /// The connector's name: `hubspot`.
    package var connector: String
    /// By dotted path below `source:` or `target:`, checked against the connector's `SettingSpec`s. The values of `rate`
    /// and `load` are in it too, normalised (`rate.requests` = `150/10000ms`, `load.batch.bytes` = a number of bytes).
    package var settings: [String: SettingValue]
    package var rate: RateSpec
    package var load: LoadSpec
}

/// A setting before its references are resolved.
package enum SettingValue: Sendable, Equatable {
    /// A text that may have `${env:…}` in it.
    case text(ReferenceTemplate)
    /// A path in the file system, relative ones from the pipeline file's folder.
    case path(ReferenceTemplate)
    /// One reference to something that must never be printed.
    case secret(Reference)
}

/// How fast one side may be asked.
package struct RateSpec: Sendable, Equatable {
    /// At most so many requests in any span of the given length.
    package var requests: Requests?
    /// The share of the account's daily allowance that the run may use, 0…1.
    package var dailyShare: Double?
    /// At most so many requests at once; `nil` = found out by trying.
    package var concurrencyMax: Int?

    package init() {}

    package struct Requests: Sendable, Equatable {
        package var count: Int
        package var per: Duration
    }
}

/// How records are written.
package struct LoadSpec: Sendable, Equatable {
    /// The name of the way of writing (`WriteRoute.name`); `nil` = chosen by volume.
    package var route: String?
    /// The destination's field that holds our row key; `nil` = the connector's own choice.
    package var externalID: String?
    package var batchRecordsMax: Int?
    package var batchBytesMax: Int?

    package init() {}
}
