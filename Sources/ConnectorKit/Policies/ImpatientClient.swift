// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
package import MigratezTransport

/// Takes a service that cannot be reached for gone: nothing is tried again. For somebody who waits for the answer to "is
/// it there?"; a run that meets the same failure in the middle of the night waits and tries again.
package struct ImpatientClient: HTTPClient {
    private let inner: any HTTPClient

    package init(_ inner: any HTTPClient) { self.inner = inner }

    package func send(_ request: HTTPRequest) async throws -> HTTPResponse {
        do { return try await inner.send(request) } catch { throw Self.final(error) }
    }

    package func stream(
        _ request: HTTPRequest, receive: (HTTPResponseHead) async throws -> Void,
        chunk: ([UInt8]) async throws -> Void
    ) async throws {
        do { try await inner.stream(request, receive: receive, chunk: chunk) } catch { throw Self.final(error) }
    }

    private static func final(_ error: any Error) -> any Error {
        guard var error = error as? MigratezError, error.code == .unreachable else { return error }
        error.remedy = .fixConfiguration
        error.hint = error.hint ?? "check the address in the pipeline file, and the network"
        return error
    }
}
