// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel
package import MigratezTransport

/// One line of the request log: nothing in it can be a secret or a value of a record.
package struct RequestLogEntry: Sendable, Hashable, CustomStringConvertible {
    package var method: HTTPMethod
    package var host: String
    /// Without the query.
    package var path: String
    package var endpointClass: String
    /// `nil` if no complete answer came.
    package var status: Int?
    /// What failed, if no complete answer came; `nil` also when the call was cancelled.
    package var failure: ErrorCode?
    /// Bytes of the answer's body after decompression.
    package var bytes: Int
    package var duration: Duration

    /// `POST api.example.com/crm/v3/x 200 512 B 34 ms`
    package var description: String {
        let outcome = status.map { "\($0)" } ?? failure?.description ?? "cancelled"
        return "\(method.rawValue) \(host)\(path) \(outcome) \(ByteCount(bytes)) \(duration.wholeMilliseconds) ms"
    }
}

/// Reports each request once it has ended. Innermost of the decorators, so that every attempt is seen.
package struct LoggedClient: HTTPClient {
    private let base: any HTTPClient
    private let clock: any WallClock
    private let underWay: WaitMeter?
    private let record: @Sendable (RequestLogEntry) -> Void

    /// - Parameter underWay: measures the time during which a request is under way.
    package init(
        _ base: any HTTPClient, clock: any WallClock, underWay: WaitMeter? = nil,
        record: @escaping @Sendable (RequestLogEntry) -> Void
    ) {
        self.base = base
        self.underWay = underWay
        self.clock = clock
        self.record = record
    }

    package func send(_ request: HTTPRequest) async throws -> HTTPResponse {
        let start = clock.now
        underWay?.begin()
        defer { underWay?.end() }
        do {
            let response = try await base.send(request)
            log(request, since: start, status: response.status, bytes: response.body.count)
            return response
        } catch {
            log(request, since: start, failure: error)
            throw error
        }
    }

    package func stream(
        _ request: HTTPRequest, receive: (HTTPResponseHead) async throws -> Void,
        chunk: ([UInt8]) async throws -> Void
    ) async throws {
        let start = clock.now
        underWay?.begin()
        defer { underWay?.end() }
        var status = 0
        var bytes = 0
        do {
            try await base.stream(request) { head in
                status = head.status
                try await receive(head)
            } chunk: { piece in
                bytes += piece.count
                try await chunk(piece)
            }
            log(request, since: start, status: status, bytes: bytes)
        } catch {
            log(request, since: start, bytes: bytes, failure: error)
            throw error
        }
    }

    private func log(
        _ request: HTTPRequest, since start: Timestamp, status: Int? = nil, bytes: Int = 0, failure: (any Error)? = nil
    ) {
        let url = try? RequestURL(request.url)
        record(
            RequestLogEntry(
                method: request.method, host: url?.host ?? "?", path: url?.path ?? "",
                endpointClass: request.endpointClass,
                status: status, failure: (failure as? MigratezError)?.code, bytes: bytes,
                duration: clock.now.duration(since: start)))
    }
}
