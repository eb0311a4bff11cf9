// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB
import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
import MigratezSyntheticCRM
import Synchronization

/// What describes the account: properties, pipelines, owners, use of the daily allowance, and the simulator's counts.
extension HubSpotSimulator {
    // MARK: Properties

    func properties(_ object: ObjectType) async throws(HubSpotFailure) -> SimulatorResponse {
        let answer: JSONValue = ["results": .array(definitions(of: object).map(\.json))]
        return .json(answer.serialized())
    }

    func property(_ object: ObjectType, _ name: String) async throws(HubSpotFailure) -> SimulatorResponse {
        guard let property = definitions(of: object).first(where: { $0.name == name }) else {
            throw HubSpotFailure(404, "OBJECT_NOT_FOUND", "Property \(name) does not exist")
        }
        return .json(property.json.serialized())
    }

    func propertyCreate(
        _ object: ObjectType, _ request: SimulatorRequest
    ) async throws(HubSpotFailure) -> SimulatorResponse {
        let property = try PropertyDefinition(creating: try HubSpotSimulator.body(request))
        let known = Set(definitions(of: object).map(\.name))
        try await overlay.write { try $0.add(property, to: object, known: known) }
        return .json(property.json.serialized(), status: 201)
    }

    func propertyBatchCreate(
        _ object: ObjectType, _ request: SimulatorRequest
    ) async throws(HubSpotFailure) -> SimulatorResponse {
        let inputs = try HubSpotSimulator.body(request)["inputs"]?.elements ?? []
        guard inputs.count <= 100 else { throw .tooManyInputs(inputs.count, most: 100) }
        var properties: [PropertyDefinition] = []
        for input in inputs { properties.append(try PropertyDefinition(creating: input)) }
        let known = Set(definitions(of: object).map(\.name))
        let (created, started) = (properties, options.clock.now)
        let answer = try await overlay.write { session in
            var answer = BatchAnswer(started: started)
            for property in created {
                do {
                    try session.undoing { try session.add(property, to: object, known: known) }
                    answer.add { property.json.write(to: &$0) }
                } catch let failure as HubSpotFailure {
                    answer.fail(failure)
                }
            }
            return answer
        }
        return answer.response(success: 201, completed: options.clock.now)
    }

    // MARK: Groups of properties

    func propertyGroups(_ object: ObjectType) async throws(HubSpotFailure) -> SimulatorResponse {
        let groups = try await overlay.read { try $0.groups(of: object) }
        return .json(JSONValue.object([.init("results", .array(groups.map(\.json)))]).serialized())
    }

    func propertyGroupCreate(
        _ object: ObjectType, _ request: SimulatorRequest
    ) async throws(HubSpotFailure) -> SimulatorResponse {
        let body = try HubSpotSimulator.body(request)
        guard let name = body["name"]?.text, let label = body["label"]?.text, !name.isEmpty else {
            throw .invalid("Some required fields were not set: [name, label]")
        }
        let group = PropertyGroup(name: name, label: label)
        try await overlay.write { try $0.add(group, to: object) }
        return .json(group.json.serialized(), status: 201)
    }

    // MARK: Pipelines

    func pipelines(_ object: ObjectType) -> SimulatorResponse {
        let answer: JSONValue = [
            "results": .array(object == .deal ? DealPipeline.all.indices.map(HubSpotSimulator.pipelineJSON) : [])
        ]
        return .json(answer.serialized())
    }

    func pipeline(_ object: ObjectType, _ id: String) throws(HubSpotFailure) -> SimulatorResponse {
        guard object == .deal, let place = DealPipeline.all.firstIndex(where: { $0.id == id }) else {
            throw HubSpotFailure(404, "OBJECT_NOT_FOUND", "No pipeline with this id")
        }
        return .json(HubSpotSimulator.pipelineJSON(place).serialized())
    }

    /// Pipelines are as old as the account.
    private static let accountCreatedAt: JSONValue = "2015-01-01T00:00:00.000Z"

    private static func pipelineJSON(_ place: Int) -> JSONValue {
        let pipeline = DealPipeline.all[place]
        let stages = pipeline.stages.enumerated().map { position, stage -> JSONValue in
            [
                "id": .string(stage.id), "label": .string(stage.label), "displayOrder": .number(String(position)),
                "metadata": [
                    "probability": .string(stage.probability), "isClosed": .string(stage.isClosed ? "true" : "false"),
                ],
                "createdAt": accountCreatedAt, "updatedAt": accountCreatedAt, "archived": false,
                "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
            ]
        }
        return [
            "id": .string(pipeline.id), "label": .string(pipeline.label), "displayOrder": .number(String(place)),
            "stages": .array(stages), "createdAt": accountCreatedAt, "updatedAt": accountCreatedAt, "archived": false,
        ]
    }

    // MARK: Owners

    /// Active owners by default, the ones who left with `archived=true`; `limit` 1…500, default 100.
    func owners(_ request: SimulatorRequest) throws(HubSpotFailure) -> SimulatorResponse {
        var limit = 100
        if request.query("limit") != nil { limit = try HubSpotSimulator.limit(request, most: 500) }
        let after = try HubSpotSimulator.cursor(request)
        let wantsArchived = request.flag("archived")
        let email = request.query("email")?.lowercased()
        let owners = crm.owners.filter {
            $0.isActive != wantsArchived && $0.id > after && (email == nil || $0.email == email)
        }
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("results")
        writer.beginArray()
        for owner in owners.prefix(limit) { HubSpotSimulator.json(owner).write(to: &writer) }
        writer.endArray()
        if owners.count > limit {
            writer.key("paging")
            HubSpotSimulator.writeNext(HubSpotSimulator.cursor(for: owners[limit - 1].id), of: request, to: &writer)
        }
        writer.endObject()
        return .json(writer.bytes)
    }

    /// `GET /crm/v3/owners/{id}?idProperty=id|userId`.
    func owner(_ id: String, _ request: SimulatorRequest) throws(HubSpotFailure) -> SimulatorResponse {
        let byUser = request.query("idProperty") == "userId"
        let wantsArchived = request.flag("archived")
        let owner = crm.owners.first { String(byUser ? $0.userID : $0.id) == id && $0.isActive != wantsArchived }
        guard let owner else { throw HubSpotFailure(404, "OBJECT_NOT_FOUND", "No owner with this id") }
        return .json(HubSpotSimulator.json(owner).serialized())
    }

    private static func json(_ owner: Owner) -> JSONValue {
        [
            "id": .string(String(owner.id)), "email": .string(owner.email), "type": "PERSON",
            "firstName": .string(owner.firstName), "lastName": .string(owner.lastName),
            // Whoever has left is no user any more.
            "userId": owner.isActive ? .number(String(owner.userID)) : .null,
            "userIdIncludingInactive": .number(String(owner.userID)), "createdAt": accountCreatedAt,
            "updatedAt": accountCreatedAt, "archived": .bool(!owner.isActive), "teams": [],
        ]
    }

    // MARK: Usage and counts

    func usage() -> SimulatorResponse {
        let answer: JSONValue = [
            "results": [
                [
                    "name": "private-apps-api-calls-daily",
                    "usageLimit": .number(String(options.rate?.daily ?? 1_000_000)),
                    "currentUsage": .number(String(served.load(ordering: .relaxed))),
                    "resetsAt": .string(DateText.instant(HubSpotSimulator.nextMidnight(options.clock.now))),
                    "collectedAt": .string(DateText.instant(options.clock.now)), "fetchStatus": "SUCCESS",
                ]
            ]
        ]
        return .json(answer.serialized())
    }

    private static func nextMidnight(_ now: Timestamp) -> Timestamp {
        Timestamp(milliseconds: (now.milliseconds.flooredDivision(by: 86_400_000) + 1) * 86_400_000)
    }

    /// `GET /account-info/v3/details`.
    func accountDetails() -> SimulatorResponse {
        let answer: JSONValue = [
            "portalId": .number(String(HubSpotSimulator.portalID)), "accountType": "STANDARD", "timeZone": "Etc/UTC",
            "companyCurrency": "USD",
            "additionalCurrencies": [], "utcOffset": "+00:00", "utcOffsetMilliseconds": 0,
            "uiDomain": "app.hubspot.com", "dataHostingLocation": "na1",
        ]
        return .json(answer.serialized())
    }

    /// `POST /oauth/v2/private-apps/get/access-token-info`: whose token it is and what it allows.
    func tokenInfo(_ request: SimulatorRequest) throws(HubSpotFailure) -> SimulatorResponse {
        guard let token = try HubSpotSimulator.body(request)["tokenKey"]?.text, authorization.knows(token) else {
            throw HubSpotFailure(404, "OBJECT_NOT_FOUND", "No private app has this token.")
        }
        let scopes = options.scopes ?? Operation.allScopes
        let answer: JSONValue = [
            "userId": 7, "hubId": .number(String(HubSpotSimulator.portalID)), "appId": 42,
            "scopes": .array(scopes.sorted().map(JSONValue.string)),
        ]
        return .json(answer.serialized())
    }

    /// `{"contacts":{"live":…,"archived":…},…,"owners":…}`
    func counts() async -> [UInt8] {
        let tallies = try? await overlay.read { session in
            try session.definitions.types.map { ($0, try session.tally($0)) }
        }
        var writer = JSONWriter()
        writer.beginObject()
        for (object, tally) in tallies ?? [] {
            writer.key(object.plural)
            writer.beginObject()
            writer.key("live")
            writer.int(tally.live)
            writer.key("archived")
            writer.int(tally.archived)
            writer.endObject()
        }
        writer.key("owners")
        writer.int(crm.counts.owners)
        writer.endObject()
        return writer.bytes
    }
}
