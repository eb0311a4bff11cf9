// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
import Synchronization

/// One organisation: what it holds, who may ask, and what that costs.
final class Organisation: Sendable {
    let options: ZohoOptions
    let store: DocumentStore
    let tokens: AccessTokens
    let credits: CreditLedger
    let pageTokens = PageTokens()
    let bulkQueue: BulkQueue
    private let known: Mutex<[ModuleDefinition]>

    /// Tables besides those of the modules.
    enum Table {
        /// Values of fields that must be unique, each with its record; custom fields come when tables are there already.
        static let uniqueValues = "unique_values"
        static let customFields = "custom_fields"
        static let contactRoles = "contact_roles"
        static let attachments = "attachments"
        static let firstAttachment: Int64 = 554_023_000_900_000_001
        static let bulkJobs = "bulk_jobs"
        static let firstBulkJob: Int64 = 554_023_000_910_000_001
        static let bulkFiles = "bulk_files"
        static let firstBulkFile: Int64 = 554_023_000_920_000_001
    }

    init(options: ZohoOptions, databasePath: String?) throws {
        self.options = options
        tokens = AccessTokens(options)
        bulkQueue = BulkQueue(failures: options.bulkFailures)
        credits = CreditLedger(limit: options.credits, used: options.creditsUsed, at: options.clock.now)
        var modules = StandardModules.all
        for index in modules.indices where modules[index].parent != nil {
            modules[index].fields += options.lineFields.map { FieldDefinition($0, .text) }
        }
        store = try DocumentStore(
            path: databasePath,
            objects: modules.map { module in
                .init(
                    module.name, firstID: module.firstID,
                    indexed: module.fields.filter { $0.type == .lookup }.map(\.name))
            } + [
                .init(Table.uniqueValues, indexed: ["record"], unique: ["value"]), .init(Table.customFields),
                .init(Table.contactRoles, indexed: ["deal", "contact"]),
                .init(Table.attachments, firstID: Table.firstAttachment, indexed: ["record"]),
                .init(Table.bulkJobs, firstID: Table.firstBulkJob),
                .init(Table.bulkFiles, firstID: Table.firstBulkFile),
            ])
        // A file that was used before is continued with.
        for custom in try store.read({ try $0.documents(Table.customFields) }) {
            guard let index = modules.firstIndex(where: { $0.name == custom.document["module"]?.text }),
                let field = FieldDefinition(creation: custom.document["definition"] ?? .null)
            else { continue }
            modules[index].fields.append(field)
        }
        known = Mutex(modules)
        for job in try store.read({ try $0.documents(Table.bulkJobs) })
        where job.document["state"]?.text == BulkJobs.states.waiting {
            bulkQueue.add(job.id, due: job.createdAt.advanced(by: options.bulkDuration))
        }
    }

    var modules: [ModuleDefinition] { known.withLock { $0 } }

    func module(_ name: String) throws(ZohoFailure) -> ModuleDefinition {
        guard let module = modules.first(where: { $0.name == name }) else { throw .invalidModule }
        return module
    }

    func add(_ field: FieldDefinition, to module: String) {
        known.withLock { modules in
            guard let index = modules.firstIndex(where: { $0.name == module }) else { return }
            modules[index].fields.append(field)
        }
    }

    /// The organisation's own number.
    static let zgid = "700012345"

    // MARK: Users

    /// 18 digits, like the ids of records.
    func userID(at index: Int) -> String { String(554_023_000_000_225_001 + Int64(index)) }

    func user(_ id: String) -> ZohoOptions.User? {
        guard let number = Int64(id), case let index = Int(number - 554_023_000_000_225_001),
            options.users.indices.contains(index)
        else { return nil }
        return options.users[index]
    }

    func time(_ time: Timestamp) -> JSONValue {
        .string(ZonedTime.text(time, zoneMinutes: options.zoneMinutes))
    }
}

/// Where lists of records go on: opaque, good for a day, and only for the same question
/// (zoho.com/crm/developer, "Get Records": `page_token`).
final class PageTokens: Sendable {
    struct Place: Sendable {
        /// Everything of the request but the page.
        var question: String
        /// The last id that was shown.
        var after: Int64
        var count: Int
        var expires: Timestamp
    }

    private let places = Mutex<[String: Place]>([:])

    func keep(_ place: Place) -> String {
        places.withLock { places in
            let token = "c8582xx" + String(places.count + 1_000_000, radix: 36)
            places[token] = place
            return token
        }
    }

    func place(_ token: String) -> Place? { places.withLock { $0[token] } }
}

/// Credits of the last 24 hours, in buckets of an hour: the window is a rolling one
/// (zoho.com/crm/developer, "API Limits").
final class CreditLedger: Sendable {
    private struct State {
        var buckets: [Int64: Int] = [:]
        var underWay = 0
    }

    let limit: Int
    private let state: Mutex<State>

    init(limit: Int, used: Int, at now: Timestamp) {
        self.limit = limit
        state = Mutex(State(buckets: [Self.hour(now): used]))
    }

    /// Counts a call; one that is refused costs nothing.
    ///
    /// - Returns: what is left, if at least half is used: only then the vendor tells.
    func take(_ cost: Int, at now: Timestamp) -> (isRefused: Bool, remaining: Int?) {
        let hour = Self.hour(now)
        return state.withLock { state in
            state.buckets = state.buckets.filter { $0.key > hour - 24 }
            let used = state.buckets.values.reduce(0, +)
            guard used + cost <= limit else { return (true, limit - used) }
            state.buckets[hour, default: 0] += cost
            let left = limit - used - cost
            return (false, left * 2 <= limit ? left : nil)
        }
    }

    /// Runs `body` unless so many calls are under way already; then `nil`.
    func underWay<T>(max: Int, _ body: () -> T) -> T? {
        let isAdmitted = state.withLock { state in
            guard state.underWay < max else { return false }
            state.underWay += 1
            return true
        }
        guard isAdmitted else { return nil }
        defer { state.withLock { $0.underWay -= 1 } }
        return body()
    }

    private static func hour(_ now: Timestamp) -> Int64 { now.milliseconds.flooredDivision(by: 3_600_000) }
}
