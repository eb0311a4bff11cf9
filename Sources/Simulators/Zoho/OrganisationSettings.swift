// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
import MigratezSyntheticCRM

/// What describes the organisation: modules, fields, pipelines, users.
///
/// Source: zoho.com/crm/developer, "Modules Metadata", "Fields Metadata", "Create Custom Fields", "Pipelines", "Users",
/// "Organization".
struct OrganisationSettings {
    /// Fields that one request creates.
    private static let creationsMax = 5

    let organisation: Organisation
    let session: DocumentSession
    let request: SimulatorRequest
    let now: Timestamp

    func modules() -> SimulatorResponse {
        json("modules", .array(organisation.modules.map(describe)))
    }

    func module(_ name: String) throws(ZohoFailure) -> SimulatorResponse {
        json("modules", [describe(try organisation.module(name))])
    }

    private func describe(_ module: ModuleDefinition) -> JSONValue {
        [
            "id": .string(String(module.firstID)), "api_name": .string(module.name),
            "module_name": .string(module.name), "singular_label": .string(module.singular),
            "plural_label": .string(module.name), "generated_type": module.parent == nil ? "default" : "subform",
            "parent_module": module.parent.map { ["api_name": .string($0)] } ?? [:], "api_supported": true,
            "creatable": .bool(module.parent == nil), "editable": true, "deletable": true, "viewable": true,
            "visible": true,
        ]
    }

    func fields() throws(ZohoFailure) -> SimulatorResponse {
        let module = try named()
        let fields = module.fields.enumerated().map { number, field in
            field.json(id: String(module.firstID + 900_000_000 + Int64(number)))
        }
        return json("fields", .array(fields))
    }

    /// Creates custom fields; each has an end of its own.
    func createFields(_ body: JSONValue) throws -> SimulatorResponse {
        let module = try named()
        guard module.takesCustomFields else {
            throw ZohoFailure(400, "NOT_SUPPORTED", "custom fields are not supported for this module")
        }
        let creations = body["fields"]?.elements ?? []
        guard (1...Self.creationsMax).contains(creations.count) else {
            throw ZohoFailure.invalid("fields", "one to five fields are created at once")
        }
        var answers: [JSONValue] = []
        var failed = 0
        for creation in creations {
            guard let field = FieldDefinition(creation: creation) else {
                failed += 1
                answers.append(RowFailure("INVALID_DATA", "invalid data", [.init("api_name", "data_type")]).json)
                continue
            }
            guard try organisation.module(module.name).field(field.name) == nil else {
                failed += 1
                answers.append(
                    RowFailure("DUPLICATE_DATA", "duplicate data", [.init("api_name", "field_label")]).json)
                continue
            }
            let id = try session.insert(
                Organisation.Table.customFields,
                ["module": .string(module.name), "definition": creation], at: now)
            organisation.add(field, to: module.name)
            answers.append([
                "code": "SUCCESS", "details": ["id": .string(String(module.firstID + 950_000_000 + id))],
                "message": "field created", "status": "success",
            ])
        }
        let status = failed == 0 ? 201 : failed == answers.count ? 400 : 207
        return .json(JSONValue.object([.init("fields", .array(answers))]).serialized(), status: status)
    }

    /// Pipelines are kept by layout; there is one.
    func pipelines() throws(ZohoFailure) -> SimulatorResponse {
        guard request.query("layout_id") == Self.layoutID else { throw .missing(parameter: "layout_id") }
        let pipelines = DealPipeline.all.enumerated().map { number, pipeline -> JSONValue in
            [
                "id": .string("55402300000000\(6_000 + number)"), "display_value": .string(pipeline.label),
                "actual_value": .string(pipeline.label), "default": .bool(number == 0),
                "maps": .array(
                    pipeline.stages.map { stage in
                        [
                            "display_value": .string(stage.label), "actual_value": .string(stage.label),
                            "forecast_type": .string(
                                stage.probability == "1.0" ? "Closed Won" : stage.isClosed ? "Closed Lost" : "Open"),
                        ]
                    }),
            ]
        }
        return json("pipeline", .array(pipelines))
    }

    func layouts() throws(ZohoFailure) -> SimulatorResponse {
        let module = try named()
        return json(
            "layouts",
            [
                [
                    "id": .string(Self.layoutID), "name": "Standard", "status": "active",
                    "sections": [
                        [
                            "api_name": "information",
                            "fields": .array(module.fields.map { ["api_name": .string($0.name)] }),
                        ]
                    ],
                ]
            ])
    }

    private static let layoutID = "554023000000000173"

    // MARK: People and the organisation

    func users(_ userID: String) throws(ZohoFailure) -> SimulatorResponse {
        let perPage = min(request.query("per_page").flatMap { Int($0) } ?? 200, 200)
        let page = max(request.query("page").flatMap { Int($0) } ?? 1, 1)
        let all = organisation.options.users.indices.filter { index in
            switch request.query("type") {
            case "CurrentUser": organisation.userID(at: index) == userID
            case "ActiveUsers": organisation.options.users[index].isActive
            case "DeactiveUsers": !organisation.options.users[index].isActive
            default: true
            }
        }
        let shown = all.dropFirst((page - 1) * perPage).prefix(perPage)
        guard !shown.isEmpty else { return .empty() }
        let users = shown.map { index -> JSONValue in
            let user = organisation.options.users[index]
            return [
                "id": .string(organisation.userID(at: index)), "full_name": .string(user.name),
                "email": .string(user.email), "status": user.isActive ? "active" : "disabled",
                "confirm": true, "profile": ["name": "Administrator", "id": "554023000000015972"],
            ]
        }
        return .json(
            JSONValue.object([
                .init("users", .array(users)),
                .init(
                    "info",
                    [
                        "per_page": .number(String(perPage)), "count": .number(String(users.count)),
                        "page": .number(String(page)), "more_records": .bool(page * perPage < all.count),
                    ]),
            ]).serialized())
    }

    func org() -> SimulatorResponse {
        json(
            "org",
            [
                [
                    "id": "554023000000020005", "zgid": .string(Organisation.zgid),
                    "domain_name": .string("org\(Organisation.zgid)"),
                    "company_name": .string(organisation.options.companyName), "time_zone": "Asia/Kolkata",
                    "currency": "USD", "iso_code": "USD",
                    "license_details": [
                        "paid_type": .string(organisation.options.edition),
                        "users_license_purchased": .number(String(organisation.options.users.count)), "paid": true,
                    ],
                ]
            ])
    }

    private func named() throws(ZohoFailure) -> ModuleDefinition {
        guard let name = request.query("module") else { throw .missing(parameter: "module") }
        return try organisation.module(name)
    }

    private func json(_ name: String, _ value: JSONValue) -> SimulatorResponse {
        .json(JSONValue.object([.init(name, value)]).serialized())
    }
}
