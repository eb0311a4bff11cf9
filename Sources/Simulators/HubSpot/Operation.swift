// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezSimulatorKit
import MigratezSyntheticCRM

/// What a request asks for, whatever version of the path it uses.
enum Operation: Sendable, Equatable {
    enum BatchVerb: String, Sendable { case create, update, upsert, archive }
    enum LinkVerb: String, Sendable {
        case create, archive, labelsArchive = "labels/archive", associateDefault = "associate/default"
    }

    case token, tokenInfo
    case list(ObjectType), read(ObjectType, id: String), batchRead(ObjectType), search(ObjectType)
    case create(ObjectType), update(ObjectType, id: String), archive(ObjectType, id: String), merge(ObjectType)
    case batchWrite(ObjectType, BatchVerb)
    case recordLinks(ObjectType, id: String, to: ObjectType)
    case linksRead(ObjectType, ObjectType, isDated: Bool)
    case linksWrite(ObjectType, ObjectType, LinkVerb)
    case linkPut(ObjectType, id: String, ObjectType, toID: String, isDefault: Bool)
    case linkDelete(ObjectType, id: String, ObjectType, toID: String)
    case labels(ObjectType, ObjectType), labelCreate(ObjectType, ObjectType)
    case properties(ObjectType), property(ObjectType, name: String)
    case propertyCreate(ObjectType), propertyBatchCreate(ObjectType)
    case propertyGroups(ObjectType), propertyGroupCreate(ObjectType)
    case schemas, schema(ObjectType), schemaCreate, objectLimit
    case listsSearch, listMemberships(id: String)
    case pipelines(ObjectType), pipeline(ObjectType, id: String)
    case owners, owner(id: String)
    case usage, accountDetails
    case fileUpload, file(id: String), fileReplace(id: String), fileDelete(id: String), fileStat(path: [String])
    case fileSignedURL(id: String), fileDownload(id: String)

    static let datedVersions: Set = ["2026-03", "2026-09"]

    /// `nil` if HubSpot has no such route, or none for the kinds of records that are simulated.
    /// - Parameter path: with type ids in place of the names of custom objects.
    init?(_ request: SimulatorRequest, path: [String]) {
        guard let family = Family(path) else { return nil }
        let rest = Array(path.dropFirst(family.length))
        let operation: Operation? =
            switch family.name {
            case "oauth":
                request.method != .post
                    ? nil
                    : rest == ["token"]
                        ? .token : rest == ["private-apps", "get", "access-token-info"] ? .tokenInfo : nil
            case "account-info":
                rest.first == "api-usage" ? .usage : rest == ["details"] ? .accountDetails : nil
            case "schemas": Operation.schemas(request.method, rest)
            case "limits": request.method == .get && rest == ["custom-object-types"] ? .objectLimit : nil
            case "objects": Operation.objects(request.method, rest, version: family.version)
            case "associations": Operation.associations(request.method, rest, version: family.version)
            case "properties": Operation.properties(request.method, rest)
            case "pipelines": Operation.pipelines(request.method, rest)
            case "owners": Operation.owners(request.method, rest)
            case "lists":
                request.method == .post && rest == ["search"]
                    ? .listsSearch
                    : request.method == .get && rest.count == 2 && rest[1] == "memberships"
                        ? .listMemberships(id: rest[0]) : nil
            case "files": Operation.files(request.method, rest)
            case "hubfs-signed":
                request.method == .get && rest.count == 1 ? .fileDownload(id: rest[0]) : nil
            default: nil
            }
        guard let operation else { return nil }
        self = operation
    }

    /// The resource and version that a path begins with.
    private struct Family {
        var name: String
        var version: String
        /// How many segments they take.
        var length: Int

        init?(_ path: [String]) {
            if path.count >= 3, path[0] == "crm" {
                if path[1] == "v3" || path[1] == "v4" {
                    (name, version, length) = (path[2], path[1], 3)
                    return
                }
                guard Operation.datedVersions.contains(path[2]) else { return nil }
                (name, version, length) = (path[1], path[2], 3)
            } else if path.count >= 3, path[0] == "crm-object-schemas", path[2] == "schemas",
                path[1] == "v3" || Operation.datedVersions.contains(path[1])
            {
                (name, version, length) = ("schemas", path[1], 3)
            } else if path.count >= 3, ["oauth", "account-info"].contains(path[0]) {
                guard ["v1", "v2", "v3"].contains(path[1]) || Operation.datedVersions.contains(path[1]) else {
                    return nil
                }
                (name, version, length) = (path[0], path[1], 2)
            } else if path.count >= 3, path[0] == "files", path[1] == "v3" || Operation.datedVersions.contains(path[1]),
                path[2] == "files"
            {
                (name, version, length) = ("files", path[1], 3)
            } else if path.count == 2, path[0] == "hubfs-signed" {
                (name, version, length) = (path[0], "", 1)
            } else {
                return nil
            }
        }
    }

    private static func object(_ segment: String) -> ObjectType? { ObjectType(path: segment) }

    private static func objects(_ method: SimulatorRequest.Method, _ rest: [String], version: String) -> Operation? {
        guard let object = rest.first.flatMap(object) else { return nil }
        switch (method, rest.count) {
        case (.get, 4) where rest[2] == "associations" && version == "v4":
            return Operation.object(rest[3]).map { .recordLinks(object, id: rest[1], to: $0) }
        case (.put, 5) where rest[2] == "associations" && version == "v4":
            return Operation.object(rest[3]).map {
                .linkPut(object, id: rest[1], $0, toID: rest[4], isDefault: false)
            }
        case (.delete, 5) where rest[2] == "associations" && version == "v4":
            return Operation.object(rest[3]).map { .linkDelete(object, id: rest[1], $0, toID: rest[4]) }
        case (.put, 6) where rest[2] == "associations" && rest[3] == "default" && version == "v4":
            return Operation.object(rest[4]).map { .linkPut(object, id: rest[1], $0, toID: rest[5], isDefault: true) }
        default: break
        }
        guard version != "v4" else { return nil }
        switch (method, rest.count) {
        case (.get, 1): return .list(object)
        case (.post, 1): return .create(object)
        case (.post, 2) where rest[1] == "search": return .search(object)
        case (.post, 2) where rest[1] == "merge": return .merge(object)
        case (.post, 3) where rest[1] == "batch" && rest[2] == "read": return .batchRead(object)
        case (.post, 3) where rest[1] == "batch": return BatchVerb(rawValue: rest[2]).map { .batchWrite(object, $0) }
        case (.get, 2): return .read(object, id: rest[1])
        case (.patch, 2): return .update(object, id: rest[1])
        case (.delete, 2): return .archive(object, id: rest[1])
        default: return nil
        }
    }

    private static func associations(_ method: SimulatorRequest.Method, _ rest: [String], version: String) -> Operation?
    {
        guard version != "v3", rest.count >= 3, let from = object(rest[0]), let to = object(rest[1]) else { return nil }
        if rest.count == 3, rest[2] == "labels" {
            return method == .get ? .labels(from, to) : method == .post ? .labelCreate(from, to) : nil
        }
        guard method == .post, rest[2] == "batch" else { return nil }
        let verb = rest.dropFirst(3).joined(separator: "/")
        if verb == "read" { return .linksRead(from, to, isDated: version != "v4") }
        return LinkVerb(rawValue: verb).map { .linksWrite(from, to, $0) }
    }

    private static func properties(_ method: SimulatorRequest.Method, _ rest: [String]) -> Operation? {
        guard let object = rest.first.flatMap(object) else { return nil }
        switch (method, rest.count) {
        case (.get, 1): return .properties(object)
        case (.get, 2) where rest[1] == "groups": return .propertyGroups(object)
        case (.post, 2) where rest[1] == "groups": return .propertyGroupCreate(object)
        case (.get, 2): return .property(object, name: rest[1])
        case (.post, 1): return .propertyCreate(object)
        case (.post, 3) where rest[1] == "batch" && rest[2] == "create": return .propertyBatchCreate(object)
        default: return nil
        }
    }

    private static func schemas(_ method: SimulatorRequest.Method, _ rest: [String]) -> Operation? {
        switch (method, rest.count) {
        case (.get, 0): .schemas
        case (.post, 0): .schemaCreate
        case (.get, 1): object(rest[0]).map { .schema($0) }
        default: nil
        }
    }

    private static func pipelines(_ method: SimulatorRequest.Method, _ rest: [String]) -> Operation? {
        guard method == .get, let object = rest.first.flatMap(object) else { return nil }
        return rest.count == 1 ? .pipelines(object) : rest.count == 2 ? .pipeline(object, id: rest[1]) : nil
    }

    private static func files(_ method: SimulatorRequest.Method, _ rest: [String]) -> Operation? {
        switch (method, rest.count) {
        case (.post, 0): .fileUpload
        case (.get, 2...) where rest[0] == "stat": .fileStat(path: Array(rest.dropFirst()))
        case (.get, 2) where rest[1] == "signed-url": .fileSignedURL(id: rest[0])
        case (.get, 1): .file(id: rest[0])
        case (.put, 1): .fileReplace(id: rest[0])
        case (.delete, 1): .fileDelete(id: rest[0])
        default: nil
        }
    }

    private static func owners(_ method: SimulatorRequest.Method, _ rest: [String]) -> Operation? {
        guard method == .get, rest.count <= 1 else { return nil }
        return rest.first.map { .owner(id: $0) } ?? .owners
    }
}

extension Operation {
    /// Whether records, links or definitions may change.
    var isWrite: Bool {
        switch self {
        case .create, .update, .archive, .merge, .batchWrite, .linksWrite, .linkPut, .linkDelete, .propertyCreate,
            .propertyBatchCreate, .propertyGroupCreate, .labelCreate, .schemaCreate, .fileUpload, .fileReplace,
            .fileDelete:
            true
        default: false
        }
    }

    /// The name in the journal: what is done to what.
    var name: String {
        func plural(_ object: ObjectType) -> String { object.plural }
        func pair(_ from: ObjectType, _ to: ObjectType) -> String {
            from.singular + "-" + to.singular
        }
        return switch self {
        case .token: "token"
        case .tokenInfo: "token info"
        case .list(let object): "list \(plural(object))"
        case .read(let object, _): "read \(plural(object))"
        case .batchRead(let object): "batch read \(plural(object))"
        case .search(let object): "search \(plural(object))"
        case .create(let object): "create \(plural(object))"
        case .update(let object, _): "update \(plural(object))"
        case .archive(let object, _): "archive \(plural(object))"
        case .merge(let object): "merge \(plural(object))"
        case .batchWrite(let object, let verb): "batch \(verb.rawValue) \(plural(object))"
        case .recordLinks(let from, _, let to): "links of one \(pair(from, to))"
        case .linksRead(let from, let to, _): "batch read links \(pair(from, to))"
        case .linksWrite(let from, let to, let verb): "batch \(verb.rawValue) links \(pair(from, to))"
        case .linkPut(let from, _, let to, _, _): "put link \(pair(from, to))"
        case .linkDelete(let from, _, let to, _): "delete link \(pair(from, to))"
        case .labels(let from, let to): "labels \(pair(from, to))"
        case .labelCreate(let from, let to): "create label \(pair(from, to))"
        case .properties(let object), .property(let object, _): "properties \(plural(object))"
        case .propertyCreate(let object): "create property \(plural(object))"
        case .propertyBatchCreate(let object): "batch create properties \(plural(object))"
        case .propertyGroups(let object): "property groups \(plural(object))"
        case .propertyGroupCreate(let object): "create property group \(plural(object))"
        case .schemas, .schema: "schemas"
        case .schemaCreate: "create schema"
        case .objectLimit: "limit of custom objects"
        case .pipelines(let object), .pipeline(let object, _): "pipelines \(plural(object))"
        case .owners, .owner: "owners"
        case .listsSearch: "search lists"
        case .listMemberships: "members of a list"
        case .usage: "usage"
        case .fileUpload: "upload file"
        case .file: "file"
        case .fileReplace: "replace file"
        case .fileDelete: "delete file"
        case .fileStat: "file by path"
        case .fileSignedURL: "signed address"
        case .fileDownload: "download file"
        case .accountDetails: "account details"
        }
    }

    /// The scope that HubSpot asks for; `nil` if any token will do.
    var scope: String? {
        func records(_ object: ObjectType, _ right: String) -> String {
            "crm.objects.\(object.scopeName).\(right)"
        }
        return switch self {
        case .token, .tokenInfo, .usage, .accountDetails, .fileDownload: nil
        case .fileUpload, .file, .fileReplace, .fileDelete, .fileStat, .fileSignedURL: "files"
        case .list(let object), .read(let object, _), .batchRead(let object), .search(let object):
            records(object, "read")
        case .create(let object), .update(let object, _), .archive(let object, _), .merge(let object),
            .batchWrite(let object, _):
            records(object, "write")
        case .recordLinks(let from, _, _), .linksRead(let from, _, _), .labels(let from, _): records(from, "read")
        case .linksWrite(let from, _, _), .linkPut(let from, _, _, _, _), .linkDelete(let from, _, _, _):
            records(from, "write")
        case .properties(let object), .property(let object, _), .propertyGroups(let object), .pipelines(let object),
            .pipeline(let object, _):
            "crm.schemas.\(object.scopeName).read"
        case .propertyCreate(let object), .propertyBatchCreate(let object), .propertyGroupCreate(let object):
            "crm.schemas.\(object.scopeName).write"
        case .labelCreate(let from, _): "crm.schemas.\(from.scopeName).write"
        case .schemas, .schema, .objectLimit: "crm.schemas.custom.read"
        case .schemaCreate: "crm.schemas.custom.write"
        case .owners, .owner: "crm.objects.owners.read"
        case .listsSearch, .listMemberships: "crm.lists.read"
        }
    }

    /// Every scope that some operation asks for.
    static let allScopes: Set<String> = Set(
        (ObjectType.allStandardButFiles + [.custom(CustomObject.firstNumber)]).flatMap { object in
            let name = object.scopeName
            return ["objects", "schemas"].flatMap { family in
                ["read", "write"].map { "crm.\(family).\(name).\($0)" }
            }
        } + ["crm.objects.owners.read", "crm.lists.read", "files"])
}
