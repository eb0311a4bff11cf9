// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel
package import MigratezTransport

/// A file as a form (RFC 7578): short fields, and behind them the bytes, which are never held whole.
package struct FormUpload: Sendable {
    private let boundary: String
    private let head: [UInt8]
    private let content: RowContent

    /// - Parameters:
    ///   - fields: values beside the file.
    ///   - part: the name by which the service knows the file.
    package init(fields: [(name: String, value: String)] = [], part: String, fileName: String, content: RowContent) {
        // 128 random bits: no file has them in it.
        boundary = "migratez-" + (0..<2).map { _ in String(UInt64.random(in: .min ... .max), radix: 16) }.joined()
        var head = ""
        for (name, value) in fields {
            head +=
                "--\(boundary)\r\nContent-Disposition: form-data; name=\"\(Self.escaped(name))\"\r\n\r\n\(value)\r\n"
        }
        head += "--\(boundary)\r\nContent-Disposition: form-data; name=\"\(Self.escaped(part))\"; "
        head += "filename=\"\(Self.escaped(fileName))\"\r\nContent-Type: application/octet-stream\r\n\r\n"
        self.head = Array(head.utf8)
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
