// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// Sends requests. The real one is `CurlClient`; policies (retry, rate, authentication) are decorators around it.
///
/// Contract:
/// - Any number of calls may be under way at once.
/// - An answer of any status is returned, not thrown. What is thrown is a `MigratezError` whose cause is a
///   `TransportFailure` that tells whether the request may have been carried out, or `CancellationError`, or whatever
///   the caller's own closures threw.
/// - Cancelling the task ends the request at once, in every phase; what was sent may still be carried out.
/// - Errors name method, host and path, never a query, a header or a byte of a body.
package protocol HTTPClient: Sendable {
    /// Sends the request and returns the whole answer.
    func send(_ request: HTTPRequest) async throws -> HTTPResponse

    /// Sends the request and hands the answer on while it arrives: `receive` once, then `chunk` for each piece.
    ///
    /// A slow `chunk` slows the connection down (at most `TransportConfiguration.streamBytesMax` wait in memory).
    /// Returns after the last byte; if it throws, what was handed on is not the whole answer.
    func stream(
        _ request: HTTPRequest, receive: (HTTPResponseHead) async throws -> Void,
        chunk: ([UInt8]) async throws -> Void
    ) async throws
}
