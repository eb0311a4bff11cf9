// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel

/// The paths of the two versions of the API that are spoken together.
///
/// Source: the OpenAPI descriptions of both versions. Version 2 has no notes, users, activity types and participants of
/// deals; version 1 has nothing else any more since 1 August 2026 (developers.pipedrive.com, changelog).
struct PipedrivePaths: Sendable, Hashable {
    let version: String
    let formerVersion: String

    init(version: String, formerVersion: String) throws(MigratezError) {
        for text in [version, formerVersion] where text.prefixMatch(of: /v[1-9]\d*$/) == nil {
            throw MigratezError(
                .invalidSetting, "'\(text)' is not a version of Pipedrive's API", remedy: .fixConfiguration,
                hint: "write v2, for instance")
        }
        self.version = version
        self.formerVersion = formerVersion
    }

    func list(_ object: PipedriveObject) -> String {
        object.isFormer ? "/api/\(formerVersion)/\(object.path)" : "/api/\(version)/\(object.path)"
    }
    func record(_ object: PipedriveObject, _ id: String) -> String { "\(list(object))/\(id)" }
    /// The files of a record.
    func files(of object: PipedriveObject, _ id: String) -> String {
        "/api/\(formerVersion)/\(object.path)/\(id)/files"
    }
    var archivedDeals: String { list(.deal) + "/archived" }
    func fields(_ object: PipedriveObject) -> String {
        object.isFormer
            ? "/api/\(formerVersion)/\(object.rawValue)Fields" : "/api/\(version)/\(object.rawValue)Fields"
    }
    /// The products of deals that a request names.
    var dealProducts: String { list(.deal) + "/products" }
    func products(ofDeal id: String) -> String { "\(record(.deal, id))/products" }
    var pipelines: String { "/api/\(version)/pipelines" }
    var stages: String { "/api/\(version)/stages" }
    var users: String { "/api/\(formerVersion)/users" }
    var ownUser: String { users + "/me" }
    var activityTypes: String { "/api/\(formerVersion)/activityTypes" }
    var leads: String { "/api/\(formerVersion)/leads" }
    var archivedLeads: String { leads + "/archived" }
    func lead(_ id: String) -> String { "\(leads)/\(id)" }
    var leadLabels: String { "/api/\(formerVersion)/leadLabels" }
    func participants(ofDeal id: String) -> String { "/api/\(formerVersion)/deals/\(id)/participants" }
}
