// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezTransport
import Testing

/// What a simulated vendor answers to somebody else's request: `GET` without a body, `POST` with one.
func ask(
    _ address: String, _ body: JSONValue?, token: String = "t", scheme: String = "Bearer"
) async throws -> JSONValue {
    let answer = try await CurlClient().send(
        HTTPRequest(
            body == nil ? .get : .post, address,
            headers: [
                HTTPHeader("Authorization", "\(scheme) \(token)"), HTTPHeader("Content-Type", "application/json"),
            ],
            body: body.map { .bytes($0.serialized()) } ?? .empty))
    try #require(answer.isSuccess, "\(address): \(answer.status)")
    return try JSONValue(parsing: answer.body)
}
