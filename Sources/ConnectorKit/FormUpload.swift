// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCrypto
package import MigratezModel
package import MigratezTransport

/// A file as a form (RFC 7578): short fields, and behind them the bytes, which are never held whole.
package struct FormUpload: Sendable {
    /// A value beside the file.
    package struct Field: Sendable {
        let name: String
        let type: String?
        let value: [UInt8]

        /// - Parameter type: the media type, where the service asks for one.
        package init(_ name: String, type: String? = nil, _ value: [UInt8]) {
            self.name = name
            self.type = type
            self.value = value
        }
    }

    private let boundary: String
    private let head: [UInt8]
    private let content: RowContent

    /// - Parameter part: the name by which the service knows the file.
    package init(fields: [Field] = [], part: String, fileName: String, content: RowContent) {
        // A checksum of the bytes: no file holds its own, and what is sent again is the same request.
        boundary = "migratez-" + Hex.encode(content.sha256.prefix(24))
        var head: [UInt8] = []
        for field in fields {
            head += "--\(boundary)\r\nContent-Disposition: form-data; name=\"\(Self.escaped(field.name))\"\r\n".utf8
            if let type = field.type { head += "Content-Type: \(type)\r\n".utf8 }
            head += "\r\n".utf8
            head += field.value
            head += "\r\n".utf8
        }
        head += "--\(boundary)\r\nContent-Disposition: form-data; name=\"\(Self.escaped(part))\"; ".utf8
        head += "filename=\"\(Self.escaped(fileName))\"\r\nContent-Type: application/octet-stream\r\n\r\n".utf8
        self.head = head
        self.content = content
    }

    private var tail: [UInt8] { Array("\r\n--\(boundary)--\r\n".utf8) }

    /// The header that goes with the body.
    package var contentType: HTTPHeader { HTTPHeader("Content-Type", "multipart/form-data; boundary=\(boundary)") }

    /// The body from its first byte on; to be asked for again for a second attempt.
    package func body() async throws -> HTTPBody {
        .stream(
            length: head.count + content.bytes + tail.count,
            RowContent.pieces(head, try await content.pieces(), tail))
    }

    /// What browsers escape in names, and no more (html.spec.whatwg.org, "Multipart form data").
    private static func escaped(_ name: String) -> String {
        name.replacing("\"", with: "%22").replacing("\r", with: "%0D").replacing("\n", with: "%0A")
    }
}
