// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezSimulatorKit

/// A record with a file: the body of a `multipart/form-data` request (RFC 7578), of which the first part holds the record as
/// JSON and another one the bytes (REST API Developer Guide, "Insert or Update Blob Data").
struct MultipartBody {
    struct Part {
        /// `name` of its `Content-Disposition`.
        var name: String
        var contentType: String?
        var bytes: ArraySlice<UInt8>
    }

    let parts: [Part]

    /// `nil` if the request is of another type.
    init?(_ request: SimulatorRequest) throws(APIFailure) {
        guard let type = request.headers["Content-Type"], type.lowercased().hasPrefix("multipart/form-data") else {
            return nil
        }
        guard let boundary = Self.parameter("boundary", of: type), !boundary.isEmpty else {
            throw APIFailure(400, "INVALID_MULTIPART_REQUEST", "Multipart message has no boundary")
        }
        let body = request.body
        let mark = Array("--\(boundary)".utf8)
        var parts: [Part] = []
        guard var place = body[...].firstRange(of: mark)?.upperBound else { throw Self.malformed }
        while true {
            if body[place...].starts(with: Array("--".utf8)) { break }
            guard body[place...].starts(with: Self.lineEnd),
                let end = body[place...].firstRange(of: Self.lineEnd + mark)
            else { throw Self.malformed }
            parts.append(try Self.part(body[(place + 2)..<max(place + 2, end.lowerBound)]))
            place = end.upperBound
        }
        self.parts = parts
    }

    private static let lineEnd = Array("\r\n".utf8)
    private static let malformed = APIFailure(400, "INVALID_MULTIPART_REQUEST", "Multipart message is malformed")

    private static func part(_ bytes: ArraySlice<UInt8>) throws(APIFailure) -> Part {
        guard let head = bytes.firstRange(of: lineEnd + lineEnd) else { throw malformed }
        var name: String?
        var contentType: String?
        for line in String(decoding: bytes[..<head.lowerBound], as: UTF8.self).split(separator: "\r\n") {
            let lower = line.lowercased()
            if lower.hasPrefix("content-disposition:") { name = parameter("name", of: String(line)) }
            if lower.hasPrefix("content-type:") {
                contentType = line.drop { $0 != ":" }.dropFirst().drop { $0 == " " }.lowercased()
            }
        }
        guard let name else { throw malformed }
        return Part(name: name, contentType: contentType, bytes: bytes[head.upperBound...])
    }

    /// The value of `key=value` or `key="value"` in a header.
    private static func parameter(_ key: String, of header: String) -> String? {
        for item in header.split(separator: ";") {
            let item = item.drop { $0 == " " }
            guard item.lowercased().hasPrefix(key + "=") else { continue }
            let value = item.dropFirst(key.count + 1)
            return value.first == "\"" ? String(value.dropFirst().prefix { $0 != "\"" }) : String(value)
        }
        return nil
    }
}
