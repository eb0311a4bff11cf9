// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// A body in the form `multipart/form-data` (RFC 7578), taken apart.
package struct MultipartForm: Sendable {
    package struct Part: Sendable {
        package var name: String
        /// `nil` for a part that is no file.
        package var fileName: String?
        /// In small letters; `nil` if the part does not say.
        package var contentType: String?
        package var bytes: [UInt8]

        package var text: String { String(decoding: bytes, as: UTF8.self) }
    }

    package let parts: [Part]

    /// Whether the request says that its body is one.
    package static func isBody(of request: SimulatorRequest) -> Bool {
        request.headers["Content-Type"]?.lowercased().hasPrefix("multipart/form-data") == true
    }

    /// `nil` if the body is none, or is cut off.
    package init?(_ request: SimulatorRequest) {
        guard Self.isBody(of: request), let type = request.headers["Content-Type"],
            let boundary = Self.parameter("boundary", of: type), !boundary.isEmpty
        else { return nil }
        let delimiter = Array("--\(boundary)".utf8)
        let body = request.body
        guard body.starts(with: delimiter) else { return nil }
        var parts: [Part] = []
        var start = delimiter.count
        while !body[start...].starts(with: Array("--".utf8)) {
            guard body[start...].starts(with: Self.lineBreak),
                let end = Self.find(Self.lineBreak + delimiter, in: body, from: start),
                let part = Self.part(body, start + Self.lineBreak.count..<end)
            else { return nil }
            parts.append(part)
            start = end + Self.lineBreak.count + delimiter.count
        }
        self.parts = parts
    }

    /// The first part of that name.
    package subscript(name: String) -> Part? { parts.first { $0.name == name } }

    private static let lineBreak = Array("\r\n".utf8)

    private static func part(_ body: [UInt8], _ range: Range<Int>) -> Part? {
        guard let headEnd = find(lineBreak + lineBreak, in: body, from: range.lowerBound),
            headEnd + 4 <= range.upperBound
        else { return nil }
        let head = String(decoding: body[range.lowerBound..<headEnd], as: UTF8.self)
        func header(_ name: String) -> String? {
            head.split(separator: "\r\n").first { $0.lowercased().hasPrefix("\(name):") }.map(String.init)
        }
        guard let disposition = header("content-disposition"), let name = parameter("name", of: disposition) else {
            return nil
        }
        let type = header("content-type")?.drop { $0 != ":" }.dropFirst().drop { $0 == " " }.lowercased()
        return Part(
            name: unescaped(name), fileName: parameter("filename", of: disposition).map(unescaped), contentType: type,
            bytes: Array(body[headEnd + 4..<range.upperBound]))
    }

    /// The value of `; name="value"` or `; name=value`; within quotes nothing is escaped by a backslash.
    private static func parameter(_ name: String, of header: String) -> String? {
        guard let found = header.firstRange(of: "; \(name)=") else { return nil }
        let rest = header[found.upperBound...]
        guard rest.first == "\"" else { return String(rest.prefix { $0 != ";" }) }
        return String(rest.dropFirst().prefix { $0 != "\"" })
    }

    /// What browsers escape in names (html.spec.whatwg.org, "Multipart form data").
    private static func unescaped(_ name: String) -> String {
        name.replacing("%22", with: "\"").replacing("%0D", with: "\r").replacing("%0A", with: "\n")
    }

    /// Where `wanted` stands, from a place on.
    private static func find(_ wanted: [UInt8], in body: [UInt8], from start: Int) -> Int? {
        body.withUnsafeBufferPointer { body in
            wanted.withUnsafeBufferPointer { wanted in
                var place = start
                while place + wanted.count <= body.count {
                    if body[place] == wanted[0] {
                        var length = 1
                        while length < wanted.count, body[place + length] == wanted[length] { length += 1 }
                        if length == wanted.count { return place }
                    }
                    place += 1
                }
                return nil
            }
        }
    }
}
