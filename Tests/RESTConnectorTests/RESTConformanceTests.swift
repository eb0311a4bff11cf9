// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezRESTConnector
import MigratezRESTSimulator
import MigratezSimulatorKit
import MigratezSyntheticCRM
import MigratezTestKit
import MigratezTransport
import Testing

/// Each definition that comes with the program against its vendor's simulated account, by the suite that every connector
/// passes.
struct `Shipped definitions conform` {
    @Test(arguments: RESTSimulator.Vendor.allCases, SourceConformance.allCases)
    func `as a source`(vendor: RESTSimulator.Vendor, check: SourceConformance) async throws {
        try await VendorSubject.run(vendor) { try await check.check($0) }
    }

    @Test(arguments: RESTSimulator.Vendor.allCases, RemoteSourceConformance.allCases)
    func `as a source through a network`(vendor: RESTSimulator.Vendor, check: RemoteSourceConformance) async throws {
        // Only Freshsales has an allowance of a long window, and tells what is left of it.
        if check == .quota || check == .rate, vendor != .freshsales { return }
        try await VendorSubject.run(vendor) { try await check.check($0) }
    }
}

/// An account with 400 records, and the truth about them by the vendor's own names.
private struct VendorSubject: RemoteSourceSubject {
    let account: VendorAccount

    private static let hourlyRequests = 900
    private var crm: SyntheticCRM { account.crm }

    static func run(_ vendor: RESTSimulator.Vendor, _ body: (VendorSubject) async throws -> Void) async throws {
        var options = RESTSimulator.Options(key: "key")
        switch vendor {
        case .freshsales: options.rate = .init(requests: hourlyRequests, window: .seconds(3600))
        case .close: options.rate = .init(requests: 100, window: .seconds(1))
        case .attio, .copper, .sell: break
        }
        try await VendorAccount.run(vendor, options: options) { try await body(VendorSubject(account: $0)) }
    }

    func makeSource() throws -> any Source { try account.source(["page_size": "40"]) }

    var sourceCapabilities: SourceCapabilities {
        ShippedDefinitions.all[account.vendor.rawValue]?.capabilities
            ?? SourceCapabilities(routes: [], tellsChanges: false, links: nil)
    }

    // MARK: Records

    var streams: [ExpectedStream] {
        var company = records(Company.self, values: company)
        // What belongs to no company hangs on a lead of its own.
        if account.vendor == .close { company["lead_1"] = ["name": "Nobody's", "city": String?.none] }
        return [
            ExpectedStream(stream("contact"), records: records(Contact.self, values: contact)),
            ExpectedStream(stream("company"), records: company),
            ExpectedStream(stream("deal"), records: records(Deal.self, values: deal)),
            ExpectedStream(
                stream("task"),
                records: records(CRMTask.self) { [taskText: $0[.subject] ?? (account.vendor == .attio ? "" : nil)] }),
        ]
    }

    private var taskText: String {
        switch account.vendor {
        case .attio: "content_plaintext"
        case .close: "text"
        case .copper: "name"
        case .freshsales: "title"
        case .sell: "content"
        }
    }

    private func contact(_ person: Contact) -> [String: String?] {
        let names: [String: String?] = ["first_name": person[.firstname], "last_name": person[.lastname]]
        switch account.vendor {
        case .attio:
            // Parts of names are never null.
            return names.mapValues { $0 ?? "" }.merging(
                ["email": person[.email], "job_title": person[.jobtitle], "lifecycle": person[.lifecyclestage]]) { $1 }
        case .close: return ["email": person[.email], "title": person[.jobtitle], "mobile": person[.mobilephone]]
        case .copper:
            return names.merging(
                [
                    "email": person[.email], "mobile": person[.mobilephone], "city": person[.city],
                    "custom_502": person[.lifecyclestage],
                ]) { $1 }
        case .freshsales:
            return names.merging(["email": person[.email], "cf_lifecycle": person[.lifecyclestage]]) { $1 }
        case .sell: return names.merging(["email": person[.email], "Lifecycle stage": person[.lifecyclestage]]) { $1 }
        }
    }

    private func company(_ company: Company) -> [String: String?] {
        var values: [String: String?] = ["name": company[.name], "city": company[.city]]
        switch account.vendor {
        case .attio: values["industry"] = company[.industry]
        case .close: values["custom.cf_industry"] = company[.industry]
        case .copper: values["custom_501"] = company[.industry]
        case .freshsales: values["cf_industry"] = company[.industry]
        case .sell: values["Industry"] = company[.industry]
        }
        return values
    }

    private func deal(_ deal: Deal) -> [String: String?] {
        switch account.vendor {
        case .attio: ["name": deal[.dealname], "stage": deal[.dealstage], "priority": deal[.priority]]
        case .close: ["note": deal[.description], "status_label": deal[.dealstage]]
        case .copper: ["name": deal[.dealname], "pipeline_stage_id": deal[.dealstage]]
        case .freshsales: ["name": deal[.dealname], "amount": deal[.amount]]
        case .sell:
            [
                "name": deal[.dealname], "value": deal[.amount].flatMap { $0.isEmpty ? nil : $0 } ?? "0",
                "Priority": deal[.priority],
            ]
        }
    }

    private func records<Record: SyntheticRecord>(
        _ type: Record.Type, values: (Record) -> [String: String?]
    ) -> [String: [String: String?]] {
        var records: [String: [String: String?]] = [:]
        for index in 0..<crm.counts[Record.object] where !crm.isArchived(Record.object, at: index) {
            let record = Record(crm, index)
            records[id(Record.object, record.id)] = values(record)
        }
        return records
    }

    private func stream(_ name: String) -> StreamName { StreamName(name)! }

    /// The id that the vendor gives to a record.
    private func id(_ object: CRMObject, _ number: Int) -> String {
        switch account.vendor {
        case .copper, .freshsales: return String(number)
        case .sell: return String(object == .company ? 500_000_000 + number : number)
        case .close:
            let prefix = [CRMObject.company: "lead", .contact: "cont", .deal: "oppo", .task: "task"][object] ?? "acti"
            return "\(prefix)_\(number)"
        case .attio:
            let kinds = [CRMObject.company: 1, .contact: 2, .deal: 3, .note: 4, .task: 5]
            let digits = String(number)
            return "00000000-0000-4000-800\(kinds[object] ?? 0)-" + String(repeating: "0", count: 12 - digits.count)
                + digits
        }
    }

    // MARK: Links

    var links: [ExpectedLinks] {
        let vendor = account.vendor
        var expected = [
            // A person has one company at most vendors.
            links(.contactToCompany, max: vendor == .freshsales ? .max : 1, isPrimary: vendor == .freshsales),
            links(.dealToContact, max: vendor == .close || vendor == .copper ? 1 : .max, labels: vendor == .sell),
        ]
        switch vendor {
        case .attio: expected += [links(.taskToContact), links(.taskToDeal)]
        case .copper, .freshsales:
            expected.append(firstOf([.taskToContact, .taskToCompany, .taskToDeal], at: .taskToDeal))
        case .sell: expected.append(firstOf([.taskToDeal], at: .taskToDeal))
        case .close: break
        }
        return expected
    }

    private func live(_ kind: LinkKind, _ index: Int) -> [Link] {
        crm.links(kind, from: index).filter { link in
            link.toIndex.map { !crm.isArchived(kind.to, at: $0) } ?? false
        }
    }

    private func links(
        _ kind: LinkKind, max most: Int = .max, isPrimary: Bool = false, labels: Bool = false
    ) -> ExpectedLinks {
        var edges: Set<Edge> = []
        for index in 0..<crm.counts[kind.from] where !crm.isArchived(kind.from, at: index) {
            let from = id(kind.from, crm.id(of: kind.from, at: index))
            let found = live(kind, index).prefix(most)
            for link in found {
                edges.insert(
                    Edge(
                        from: from, to: id(kind.to, link.toID), isPrimary: isPrimary && link.isPrimary,
                        label: labels ? link.labels.first ?? "involved" : nil))
            }
            if found.isEmpty, account.vendor == .close, kind.to == .company {
                edges.insert(Edge(from: from, to: "lead_1"))
            }
        }
        return ExpectedLinks(from: stream("\(kind.from)"), to: stream("\(kind.to)"), edges: edges)
    }

    /// Links of records that hold only one, to the first of several objects that they have a link to.
    private func firstOf(_ kinds: [LinkKind], at wanted: LinkKind) -> ExpectedLinks {
        var edges: Set<Edge> = []
        for index in 0..<crm.counts[wanted.from] where !crm.isArchived(wanted.from, at: index) {
            guard kinds.first(where: { !live($0, index).isEmpty }) == wanted, let link = live(wanted, index).first
            else {
                continue
            }
            edges.insert(
                Edge(from: id(wanted.from, crm.id(of: wanted.from, at: index)), to: id(wanted.to, link.toID)))
        }
        return ExpectedLinks(from: stream("\(wanted.from)"), to: stream("\(wanted.to)"), edges: edges)
    }

    var unlinked: (from: StreamName, to: StreamName)? { nil }

    /// Copper does not list those who have left.
    var peopleCount: Int { account.vendor == .copper ? crm.owners.filter(\.isActive).count : crm.counts.owners }

    /// Nobody can change the simulated accounts of Copper and Freshsales: both are only read.
    var editor: AccountEditor? {
        let account = account
        let (path, name, change): (String, @Sendable (Int) -> JSONValue, JSONValue)
        switch account.vendor {
        case .attio:
            path = "/v2/objects/people/records"
            name = { ["data": ["values": ["email_addresses": [.string("e\($0)@conformance.test")]]]] }
            change = ["data": ["values": ["job_title": "Changed"]]]
        case .close:
            path = "/api/v1/lead/"
            name = { ["name": .string("Edited \($0)")] }
            change = ["name": "Changed"]
        case .sell:
            path = "/v2/contacts"
            name = { ["data": ["last_name": .string("Edited \($0)"), "is_organization": false]] }
            change = ["data": ["last_name": "Changed"]]
        case .copper, .freshsales: return nil
        }
        @Sendable func one(_ id: String) -> String { account.vendor == .close ? "\(path)\(id)/" : "\(path)/\(id)" }
        return AccountEditor(
            stream(account.vendor == .close ? "company" : "contact"),
            create: { number in
                let made = try await account.ask(.post, path, name(number))
                return try #require((made["data"]?["id"]?["record_id"] ?? made["data"]?["id"] ?? made["id"])?.text)
            }, change: { _ = try await account.ask(account.vendor == .attio ? .patch : .put, one($0), change) },
            delete: { _ = try await account.ask(.delete, one($0), nil) })
    }

    // MARK: The network

    func inject(_ fault: ConformanceFault, times: Int) {
        let rule =
            switch fault {
            case .throttled:
                Fault.status(429, retryAfter: account.vendor == .attio ? .date(.seconds(2)) : .seconds(1))
            case .failing: Fault.status(503, retryAfter: nil)
            case .lost: Fault.drop
            case .lostAnswer: Fault.commitThenDrop
            case .cutOff: Fault.badJSON
            }
        let prefix =
            switch account.vendor {
            case .attio: "/v2/objects/people/records"
            case .close: "/api/v1/contact"
            case .copper: "/developer_api/v1/people"
            case .freshsales: "/crm/sales/api/contacts/view"
            case .sell: "/v2/contacts"
            }
        account.server.faults.inject(FaultPlan.Rule(rule, .next(times), pathPrefix: prefix))
    }

    /// Keys and tokens do not expire; only those of OAuth do.
    func expireToken() async throws { account.clock.advance(by: .seconds(3_700)) }

    func exhaustQuota() async throws {
        for _ in 0...Self.hourlyRequests {
            let request = HTTPRequest(
                .get, account.server.baseURL + "/crm/sales/api/selector/owners",
                headers: [HTTPHeader("Authorization", "Token token=key")])
            if try await account.http.send(request).status == 429 { return }
        }
        Issue.record("the hour's requests are not used up")
    }

    var writes: Int { account.server.journal.counts.writes }
}
