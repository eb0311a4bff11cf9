// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezTransport

/// The state that a record is in, with its reason.
///
/// Records are created open, products as drafts: the platform does not let a record begin in another state, and closed
/// activities and opportunities are read-only (crm-apis: Dynamics, section 2).
struct RecordState: Sendable, Equatable {
    var state: Int
    var reason: Int?

    init(state: Int, reason: Int?) {
        self.state = state
        self.reason = reason
    }

    /// What a row says of it; `nil` if it says nothing.
    ///
    /// - Throws: `Rejection` if a value is no number.
    init?(_ values: JSONValue) throws(Rejection) {
        func number(_ name: String) throws(Rejection) -> Int? {
            guard let value = values[name], !value.isNull, value.text?.isEmpty != true else { return nil }
            guard let number = value.int else {
                throw Rejection(
                    .notInPicklist, fields: [name], reason: "a state is the number of one of the column's options")
            }
            return number
        }
        let reason = try number("statuscode")
        guard let state = try number("statecode") else { return nil }
        self.init(state: state, reason: reason)
    }
}

/// The operations that bring a record into another state.
struct StateChange: Sendable {
    let table: TableMetadata
    let id: String

    var opening: BatchSender.Operation {
        BatchSender.Operation(
            method: .patch, path: "\(table.setName)(\(id))", body: Array("{\"statecode\":0}".utf8), needsRecord: true)
    }

    /// An opportunity is closed by messages of its own (Microsoft Learn, "WinOpportunity Action", "LoseOpportunity
    /// Action"; a status of -1 is the state's own reason).
    func closing(_ state: RecordState) -> BatchSender.Operation {
        guard table.name == "opportunity", state.state == 1 || state.state == 2 else {
            var members: [JSONValue.Member] = [.init("statecode", .number(String(state.state)))]
            if let reason = state.reason { members.append(.init("statuscode", .number(String(reason)))) }
            return BatchSender.Operation(
                method: .patch, path: "\(table.setName)(\(id))", body: JSONValue.object(members).serialized(),
                needsRecord: true)
        }
        let body: JSONValue = [
            "Status": .number(String(state.reason ?? -1)),
            "OpportunityClose": [
                "@odata.type": "Microsoft.Dynamics.CRM.opportunityclose",
                "opportunityid@odata.bind": .string("/\(table.setName)(\(id))"),
            ],
        ]
        return BatchSender.Operation(
            method: .post, path: state.state == 1 ? "WinOpportunity" : "LoseOpportunity", body: body.serialized())
    }
}
