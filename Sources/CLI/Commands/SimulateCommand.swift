// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import ArgumentParser
import MigratezDynamicsSimulator
import MigratezHubSpotSimulator
import MigratezModel
import MigratezOdooSimulator
import MigratezPipedriveSimulator
import MigratezRESTSimulator
import MigratezSalesforceSimulator
import MigratezSimulatorKit
import MigratezSyntheticCRM
import MigratezZohoSimulator

/// `migratez simulate VENDOR`
struct SimulateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate", abstract: "Serves a simulated CRM on this machine until it is interrupted.",
        discussion: "EXAMPLE\n  migratez simulate hubspot --port 8080 --records 50000 --seed 7")

    enum Vendor: String, ExpressibleByArgument, CaseIterable {
        case hubspot, salesforce, pipedrive, dynamics, odoo, zoho
        case attio, close, copper, freshsales, sell
    }

    @OptionGroup(title: "Global options") var display: DisplayOptions
    @Argument(help: "hubspot, salesforce, pipedrive, dynamics, odoo, zoho, attio, close, copper, freshsales or sell.")
    var vendor: Vendor
    @Option(help: "The port on 127.0.0.1; 0 = any free one.") var port = 0
    @Option(help: "How many records in all; Salesforce begins empty.") var records = 50_000
    @Option(help: "Exact numbers, such as contacts=1000,companies=100,deals=200,notes=300.") var counts: String?
    @Option(help: "The seed of everything that is made up.") var seed: UInt64 = 1
    @Option(help: "Faults, such as status:503=0.01,latency:50ms=0.1,reset-mid-body=0.002.") var faults = ""
    @Option(help: "Requests per 10 seconds (HubSpot) or 2 seconds (Pipedrive); 0 = no limit.") var rate = 0
    @Option(help: "HubSpot: so many records of a custom object, `subscription`; 0 = no such object.")
    var subscriptions = 0
    @Option(help: "The only token or key, for Salesforce and Zoho client secret, that is taken; without it, any.")
    var token: String?
    @Option(help: "The largest request that is taken, in MiB: it is held in memory, and a file is one of them.")
    var requestMax = 160
    @Option(
        help: "All but HubSpot: keep the records in this SQLite file instead of in a temporary one.",
        completion: .file())
    var database: String?

    func run() async throws {
        let console = Console()
        let service = try makeService()
        let configuration = SimulatorServer.Configuration(
            port: port, bodyBytesMax: .MiB(requestMax), faults: try FaultPlan(parsing: faults), seed: seed)
        let name = vendor.rawValue
        try await SimulatorServer.run(service, configuration: configuration) { server in
            var document = Document("simulator")
            document.fact("vendor", .text(name), line: "\(name) at \(server.baseURL)")
            document.fact("url", .text(server.baseURL), line: "")
            console.show(document)
            try await Interrupts.cancelling {
                try await Task.sleep(for: .seconds(86_400 * 365))
            } onFirst: { _ in
                console.note("stopping")
            }
        }
    }

    private func makeService() throws -> any SimulatorService {
        switch vendor {
        case .hubspot:
            var options = HubSpotOptions()
            if rate > 0 { options.rate = HubSpotOptions.Rate(requests: rate, window: .seconds(10)) }
            if let token { options.tokens = [token] }
            options.subscriptions = subscriptions
            return try HubSpotSimulator(try crm, options: options)
        case .salesforce:
            var options = OrgOptions()
            options.seed = seed
            options.users += Self.owners
            if let token { options.clientSecret = token }
            return try SalesforceSimulator(options: options, databasePath: database)
        case .pipedrive:
            var options = PipedriveOptions(database: database)
            if rate > 0 { options.burst = PipedriveOptions.Burst(requests: rate) }
            if let token { options.tokens = [token] }
            return try PipedriveSimulator(try crm, options: options)
        case .dynamics:
            var options = DynamicsOptions()
            if let token { options.clientSecret = token }
            return try DynamicsSimulator(try crm, options: options, databasePath: database)
        case .odoo:
            var options = OdooOptions()
            options.database = database
            if let token { options.keys = [token] }
            return try OdooSimulator(try crm, options: options)
        case .zoho:
            var options = ZohoOptions()
            options.users += Self.owners.map { .init(email: $0.email, name: $0.name, isActive: $0.isActive) }
            options.permitsInactiveOwners = true
            if let token { options.clientSecret = token }
            return try ZohoSimulator(try crm, options: options, databasePath: database)
        case .attio, .close, .copper, .freshsales, .sell:
            guard let vendor = RESTSimulator.Vendor(rawValue: vendor.rawValue) else {
                throw MigratezError(.internalError, "there is no simulator of \(vendor.rawValue)")
            }
            return try RESTSimulator(vendor, try crm, options: .init(key: token, database: database))
        }
    }

    private var crm: SyntheticCRM {
        get throws {
            SyntheticCRM(seed: seed, counts: try counts.map { try Self.counts($0) } ?? .init(records: records))
        }
    }

    /// The people whom the synthetic CRM's owners can be matched with; every seventh has left.
    static var owners: [OrgOptions.User] {
        (1...200).map { .init(email: "owner\($0)@acme.test", name: "Owner \($0)", isActive: $0 % 7 != 0) }
    }

    private static func counts(_ text: String) throws -> SyntheticCRM.Counts {
        var counts = SyntheticCRM.Counts()
        for item in text.split(separator: ",") {
            let parts = item.split(separator: "=")
            guard parts.count == 2, let count = Int(parts[1]), count >= 0 else {
                throw ValidationError("'\(item)' is not OBJECT=NUMBER")
            }
            switch parts[0] {
            case "contacts": counts.contacts = count
            case "companies": counts.companies = count
            case "deals": counts.deals = count
            case "notes": counts.notes = count
            case "tasks": counts.tasks = count
            case "calls": counts.calls = count
            case "meetings": counts.meetings = count
            case "files": counts.files = count
            case "emails": counts.emails = count
            case "products": counts.products = count
            case "line_items": counts.lineItems = count
            case "leads": counts.leads = count
            case "owners": counts.owners = count
            default: throw ValidationError("'\(parts[0])' is not one of the objects of the synthetic CRM")
            }
        }
        return counts
    }
}
