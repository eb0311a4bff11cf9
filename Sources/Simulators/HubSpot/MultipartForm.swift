// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezSimulatorKit

/// A body of the type `multipart/form-data` (RFC 7578), taken apart.
struct MultipartForm: Sendable {
    struct Part: Sendable {
        var name: String
        /// The name of a file as it was sent.
        var fileName: String?
        var bytes: ArraySlice<UInt8>
        var text: String { String(decoding: bytes, as: UTF8.self) }
    }

    let parts: [Part]

    /// `nil` if the request holds no such form, or a broken one.
    init?(_ request: SimulatorRequest) {
        guard let type = request.headers["Content-Type"], type.lowercased().hasPrefix("multipart/form-data"),
            let boundary = MultipartForm.parameter("boundary", of: type)
        else { return nil }
        let body = request.body
        let delimiter = Array("--\(boundary)".utf8)
        let separator = Array("\r\n--\(boundary)".utf8)
        guard body.starts(with: delimiter) else { return nil }
        var parts: [Part] = []
        var rest = body[delimiter.count...]
        while true {
            if rest.starts(with: Array("--".utf8)) { break }
            guard rest.starts(with: Array("\r\n".utf8)),
                let headEnd = MultipartForm.firstIndex(of: Array("\r\n\r\n".utf8), in: rest),
                let end = MultipartForm.firstIndex(of: separator, in: body[(headEnd + 4 - 2)...]), end >= headEnd + 2
            else { return nil }
            let head = String(decoding: rest[(rest.startIndex + 2)..<headEnd], as: UTF8.self)
            // An empty part's separator begins with the line end of its head.
            let bytes = end < headEnd + 4 ? body[end..<end] : body[(headEnd + 4)..<end]
            guard let name = MultipartForm.parameter("name", of: head) else { return nil }
            parts.append(Part(name: name, fileName: MultipartForm.parameter("filename", of: head), bytes: bytes))
            rest = body[(end + separator.count)...]
        }
        self.parts = parts
    }

    func text(_ name: String) -> String? { parts.first { $0.name == name }?.text }
    var file: Part? { parts.first { $0.name == "file" } }

    /// The value of `…; name="value"`, with what stands for quotes and line ends decoded.
    private static func parameter(_ name: String, of header: String) -> String? {
        for piece in header.split(whereSeparator: { $0 == ";" || $0 == "\r\n" || $0 == "\n" }) {
            let text = piece.drop { $0 == " " }
            guard text.lowercased().hasPrefix(name + "=") else { continue }
            var value = String(text.dropFirst(name.count + 1))
            if value.hasPrefix("\""), value.hasSuffix("\""), value.count >= 2 {
                value = String(value.dropFirst().dropLast())
            }
            return value.replacing("%22", with: "\"").replacing("%0D", with: "\r").replacing("%0A", with: "\n")
        }
        return nil
    }

    private static func firstIndex(of pattern: [UInt8], in bytes: ArraySlice<UInt8>) -> Int? {
        guard bytes.count >= pattern.count, let first = pattern.first else { return nil }
        var start = bytes.startIndex
        while let place = bytes[start...].firstIndex(of: first), place + pattern.count <= bytes.endIndex {
            if bytes[place..<(place + pattern.count)].elementsEqual(pattern) { return place }
            start = place + 1
        }
        return nil
    }
}
