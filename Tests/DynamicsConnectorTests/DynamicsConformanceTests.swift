// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezConnectorKit
import MigratezDynamicsConnector
import MigratezDynamicsSimulator
import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
import MigratezSyntheticCRM
import MigratezTestKit
import MigratezTransport
import Testing

/// Both sides of the connector against the simulated environment, by the suite that every connector passes.
struct `Dynamics conforms` {
    @Test(arguments: SourceConformance.allCases)
    func `as a source`(check: SourceConformance) async throws {
        try await DynamicsSubject.run(fills: true) { try await check.check($0) }
    }

    @Test(arguments: RemoteSourceConformance.allCases)
    func `as a source through a network`(check: RemoteSourceConformance) async throws {
        try await DynamicsSubject.run(fills: true) { try await check.check($0) }
    }

    @Test(arguments: DestinationConformance.allCases)
    func `as a destination`(check: DestinationConformance) async throws {
        try await DynamicsSubject.run { try await check.check($0) }
    }

    @Test(arguments: RemoteDestinationConformance.allCases)
    func `as a destination through a network`(check: RemoteDestinationConformance) async throws {
        try await DynamicsSubject.run { try await check.check($0) }
    }

    @Test func `as a destination of attachments`() async throws {
        try await DynamicsSubject.run(attaches: true) { try await DestinationConformance.contents.check($0) }
        try await DynamicsSubject.run(attaches: true) { try await RemoteDestinationConformance.contents.check($0) }
    }
}

/// An environment with 300 records and 60 files, and 900 requests an hour.
private struct DynamicsSubject: RemoteSourceSubject, RemoteDestinationSubject {
    private static let account = StreamName("account").unsafelyUnwrapped
    private static let contact = StreamName("contact").unsafelyUnwrapped
    private static let opportunity = StreamName("opportunity").unsafelyUnwrapped
    private static let annotation = StreamName("annotation").unsafelyUnwrapped
    private static let file = StreamName("file").unsafelyUnwrapped
    private static let attachment = StreamName("activitymimeattachment").unsafelyUnwrapped
    private static let requestsMax = 900

    let world: DynamicsWorld
    let crm: SyntheticCRM
    let isFilled: Bool
    /// The e-mail that contents are attached to; `nil` = they are notes.
    let email: String?
    let streams: [ExpectedStream]

    static func run(
        fills: Bool = false, attaches: Bool = false, _ body: (DynamicsSubject) async throws -> Void
    ) async throws {
        var options = DynamicsOptions()
        options.requestsMax = requestsMax
        options.window = .seconds(3_600)
        var counts = SyntheticCRM.Counts(records: fills ? 300 : 0, files: fills ? 60 : 0)
        // Every third has a file attached.
        counts.emails = fills ? 90 : 0
        let crm = SyntheticCRM(seed: 5, counts: fills ? counts : .init())
        if fills {
            // Other files would prove less, and nobody would notice: the longest is read in blocks.
            let sizes = (0..<crm.counts.files).map { crm.file(at: $0).size }
            try #require(sizes.contains(0) && sizes.contains { $0 > 1_000_000 })
        }
        try await DynamicsWorld.run(crm, options: options) { world in
            let streams = try [account, contact, opportunity, annotation].map { stream in
                ExpectedStream(stream, records: try records(of: stream, in: world))
            }
            let email = attaches ? try await world.create("emails", "activityid", ["subject": "Offer"]) : nil
            try await body(
                DynamicsSubject(world: world, crm: crm, isFilled: fills, email: email, streams: streams))
        }
    }

    /// What the environment holds, without the connector.
    private static func records(
        of stream: StreamName, in world: DynamicsWorld
    ) throws -> [String: [String: String?]] {
        var records: [String: [String: String?]] = [:]
        for record in try world.environment.records(of: stream.text) {
            guard let id = record["\(stream)id"]?.text else { continue }
            // A note that is a document and nothing else is a file.
            if record["isdocument"]?.bool == true, record["notetext"]?.text == nil { continue }
            for member in record.members where !member.key.contains("@") && member.key != "documentbody" {
                let text = member.value.bool.map { $0 ? "true" : "false" } ?? member.value.text
                records[id, default: [:]][member.key] = .some(text)
            }
        }
        return records
    }

    // MARK: As a source

    func makeSource() throws -> any Source { try world.source(["page_size": "40"]) }

    var sourceCapabilities: SourceCapabilities { DynamicsSource.capabilities }
    var unlinked: (from: StreamName, to: StreamName)? { (Self.account, Self.annotation) }

    var peopleCount: Int { crm.counts.owners + 1 }

    var links: [ExpectedLinks] {
        guard isFilled else { return [] }
        return [
            ExpectedLinks(
                from: Self.contact, to: Self.account, edges: first(.contactToCompany, from: (2, .contact), to: 1)),
            ExpectedLinks(from: Self.opportunity, to: Self.contact, edges: dealContacts),
            ExpectedLinks(
                from: Self.annotation, to: Self.opportunity, edges: first(.noteToDeal, from: (5, .note), to: 3)),
        ]
    }

    /// A lookup holds the first link that leads somewhere.
    private func first(_ kind: LinkKind, from: (code: Int, object: CRMObject), to code: Int) -> Set<Edge> {
        var edges: Set<Edge> = []
        for index in 0..<crm.counts[from.object] {
            guard let link = crm.links(kind, from: index).first(where: { $0.toIndex != nil }) else { continue }
            edges.insert(
                Edge(
                    from: guid(from.code, crm.id(of: from.object, at: index)), to: guid(code, link.toID),
                    isPrimary: true))
        }
        return edges
    }

    /// All contacts of a deal are connections; the first one of a deal without a company is its customer, too.
    private var dealContacts: Set<Edge> {
        var edges: Set<Edge> = []
        for index in 0..<crm.counts.deals {
            let links = crm.links(.dealToContact, from: index).filter { $0.toIndex != nil }
            let hasCompany = crm.links(.dealToCompany, from: index).contains { $0.toIndex != nil }
            for (place, link) in links.enumerated() {
                edges.insert(
                    Edge(
                        from: guid(3, crm.id(of: .deal, at: index)), to: guid(2, link.toID),
                        label: place == 0 && !hasCompany ? "customerid" : nil))
            }
        }
        return edges
    }

    /// The environment has note and document in one row, so it lists no document that it does not give; what becomes of
    /// one that is deleted after it was listed is among the tests of files.
    var contents: [ExpectedContents] {
        let live = (0..<crm.counts.files).filter { !crm.isArchived(.file, at: $0) }
        let digests = live.map { index in
            // Files are notes whose numbers lie behind those of all others.
            (guid(5, (1 << 40) + crm.id(of: .file, at: index)), crm.file(at: index).sha256)
        }
        let attached = stride(from: 0, to: crm.counts.emails, by: 3).filter { !crm.isArchived(.email, at: $0) }.map {
            (guid(1001, crm.id(of: .email, at: $0)), crm.file(at: $0 % crm.counts.files).sha256)
        }
        return [
            ExpectedContents(Self.file, digests: Dictionary(uniqueKeysWithValues: digests)),
            ExpectedContents(Self.attachment, digests: Dictionary(uniqueKeysWithValues: attached)),
        ]
    }

    /// The numbers of files do not fit into 32 bits.
    private func guid(_ code: Int, _ id: Int) -> String {
        String(format: "%08lx-0000-4000-8000-%012lx", code, id)
    }

    var editor: AccountEditor? {
        let world = world
        return AccountEditor(
            Self.contact,
            create: { try await world.create("contacts", "contactid", ["lastname": "Edited \($0)"]) },
            change: { id in
                let response = try await world.ask(.patch, "contacts(\(id))", ["jobtitle": "Changed"])
                try #require(response.isSuccess)
            },
            delete: { id in
                let response = try await world.ask(.delete, "contacts(\(id))")
                try #require(response.isSuccess)
            })
    }

    // MARK: As a destination

    func makeDestination() throws -> any Destination { try world.destination() }

    var destinationCapabilities: DestinationCapabilities { DynamicsDestination.capabilities }
    let object = "contact"

    func fields(_ number: Int, version: Int) -> [String: String] {
        [
            "emailaddress1": "c\(number)@conformance.test", "lastname": "Ünïcode \"\(number)\" 👩‍👩‍👧 O'Neil",
            "jobtitle": "Title; \(version)",
        ]
    }

    var refused: (fields: [String: String], code: ErrorCode)? { (["leadsourcecode": "99999"], .notInPicklist) }

    var link: LinkSubject? {
        LinkSubject(
            object: "connection", fromField: "record1id", toField: "record2id", toObject: "opportunity",
            toFields: ["name": "Renewal"])
    }

    var content: ContentSubject? {
        if let email {
            return ContentSubject(
                object: "activitymimeattachment", field: "body",
                row: { number in
                    Batch.Row(
                        "conformance-record-\(number)",
                        ["filename": .string("Ünïcode \"\(number)\".pdf"), "mimetype": "application/pdf"],
                        references: [.init(field: "objectid", object: "email", key: "e", targetID: email)])
                },
                count: { try world.environment.count(of: "activitymimeattachment") })
        }
        return ContentSubject(
            object: "file", field: "documentbody",
            row: { number in
                Batch.Row(
                    "conformance-record-\(number)",
                    [
                        "filename": .string("Ünïcode \"\(number)\".pdf"), "subject": "Offer",
                        "mimetype": "application/pdf",
                    ])
            },
            count: { try world.environment.count(of: "annotation") })
    }

    func count() async throws -> Int { try world.environment.count(of: "contact") }

    func createByOthers(_ fields: [String: String]) async throws -> String? {
        try await world.create("contacts", "contactid", fields)
    }

    // MARK: The network

    /// No header tells of a day.
    var tellsDailyUse: Bool { false }

    func inject(_ fault: ConformanceFault, times: Int) {
        world.inject(Self.rule(fault), times: times, at: isFilled ? "accounts" : "contacts/Microsoft")
    }

    /// A source asks for nothing but the document, by a path that depends on its length. A destination looks by the same
    /// path whether the note is there before it sends it, so the first request of each kind is hit, the one that writes
    /// among them; the answer to that one is empty, and only the list before it can be cut off.
    func injectIntoContents(_ fault: ConformanceFault, times: Int) {
        let rule = Self.rule(fault)
        if isFilled { return world.inject(rule, times: times, at: "") }
        let frequency: FaultPlan.Rule.Frequency = fault == .cutOff ? .next(times) : .once
        world.server.faults.replace(
            with: FaultPlan([
                FaultPlan.Rule(
                    rule, frequency,
                    pathPrefix: "/api/data/v9.2/" + (email == nil ? "annotations" : "activitymimeattachments"))
            ]))
    }

    private static func rule(_ fault: ConformanceFault) -> Fault {
        switch fault {
        case .throttled: .status(429, retryAfter: .seconds(1))
        case .failing: .status(503, retryAfter: nil)
        case .lost: .drop
        case .lostAnswer: .commitThenDrop
        case .cutOff: .badJSON
        }
    }

    func expireToken() async throws { world.clock.advance(by: .seconds(3_700)) }

    func exhaustQuota() async throws {
        for _ in 0...Self.requestsMax {
            if try await world.ask(.get, "WhoAmI").status == 429 { return }
        }
        Issue.record("the requests of the hour are not used up")
    }

    var writes: Int { world.server.journal.counts.writes }

    /// As they stand in the simulator's own source, so that a new one is noticed.
    var vendorCodes: [String] {
        let folder = repositoryRoot.appending(path: "Sources/Simulators/Dynamics")
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        var codes: Set<String> = []
        for name in files {
            let text = (try? String(contentsOf: folder.appending(path: name), encoding: .utf8)) ?? ""
            for match in text.matches(of: /"(0x[0-9a-f]+)"/) { codes.insert(String(match.1)) }
        }
        return codes.sorted()
    }

    func knows(_ vendorCode: String) -> Bool { DynamicsErrorRule.all.contains { $0.vendorCode == vendorCode } }
}
