// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezSalesforceConnector
import MigratezSalesforceSimulator
import MigratezTestKit
import MigratezTransport

/// A destination under a name that members of a subject do not hide.
func makeSalesforceDestination(_ url: String, clock: any WallClock) throws -> SalesforceDestination {
    try makeDestination(url, clock: clock)
}

/// A source at a loopback address that logs in with a refresh token.
func makeSalesforceSource(
    _ url: String, clock: any WallClock, _ more: [String: String] = [:]
) throws -> SalesforceSource {
    var texts = ["base_url": url, "auth.kind": "refresh", "auth.client_id": "client"]
    texts.merge(more) { $1 }
    return try SalesforceSource(
        settings: ConnectorSettings(texts: texts, secrets: ["auth.refresh_token": Secret("refresh-CANARY")]),
        http: sharedClient.get(), clock: clock)
}

/// What an org is filled with, and what it then holds.
struct OrgContent {
    static let account = StreamName("Account").unsafelyUnwrapped
    static let contact = StreamName("Contact").unsafelyUnwrapped
    static let opportunity = StreamName("Opportunity").unsafelyUnwrapped
    static let task = StreamName("Task").unsafelyUnwrapped
    static let note = StreamName("ContentNote").unsafelyUnwrapped

    var streams: [ExpectedStream]
    var links: [ExpectedLinks]
    var contents: [ExpectedContents]

    /// Fills the org through the connector's other side: 210 accounts (two pages), contacts with an account, a manager and
    /// a second account, deals with roles, tasks of which half are archived, notes, and files.
    static func fill(
        _ url: String, _ org: SalesforceSimulator, _ destination: SalesforceDestination
    ) async throws -> OrgContent {
        var filler = Filler(destination: destination)
        try await filler.prepare([
            "Account", "Contact", "Opportunity", "Task", "ContentVersion", "OpportunityContactRole",
        ])
        let accounts = try await filler.add(
            "Account",
            (0..<210).map { number in
                (
                    [
                        "Name": .string("Äcme, \"\(number)\"\n👩‍👩‍👧"), "AnnualRevenue": .number("\(number).5"),
                        "Phone": "+1 415",
                    ], []
                )
            })
        let contacts = try await filler.add(
            "Contact",
            (0..<60).map { number in
                (
                    ["LastName": .string("L\(number)"), "HasOptedOutOfEmail": .bool(number % 2 == 0)],
                    [.init(field: "AccountId", object: "Account", key: "Account-\(number)", targetID: accounts[number])]
                )
            })
        let deals = try await filler.add(
            "Opportunity",
            (0..<20).map { number in
                (
                    ["Name": "D", "StageName": "Prospecting", "CloseDate": "2026-12-31", "Amount": .number("10.25")],
                    [.init(field: "AccountId", object: "Account", key: "Account-0", targetID: accounts[0])]
                )
            })
        let roles = (0..<20).flatMap { number in [0, 1, 2].map { (deals[number], contacts[(number + $0) % 60], $0) } }
        _ = try await filler.add(
            "OpportunityContactRole",
            roles.map { deal, contact, place in
                (
                    place == 0 ? ["Role": "Decision Maker", "IsPrimary": true] : ["IsPrimary": false],
                    [
                        .init(field: "OpportunityId", object: "Opportunity", key: "x", targetID: deal),
                        .init(field: "ContactId", object: "Contact", key: "y", targetID: contact),
                    ]
                )
            })
        let tasks = try await filler.add(
            "Task",
            (0..<30).map { number in
                (
                    [
                        "Subject": "Call", "ActivityDate": number % 2 == 0 ? "2020-01-01" : "2026-01-01",
                        "Status": "Completed",
                    ],
                    [
                        .init(field: "WhoId", object: "Contact", key: "Contact-\(number)", targetID: contacts[number]),
                        .init(field: "WhatId", object: "Account", key: "Account-\(number)", targetID: accounts[number]),
                    ]
                )
            })
        try org.archiveActivities(before: "2025-01-01")
        let notes = try await filler.add(
            "ContentNote",
            (0..<12).map { number in
                (["Title": .string("N\(number)"), "Content": .string("<p>é \(number) 🚀</p>")], [])
            })
        for number in 0..<12 {
            _ = try await post(
                url, "/sobjects/ContentDocumentLink",
                [
                    "ContentDocumentId": .string(notes[number]), "LinkedEntityId": .string(accounts[number]),
                    "ShareType": "V",
                ])
        }
        let files = try await OrgFiles.fill(destination)
        // What no connector writes here: a manager, and a second account.
        _ = try await post(
            url, "/composite/sobjects",
            [
                "records": [
                    [
                        "attributes": ["type": "AccountContactRelation"], "ContactId": .string(contacts[0]),
                        "AccountId": .string(accounts[5]), "Roles": "Evaluator;Influencer",
                    ]
                ]
            ])
        return OrgContent(
            streams: filler.streams(accounts, contacts, deals, tasks, notes),
            links: [
                ExpectedLinks(
                    from: contact, to: account,
                    edges: Set((0..<60).map { Edge(from: contacts[$0], to: accounts[$0], isPrimary: true) })
                        .union(
                            ["Evaluator", "Influencer"].map {
                                Edge(from: contacts[0], to: accounts[5], label: $0)
                            })),
                ExpectedLinks(
                    from: opportunity, to: contact,
                    edges: Set(
                        roles.map { deal, contact, place in
                            Edge(
                                from: deal, to: contact, isPrimary: place == 0,
                                label: place == 0 ? "Decision Maker" : nil)
                        })),
                ExpectedLinks(
                    from: task, to: contact,
                    edges: Set((0..<30).map { Edge(from: tasks[$0], to: contacts[$0], isPrimary: true) })),
                ExpectedLinks(
                    from: task, to: account,
                    edges: Set((0..<30).map { Edge(from: tasks[$0], to: accounts[$0], isPrimary: true) })),
                ExpectedLinks(
                    from: note, to: account,
                    edges: Set((0..<12).map { Edge(from: notes[$0], to: accounts[$0]) })),
            ], contents: [files])
    }

    /// The answer to a request of somebody else's.
    static func post(_ url: String, _ path: String, _ body: JSONValue) async throws -> JSONValue {
        try await ask(.post, url, path, body)
    }

    static func ask(
        _ method: HTTPMethod, _ url: String, _ path: String, _ body: JSONValue?
    ) async throws -> JSONValue {
        let response = try await sharedClient.get().send(
            HTTPRequest(
                method, url + "/services/data/v67.0" + path,
                headers: [
                    HTTPHeader("Authorization", "Bearer somebody-else"), HTTPHeader("Content-Type", "application/json"),
                ], body: body.map { .bytes($0.serialized()) } ?? .empty))
        guard response.isSuccess else { throw MigratezError(.requestRefused, "\(path): \(response.status)") }
        return response.body.isEmpty ? .null : try JSONValue(parsing: response.body)
    }
}

/// Writes records and remembers them.
private struct Filler {
    let destination: SalesforceDestination
    private var written: [String: [[String: String?]]] = [:]

    init(destination: SalesforceDestination) { self.destination = destination }

    func prepare(_ objects: [String]) async throws {
        try await destination.prepare(try await destination.discover(objects).flatMap(destination.requirements))
    }

    /// The ids of the records, in their order.
    mutating func add(
        _ object: String, _ records: [(fields: JSONValue, references: [Batch.Reference])]
    ) async throws -> [String] {
        let rows = records.enumerated().map { number, record in
            Batch.Row("\(object)-\(number)", record.fields, references: record.references)
        }
        var ids: [String: String] = [:]
        for start in stride(from: 0, to: rows.count, by: 200) {
            let batch = Batch(object: object, rows: Array(rows[start..<min(start + 200, rows.count)]))
            let route = destination.route(for: object, expectedRows: 1)
            for receipt in try await destination.write(batch, by: route, intent: RecordedIntent()) {
                guard let id = receipt.id else { throw MigratezError(.requestRefused, "\(receipt)") }
                ids[receipt.key] = id
            }
        }
        written[object] = records.map { record in
            Dictionary(
                record.fields.members.map { ($0.key, $0.value.bool.map { $0 ? "true" : "false" } ?? $0.value.text) },
                uniquingKeysWith: { $1 })
        }
        return rows.compactMap { ids[$0.key] }
    }

    func streams(
        _ accounts: [String], _ contacts: [String], _ deals: [String], _ tasks: [String], _ notes: [String]
    ) -> [ExpectedStream] {
        [("Account", accounts), ("Contact", contacts), ("Opportunity", deals), ("Task", tasks), ("ContentNote", notes)]
            .map { object, ids in
                ExpectedStream(
                    StreamName(object).unsafelyUnwrapped,
                    records: Dictionary(
                        zip(ids, written[object] ?? []).map { ($0, $1) }, uniquingKeysWith: { $1 }))
            }
    }
}
