// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// What a simulator is to the server: a function from requests to answers, and a little knowledge about its routes.
///
/// `respond` is called for many requests at once. It must not fail: what goes wrong is an answer with a status.
package protocol SimulatorService: Sendable {
    /// Answers one request. What it changes is applied when it returns, whether or not the answer arrives.
    func respond(to request: SimulatorRequest) async -> SimulatorResponse
    /// Which route the request takes, for the journal; called for every request, so it must be cheap.
    func route(of request: SimulatorRequest) -> SimulatorRoute
    /// The answer with which the vendor reports `status`, for faults on demand; nothing is applied.
    func failure(status: Int, for request: SimulatorRequest) -> SimulatorResponse
    /// What `GET /_simulator/state` answers: counts, as a JSON object.
    func state() async -> [UInt8]
}

extension SimulatorService {
    package func failure(status: Int, for request: SimulatorRequest) -> SimulatorResponse {
        .json(Array(#"{"status":"error","message":"simulated fault"}"#.utf8), status: status)
    }

    package func state() async -> [UInt8] { Array("{}".utf8) }
}

/// The kind of a request, as the journal counts it.
package struct SimulatorRoute: Hashable, Sendable {
    /// Method and path pattern: `GET /crm/v3/objects/{type}`.
    package var name: String
    /// Whether requests of this route change records (a search by `POST` does not).
    package var isWrite: Bool

    package init(_ name: String, isWrite: Bool) {
        self.name = name
        self.isWrite = isWrite
    }
}
