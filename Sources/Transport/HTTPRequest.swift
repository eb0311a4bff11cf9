// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

/// The methods of RFC 9110 and RFC 5789 that CRM interfaces use.
package enum HTTPMethod: String, Sendable, Hashable, CaseIterable {
    case get = "GET"
    case head = "HEAD"
    case post = "POST"
    case put = "PUT"
    case patch = "PATCH"
    case delete = "DELETE"
}

/// What a request carries.
package enum HTTPBody: Sendable {
    case empty
    /// Bytes at hand; they can be sent again if a retry is called for.
    case bytes([UInt8])
    /// Pieces that are asked for one after the other, `nil` = the end. The next piece is asked for when the one before
    /// has been handed to the connection, so at most two are in memory. Can be sent only once: a request with such a
    /// body is never retried inside.
    ///
    /// `length` is the number of bytes of all pieces, if it is known; a producer that gives another number fails the
    /// request.
    case stream(length: Int?, @Sendable () async throws -> [UInt8]?)
}

/// One request to a CRM.
package struct HTTPRequest: Sendable {
    package var method: HTTPMethod
    /// `https://host[:port]/path[?query]`; plain `http` to loopback addresses only. Already percent-encoded.
    package var url: String
    package var headers: [HTTPHeader]
    package var body: HTTPBody
    /// From the start to the last byte of the answer, connecting included.
    package var deadline: Duration
    /// The most bytes of body that the answer may have, after decompression.
    package var responseBytesMax: ByteCount
    /// Which budget of the vendor the request counts against: `list`, `search`, `batch`.
    package var endpointClass: String
    /// Whether sending it twice does what sending it once does. If not, it is sent again only when the first one
    /// certainly was not carried out.
    package var isIdempotent: Bool
    /// Which networks it may be sent into.
    package var reach: NetworkReach

    /// - Parameter isIdempotent: `nil` = as RFC 9110 §9.2.2 says for the method: all but POST and PATCH.
    package init(
        _ method: HTTPMethod = .get, _ url: String, headers: [HTTPHeader] = [], body: HTTPBody = .empty,
        deadline: Duration = .seconds(60), responseBytesMax: ByteCount = .MiB(16), endpointClass: String = "default",
        isIdempotent: Bool? = nil, reach: NetworkReach = .publicInternet
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.deadline = deadline
        self.responseBytesMax = responseBytesMax
        self.endpointClass = endpointClass
        self.isIdempotent = isIdempotent ?? (method != .post && method != .patch)
        self.reach = reach
    }
}

extension HTTPRequest: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Method, host and path: what may stand in logs and errors. Never the query, a header or the body.
    package var description: String {
        guard let url = try? RequestURL(url) else { return "\(method.rawValue) (not a valid address)" }
        return "\(method.rawValue) \(url)"
    }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
