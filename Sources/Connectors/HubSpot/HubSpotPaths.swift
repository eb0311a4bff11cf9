// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel

/// The paths of one version of the API.
///
/// HubSpot publishes dated versions each March and September beside v3/v4, and puts the date behind the family's name.
/// Source: its migration guide to date-based versions, and the OpenAPI descriptions of 2026-03 and 2026-09.
struct HubSpotPaths: Sendable, Hashable {
    /// `v3` (which means v4 for associations), or a date: `2026-03`.
    let version: String

    init(version: String) throws(MigratezError) {
        let isDated = version.prefixMatch(of: /20\d\d-(03|09)(-beta)?$/) != nil
        guard version == "v3" || isDated else {
            throw MigratezError(
                .invalidSetting, "'\(version)' is not a version of HubSpot's API", remedy: .fixConfiguration,
                hint: "write v3, or a dated version such as 2026-03")
        }
        self.version = version
    }

    private var isDated: Bool { version != "v3" }

    func objects(_ type: String) -> String { isDated ? "/crm/objects/\(version)/\(type)" : "/crm/v3/objects/\(type)" }
    func batchRead(_ type: String) -> String { objects(type) + "/batch/read" }
    /// - Parameter verb: `upsert`, `update`, `archive`.
    func batchWrite(_ type: String, _ verb: String) -> String { objects(type) + "/batch/\(verb)" }
    func search(_ type: String) -> String { objects(type) + "/search" }
    func properties(_ type: String) -> String {
        isDated ? "/crm/properties/\(version)/\(type)" : "/crm/v3/properties/\(type)"
    }
    func propertyGroups(_ type: String) -> String { properties(type) + "/groups" }
    /// Definitions of custom objects; their dated path has the resource behind the version.
    var schemas: String { isDated ? "/crm-object-schemas/\(version)/schemas" : "/crm/v3/schemas" }
    /// How many custom objects there are and may be.
    var objectLimit: String {
        (isDated ? "/crm/limits/\(version)" : "/crm/v3/limits") + "/custom-object-types"
    }
    var listSearch: String { lists + "/search" }
    func listMembers(_ id: String) -> String { lists + "/\(id)/memberships" }
    private var lists: String { isDated ? "/crm/lists/\(version)" : "/crm/v3/lists" }
    func pipelines(_ type: String) -> String {
        isDated ? "/crm/pipelines/\(version)/\(type)" : "/crm/v3/pipelines/\(type)"
    }
    /// Files have versions as everything else; their path has the resource behind the version.
    var files: String { "/files/\(version)/files" }
    func file(_ id: String) -> String { files + "/\(id)" }
    var owners: String { isDated ? "/crm/owners/\(version)" : "/crm/v3/owners" }
    func accountInfo(_ resource: String) -> String { "/account-info/\(version)/\(resource)" }
    var token: String { isDated ? "/oauth/\(version)/token" : "/oauth/v1/token" }

    /// What is done with many links at once.
    enum LinkBatch: String {
        case read, create, archive
        case labelsArchive = "labels/archive"
    }

    func links(_ from: String, _ to: String, _ batch: LinkBatch) -> String {
        associations(from, to) + "/batch/\(batch.rawValue)"
    }

    func linkLabels(_ from: String, _ to: String) -> String { associations(from, to) + "/labels" }

    private func associations(_ from: String, _ to: String) -> String {
        (isDated ? "/crm/associations/\(version)/" : "/crm/v4/associations/") + "\(from)/\(to)"
    }
}
