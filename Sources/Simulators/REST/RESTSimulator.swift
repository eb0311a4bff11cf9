// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
package import MigratezModel
package import MigratezSimulatorKit
package import MigratezSyntheticCRM

/// An account of one of the vendors that are described by definitions, over HTTP: a synthetic CRM as that vendor would
/// hold and show it, written from the vendor's documentation and without a look at the definition.
package final class RESTSimulator: SimulatorService {
    package enum Vendor: String, Sendable, CaseIterable {
        case attio, close, copper, freshsales, sell
    }

    package struct Options: Sendable {
        /// The key, token or OAuth client's secret that is taken; `nil` = any.
        package var key: String?
        /// Requests in a window, and in the hour where the vendor has such an allowance; `nil` = no limit.
        package var rate: Rate?
        /// How many records of a search can be seen (Copper), or skipped (Close).
        package var depthMax: Int
        /// How long tokens from the token endpoint live.
        package var tokenLifetime: Duration
        package var database: String?
        package var clock: any WallClock

        package init(
            key: String? = nil, rate: Rate? = nil, depthMax: Int = 100_000, tokenLifetime: Duration = .seconds(3600),
            database: String? = nil, clock: any WallClock = SystemWallClock()
        ) {
            self.key = key
            self.rate = rate
            self.depthMax = depthMax
            self.tokenLifetime = tokenLifetime
            self.database = database
            self.clock = clock
        }

        package struct Rate: Sendable {
            package var requests: Int
            package var window: Duration

            package init(requests: Int, window: Duration) {
                self.requests = requests
                self.window = window
            }
        }
    }

    private let account: any SimulatedVendor
    private let store: DocumentStore
    private let allowance: RequestAllowance?
    private let clock: any WallClock

    /// - Throws: if the database cannot be opened or filled.
    package init(_ vendor: Vendor, _ crm: SyntheticCRM, options: Options = Options()) throws {
        account =
            switch vendor {
            case .attio: AttioVendor(options, crm)
            case .close: CloseVendor(options, crm)
            case .copper: CopperVendor(options, crm)
            case .freshsales: FreshsalesVendor(options, crm)
            case .sell: SellVendor(options, crm)
            }
        clock = options.clock
        allowance = options.rate.map {
            RequestAllowance(limit: $0.requests, window: $0.window, clock: options.clock)
        }
        store = try DocumentStore(path: options.database, objects: account.tables.map { DocumentStore.Object($0) })
        let account = account
        try store.write { session in
            // A database of its own that is continued with has been filled before.
            guard try account.tables.allSatisfy({ try session.count($0, includingDeleted: true) == 0 }) else { return }
            try account.seed(session, crm)
        }
    }

    package func route(of request: SimulatorRequest) -> SimulatorRoute {
        let shape = request.path.map { $0.contains(where: \.isNumber) && $0.count > 2 ? "{id}" : $0 }
        return SimulatorRoute(
            "\(request.method.rawValue) /\(shape.joined(separator: "/"))", isWrite: account.isWrite(request))
    }

    package func respond(to request: SimulatorRequest) async -> SimulatorResponse {
        do {
            if let answer = try account.unlimited(request, now: clock.now) { return response(answer) }
            if let failure = account.refusal(of: request, now: clock.now) { throw failure }
            let verdict = allowance?.take()
            if case .windowExceeded(let wait) = verdict { throw account.throttle(after: wait, now: clock.now) }
            let now = clock.now
            var answer = try store.write { try account.answer(request, $0, now: now) }
            if let allowance, case .granted(let remaining, _) = verdict {
                answer.headers += account.limitHeaders(allowance, remaining: remaining)
            }
            return response(answer)
        } catch let failure as VendorFailure {
            return response(
                VendorAnswer(account.body(of: failure), status: failure.status, headers: failure.headers))
        } catch {
            return .text("the simulator failed: \(error)", status: 500)
        }
    }

    package func failure(status: Int, for request: SimulatorRequest) -> SimulatorResponse {
        let failure =
            status == 429
            ? account.throttle(after: .seconds(1), now: clock.now)
            : VendorFailure(status, "internal_error", "an error that was asked for")
        return response(VendorAnswer(account.body(of: failure), status: status, headers: failure.headers))
    }

    /// How many records there are, by table.
    package func state() async -> [UInt8] {
        let counts = try? store.read { session in
            try account.tables.map { JSONValue.Member($0, .number(String(try session.count($0)))) }
        }
        return JSONValue.object(counts ?? []).serialized()
    }

    private func response(_ answer: VendorAnswer) -> SimulatorResponse {
        var response =
            answer.status == 204 ? SimulatorResponse.empty() : .json(answer.body.serialized(), status: answer.status)
        for (name, value) in answer.headers { response.headers[name] = value }
        return response
    }
}
