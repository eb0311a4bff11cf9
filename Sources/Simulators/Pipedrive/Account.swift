// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
import MigratezSyntheticCRM

/// Somebody who works in the company.
struct User: Sendable {
    /// Whom every token acts for: an administrator.
    static let ownID: Int64 = 1

    var id: Int64
    var name: String
    var email: String
    var isActive: Bool

    static func all(of crm: SyntheticCRM) -> [User] {
        [User(id: ownID, name: "Admin", email: "admin@acme.test", isActive: true)]
            + crm.owners.map { owner in
                User(
                    id: Int64(owner.id), name: "\(owner.firstName) \(owner.lastName)", email: owner.email,
                    isActive: owner.isActive)
            }
    }

    func json(isOwn: Bool) -> JSONValue {
        [
            "id": .number(String(id)), "name": .string(name), "email": .string(email), "active_flag": .bool(isActive),
            "is_you": .bool(isOwn), "is_deleted": false, "default_currency": "USD", "locale": "en_US", "lang": 1,
            "access": [
                ["app": "sales", "admin": .bool(isOwn), "permission_set_id": "62cc4d7f-4038-4352-abf3-a8c1c822b631"]
            ],
            "timezone_name": "Europe/Tallinn",
        ]
    }
}

extension PipedriveSimulator {
    func user(_ id: Int64) throws(PipedriveFailure) -> SimulatorResponse {
        guard let user = users.first(where: { $0.id == id }) else {
            throw PipedriveFailure(404, nil, "User not found or not accessible.")
        }
        return .data(user.json(isOwn: id == User.ownID))
    }

    func ownUser() throws(PipedriveFailure) -> SimulatorResponse {
        guard let user = users.first(where: { $0.id == User.ownID }) else { throw .unauthorized }
        let company: [JSONValue.Member] = [
            .init("company_id", 54_235_233), .init("company_name", "Acme"), .init("company_domain", "acme"),
            .init("company_country", "EE"),
        ]
        return .data(.object(user.json(isOwn: true).members + company))
    }
}

/// The kinds of activities; `type` of an activity holds the key.
enum ActivityType {
    static let keys = ["call", "meeting", "task", "deadline", "email", "lunch"]

    static var json: JSONValue {
        .array(
            keys.enumerated().map { place, key in
                [
                    "id": .number(String(place + 1)), "order_nr": .number(String(place + 1)),
                    "key_string": .string(key),
                    "name": .string(key.prefix(1).uppercased() + key.dropFirst()), "active_flag": true,
                    "is_custom_flag": false,
                ]
            })
    }
}

enum Currency {
    static let codes = ["USD", "EUR", "NOK", "JPY"]

    static var json: JSONValue {
        .array(
            codes.enumerated().map { place, code in
                ["id": .number(String(place + 1)), "code": .string(code), "active_flag": true, "is_custom_flag": false]
            })
    }
}

/// The pipelines of the synthetic CRM, without the stages in which deals are closed: that is what a status is for.
enum Pipelines {
    struct Stage {
        var id: Int
        var pipelineID: Int
        var name: String
        var probability: Int
        /// The stage in the synthetic CRM.
        var origin: String
    }

    static let stages: [Stage] = {
        var stages: [Stage] = []
        for (place, pipeline) in DealPipeline.all.enumerated() {
            for stage in pipeline.stages where !stage.isClosed {
                stages.append(
                    Stage(
                        id: stages.count + 1, pipelineID: place + 1, name: stage.label,
                        probability: Int((Double(stage.probability) ?? 0) * 100), origin: stage.id))
            }
        }
        return stages
    }()

    static func pipelines(_ request: SimulatorRequest) throws(PipedriveFailure) -> SimulatorResponse {
        try FixedList.page(
            DealPipeline.all.enumerated().map { place, pipeline in
                [
                    "id": .number(String(place + 1)), "name": .string(pipeline.label),
                    "order_nr": .number(String(place + 1)), "is_deleted": false, "is_deal_probability_enabled": true,
                ]
            }, request)
    }

    static func stages(_ request: SimulatorRequest) throws(PipedriveFailure) -> SimulatorResponse {
        try FixedList.page(
            stages.enumerated().map { place, stage in
                [
                    "id": .number(String(stage.id)), "name": .string(stage.name),
                    "pipeline_id": .number(String(stage.pipelineID)), "order_nr": .number(String(place + 1)),
                    "deal_probability": .number(String(stage.probability)), "is_deleted": false,
                    "is_deal_rot_enabled": false, "days_to_rotten": .null,
                ]
            }, request)
    }
}
