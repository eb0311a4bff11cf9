// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezPipedriveSimulator
import MigratezSimulatorKit
import MigratezSyntheticCRM
import MigratezTestKit
import MigratezTransport
import Testing

/// What the company holds besides the objects of version 2's lists: leads, and products of deals.
extension PipedriveSubject {
    var leads: ExpectedStream {
        let crm = company.crm
        var records: [String: [String: String?]] = [:]
        for index in 0..<crm.counts.leads where !crm.isArchived(.lead, at: index) {
            let lead = crm.lead(at: index)
            let ends = [first(.leadToContact, index), first(.leadToCompany, index)]
            guard ends.contains(where: { $0 != nil }) else { continue }
            let hasValue = index.isMultiple(of: 3)
            records[StoredLead.uuid(Int64(lead.id))] = [
                "title": given(lead[.name]) ?? "Lead \(lead.id)", "person_id": ends[0], "organization_id": ends[1],
                "is_archived": lead[.stage] == "unqualified-stage-id" ? "true" : "false",
                "value": hasValue ? String(100 + index) : nil, "currency": hasValue ? "EUR" : nil,
                "Campaign": "Campaign \(index % 7)",
            ]
        }
        return ExpectedStream(StreamName("lead")!, records: records)
    }

    var lines: ExpectedStream {
        let crm = company.crm
        var records: [String: [String: String?]] = [:]
        for index in 0..<crm.counts.lineItems where !crm.isArchived(.lineItem, at: index) {
            let line = crm.lineItem(at: index)
            guard let deal = first(.lineItemToDeal, index), let product = line.productIndex,
                !crm.isArchived(.product, at: product)
            else { continue }
            records["\(deal):\(line.id)"] = [
                "deal_id": deal, "product_id": String(crm.id(of: .product, at: product)),
                "quantity": given(line[.quantity]) ?? "1", "item_price": given(line[.price]) ?? "0",
                "discount": given(line[.discount]) ?? "0", "comments": given(line[.description]) ?? "",
                "is_enabled": "true",
            ]
        }
        return ExpectedStream(StreamName("deal_product")!, records: records)
    }

    private func given(_ text: String?) -> String? { text.flatMap { $0.isEmpty ? nil : $0 } }

    // MARK: Rows that can hold no key

    var noteRows: UnkeyedSubject {
        let company = company
        return UnkeyedSubject(
            object: "note", fields: { ["content": "Nöte \"\($0)\" in version \($1)"] },
            references: { [reference("person_id", "person", try company.first("persons"))] },
            inject: { fault, times in
                company.server.faults.inject(
                    FaultPlan.Rule(Self.fault(for: fault), .next(times), pathPrefix: "/api/v1/notes"))
                // The newest note is looked for before one is sent.
                company.server.faults.inject(FaultPlan.Rule(.trickle, .next(1), pathPrefix: "/api/v1/notes?"))
            }, count: { try company.simulator.count(of: "notes") })
    }

    var lineRows: UnkeyedSubject {
        let company = company
        return UnkeyedSubject(
            object: "deal_product",
            fields: { ["quantity": String($0 + $1), "item_price": "9.5", "comments": "Cömment \"\($0)\"; \($1)"] },
            references: {
                [
                    reference("deal_id", "deal", try company.first("deals")),
                    reference("product_id", "product", try company.first("products")),
                ]
            },
            inject: { fault, times in
                let path = "/api/v2/deals/\(try company.first("deals"))/"
                company.server.faults.inject(
                    FaultPlan.Rule(Self.fault(for: fault), .next(times), pathPrefix: path))
            }, count: { try company.simulator.count(of: "deal_products") })
    }
}

private func reference(_ field: String, _ object: String, _ id: Int64) -> Batch.Reference {
    Batch.Reference(field: field, object: object, key: "conformance-\(object)", targetID: String(id))
}

extension PipedriveCompany {
    /// The oldest record of a kind.
    fileprivate func first(_ object: String) throws -> Int64 {
        try #require(try simulator.records(of: object).map(\.id).min())
    }
}

/// The same company with leads as what is written. They share the custom fields of deals, and have UUIDs as ids.
struct PipedriveLeadSubject: RemoteDestinationSubject {
    private let subject: PipedriveSubject
    private let person: String

    init(_ subject: PipedriveSubject) throws {
        self.subject = subject
        person = String(try subject.company.first("persons"))
    }

    func makeDestination() throws -> any Destination { try subject.makeDestination() }

    /// Of files there is nothing to be checked twice.
    var destinationCapabilities: DestinationCapabilities {
        var capabilities = subject.destinationCapabilities
        capabilities.movesFiles = false
        return capabilities
    }

    let object = "lead"
    let matchesOthers = false
    let link: LinkSubject? = nil

    func fields(_ number: Int, version: Int) -> [String: String] {
        [
            "title": "Ünïcode \"\(number)\" 👩‍👩‍👧", "Campaign": "Spring; \(version)", "value": "\(number).5",
            "currency": version == 1 ? "EUR" : "USD", "person_id": person, "was_seen": "true",
        ]
    }

    var refused: (fields: [String: String], code: ErrorCode)? {
        (["label_ids": "no such label"], .notInPicklist)
    }

    func count() async throws -> Int { try subject.company.simulator.count(of: "leads") }

    /// By the custom field's own key, as the API has it.
    func createByOthers(_ fields: [String: String]) async throws -> String? {
        let company = subject.company
        let token = PipedriveSubject.ownToken
        let list = try await company.ask(.get, "/api/v2/dealFields?limit=500", token: token).answer
        let campaign = try #require(
            list["data"]?.elements.first { $0["field_name"]?.text == "Campaign" }?["field_code"]?.text)
        let answer = try await company.ask(
            .post, "/api/v1/leads",
            .object([
                .init("title", .string(fields["title"] ?? "")), .init("person_id", .number(person)),
                .init(campaign, .string(fields["Campaign"] ?? "")), .init("was_seen", true),
                .init(
                    "value",
                    [
                        "amount": .number(fields["value"] ?? "0"), "currency": .string(fields["currency"] ?? ""),
                    ]),
            ]), token: token
        ).answer
        return try #require(answer["data"]?["id"]?.text)
    }

    // MARK: The network

    func inject(_ fault: ConformanceFault, times: Int) {
        let rule = FaultPlan.Rule(PipedriveSubject.fault(for: fault), .next(times), pathPrefix: "/api/v1/leads")
        subject.company.server.faults.inject(rule)
    }

    func expireToken() async throws { try await subject.expireToken() }
    func exhaustQuota() async throws { try await subject.exhaustQuota() }
    var writes: Int { subject.writes }
    var vendorCodes: [String] { subject.vendorCodes }
    func knows(_ vendorCode: String) -> Bool { subject.knows(vendorCode) }
}
