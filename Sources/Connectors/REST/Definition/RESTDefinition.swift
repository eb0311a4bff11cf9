// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezConnectorKit
package import MigratezModel

/// All that is known of a vendor, as its definition says it, ready to be read with.
package struct RESTDefinition: Sendable {
    /// The connector's name, the first part of row keys: `close`.
    package var name: String
    /// The vendor's own name.
    package var label: String
    var baseURL: TextTemplate
    /// Settings of its own, beside those that every definition has.
    package var settings: [Setting]
    var headers: [Header]
    /// The ways to authenticate; the first one counts whose settings are given.
    var auth: [Authentication]
    var limits: RESTLimits
    var errors: RESTErrorTable
    var identity: Identity
    var people: [PeopleList]
    /// In the order of the definition.
    package var objects: [ObjectPlan]

    package func object(_ stream: StreamName) -> ObjectPlan? { objects.first { $0.stream == stream } }

    package struct Setting: Sendable {
        package var name: String
        package var summary: String
        package var isRequired: Bool
        var otherwise: String?
    }

    struct Header: Sendable {
        var name: String
        var value: TextTemplate
    }

    /// Whose account it is.
    struct Identity: Sendable {
        var request: RequestTemplate
        /// What tells it from others; placeholders are settings, or paths in the answer.
        var text: TextTemplate
        var user: RecordPath?
    }

    /// A list of people who can own records.
    struct PeopleList: Sendable {
        var list: ListPlan
        var lookups: [LookupPlan]
        var id: RecordPaths
        var email: RecordPaths?
        var active: Activity
    }

    /// Which people of a list are still there.
    enum Activity: Sendable {
        case all(Bool)
        /// Those who have one of these texts there.
        case having(RecordPath, [String])
    }
}

/// One way to authenticate. Its templates may name `auth.key`, `auth.user` and `auth.password`.
enum Authentication: Sendable {
    case header(name: String, value: TextTemplate)
    case query(name: String, value: TextTemplate)
    /// RFC 7617.
    case basic(user: TextTemplate, password: TextTemplate)
    case bearer
    case refreshToken(url: TextTemplate)
    case clientCredentials(url: TextTemplate, scope: String?)

    /// The settings that it takes.
    var settings: [String] {
        switch self {
        case .header(_, let value), .query(_, let value): value.placeholders.filter { $0.hasPrefix("auth.") }
        case .basic(let user, let password):
            (user.placeholders + password.placeholders).filter { $0.hasPrefix("auth.") }
        case .bearer: ["auth.token"]
        case .refreshToken: ["auth.client_id", "auth.client_secret", "auth.refresh_token"]
        case .clientCredentials: ["auth.client_id", "auth.client_secret"]
        }
    }
}

/// How many requests the vendor takes, and in which headers it tells what is left.
struct RESTLimits: Sendable {
    /// A header, or one item of a header that lists several: `RateLimit[remaining]`.
    struct Source: Sendable, Hashable {
        var header: String
        var item: String?
    }

    var budget: RateBudget?
    var windowRemaining: Source?
    /// In seconds from now.
    var windowReset: Source?
    /// Of the long window: an hour, a day.
    var allowanceLimit: Source?
    var allowanceRemaining: Source?
}

/// One object of a vendor.
package struct ObjectPlan: Sendable {
    package var stream: StreamName
    package var label: String
    /// Lists that are read one after the other and hold the object's records together.
    var lists: [ListPlan]
    var lookups: [LookupPlan]
    var id: RecordPath
    var modified: String?
    var total: TotalPlan?
    var byID: ByIDPlan
    package var fields: [FieldPlan]
    var discovery: DiscoveryPlan?
    var links: [LinkPlan]
    /// `nil` = the object is only read.
    var write: WritePlan?

    /// The member under which a record's id stands.
    var idName: String { id.onlyMember ?? id.lastName ?? "id" }
}

/// A list of records and how its pages follow each other.
struct ListPlan: Sendable {
    var request: RequestTemplate
    var paging: Paging
    /// Where the list is in an answer.
    var list: [String]
    /// Where the record is in an element.
    var record: [String]
}

/// The number of an object's records, as the first page of its list tells it.
struct TotalPlan: Sendable {
    enum Place: Sendable {
        case header(String)
        case path(RecordPath)
    }

    var place: Place
    /// Whether it can be held against what was read; otherwise it is for progress only.
    var isExact: Bool
}

/// How records are read by id.
struct ByIDPlan: Sendable {
    var request: RequestTemplate
    /// How many ids fit into one request, whose answer is a list then.
    var batchMax: Int
    var list: [String]
    var record: [String]
}

/// A value that requests need and that has to be asked for: the id of a view, of a type.
struct LookupPlan: Sendable {
    var name: String
    var request: RequestTemplate
    /// The elements to look at.
    var list: RecordPath
    /// What an element must say.
    var conditions: [Condition]
    var value: RecordPath

    struct Condition: Sendable {
        var path: RecordPath
        var text: String
    }
}

/// A field that records have.
package struct FieldPlan: Sendable {
    package var schema: FieldSchema
    /// Where it is in a record; `nil` = it is the member of that name.
    var at: RecordPaths?
}

/// Fields that the account describes.
struct DiscoveryPlan: Sendable {
    var request: RequestTemplate
    var lookups: [LookupPlan]
    var list: RecordPath
    var conditions: [LookupPlan.Condition]
    /// Placeholders are paths in an element; one of them, which stands in `at`, too, tells fields apart.
    var name: TextTemplate
    var label: TextTemplate
    /// Paths in a record, with the placeholder of `name`; empty = the member of that name.
    var at: [TextTemplate]
    var kind: RecordPath?
    /// Our kind for each of the vendor's.
    var kinds: [String: FieldSchema.Kind]
    /// Where the description says whether no two records may share a value.
    var isUnique: RecordPath?
    var options: OptionsPlan?

    struct OptionsPlan: Sendable {
        var list: RecordPath
        var value: RecordPath
        var label: RecordPath
    }
}

/// Links from an object's records to those of another.
struct LinkPlan: Sendable {
    var to: StreamName
    /// Where the links are: in the record, or in the answer to a request for each record.
    var request: RequestTemplate?
    var paging: Paging
    /// The links; each is an element with an id.
    var list: RecordPath
    var id: RecordPath
    /// What the record must say for its links to count.
    var conditions: [LookupPlan.Condition]
    var isPrimary: RecordPath?
    var label: RecordPath?
}
