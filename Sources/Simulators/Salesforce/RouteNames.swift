// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezSimulatorKit

/// Requests by route, for the journal.
enum RouteNames {
    static func route(of request: SimulatorRequest) -> SimulatorRoute {
        let path = request.path
        let method = request.method
        guard path.count > 2, path[0] == "services", path[1] == "data" else {
            return SimulatorRoute("\(method.rawValue) /\(path.prefix(3).joined(separator: "/"))", isWrite: false)
        }
        let rest = path.dropFirst(3)
        // Names of resources and objects stay; ids, values and locators become placeholders.
        let names = rest.enumerated().map { index, segment in
            switch (rest.first ?? "", index) {
            case ("sobjects", 2...) where segment != "describe": "{\(index == 2 ? "id" : "value")}"
            case ("query", 1...), ("queryAll", 1...): "{locator}"
            case ("jobs", 2): "{job}"
            default: segment
            }
        }
        return SimulatorRoute(
            "\(method.rawValue) /" + names.joined(separator: "/"), isWrite: isWrite(method, Array(rest)))
    }

    private static func isWrite(_ method: SimulatorRequest.Method, _ rest: [String]) -> Bool {
        guard method != .get, method != .head else { return false }
        switch (rest.first, rest.dropFirst().first, rest.count) {
        case ("composite", "batch", _), ("jobs", "query", _): return false
        // Retrieving by POST.
        case ("composite", "sobjects", 3): return method != .post
        default: return true
        }
    }
}
