// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel

/// What the server itself answers, below `/_simulator/`; never hit by faults, never counted.
///
/// `GET state` the service's counts · `GET journal` requests by route, status and fault, and how many were under way at once · `DELETE journal` from zero ·
/// `POST faults` a new plan in its text form (empty: none).
struct ControlEndpoint: Sendable {
    static let root = "_simulator"

    private let context: Connection.Context

    init(_ context: Connection.Context) { self.context = context }

    func respond(to request: SimulatorRequest) async -> SimulatorResponse {
        switch (request.method, request.path.dropFirst().first) {
        case (.get, "state"): return .json(await context.service.state())
        case (.get, "journal"): return .json(ControlEndpoint.json(context.journal.counts))
        case (.delete, "journal"):
            context.journal.reset()
            return .empty()
        case (.post, "faults"):
            do throws(MigratezError) {
                context.faults.replace(with: try FaultPlan(parsing: String(decoding: request.body, as: UTF8.self)))
                return .empty()
            } catch {
                return .text(error.message, status: 400)
            }
        default: return .text("no such control endpoint", status: 404)
        }
    }

    /// Route and fault names are our own and need no escaping.
    private static func json(_ counts: Journal.Counts) -> [UInt8] {
        func object(_ entries: [(String, Int)]) -> String {
            "{" + entries.sorted { $0.0 < $1.0 }.map { "\"\($0.0)\":\($0.1)" }.joined(separator: ",") + "}"
        }
        return Array(
            """
            {"requests":\(counts.requests),"writes":\(counts.writes),\
            "routes":\(object(counts.byRoute.map { ($0.key, $0.value) })),\
            "statuses":\(object(counts.byStatus.map { (String($0.key), $0.value) })),\
            "faults":\(object(counts.byFault.map { ($0.key, $0.value) })),\
            "under_way_max":\(counts.underWayMax)}
            """.utf8)
    }
}
