// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCrypto
package import MigratezJSON
package import MigratezModel

/// Part of a file: a line of a content chunk.
///
/// `{"file":12,"part":0,"data":"<base64>"}` for each piece of its bytes, then `{"file":12,"parts":1,"bytes":5,"sha256":"…"}`.
/// A content that the source did not give is one line: `{"file":12,"code":"MZ-SRC-05","reason":…,"vendor_code":…,
/// "vendor_text":…}`. The lines of a file follow each other, over the ends of chunks, with no others between them.
package enum ContentLine: Sendable, Equatable {
    case part(ordinal: Int, number: Int, data: [UInt8])
    case end(ordinal: Int, parts: Int, bytes: Int, sha256: [UInt8])
    case unavailable(ordinal: Int, Rejection)

    /// The line with its line end.
    package var bytes: [UInt8] {
        switch self {
        case .part(let ordinal, let number, let data):
            var line = Array("{\"file\":\(ordinal),\"part\":\(number),\"data\":\"".utf8)
            line += Base64.standard.encodedBytes(data)
            line += Array("\"}\n".utf8)
            return line
        case .end(let ordinal, let parts, let bytes, let sha256):
            return Array(
                "{\"file\":\(ordinal),\"parts\":\(parts),\"bytes\":\(bytes),\"sha256\":\"\(Hex.encode(sha256))\"}\n"
                    .utf8)
        case .unavailable(let ordinal, let rejection):
            var writer = JSONWriter(capacity: 128)
            writer.beginObject()
            writer.key("file")
            writer.int(ordinal)
            writer.key("code")
            writer.string(rejection.code.description)
            for (key, text) in [
                ("reason", rejection.reason), ("vendor_code", rejection.vendorCode),
                ("vendor_text", rejection.vendorText),
            ] {
                guard let text else { continue }
                writer.key(key)
                writer.string(text)
            }
            writer.endObject()
            writer.endLine()
            return writer.bytes
        }
    }

    /// Reads a line; `index` is a reusable index without nested fields.
    package init(_ line: UnsafeBufferPointer<UInt8>, with index: inout RecordIndex) throws(MigratezError) {
        try index.indexLine(line)
        let ordinal = try index.requiredNumber("file", in: line)
        if let data = index.topLevel("data") {
            // Base64 needs no escapes, so the bytes between the quotation marks are the text.
            let text = UnsafeBufferPointer(rebasing: line[data.range.dropFirst().dropLast()])
            guard data.kind == .string, let bytes = Base64.standard.decode(text) else {
                throw MigratezError(.chunkCorrupt, "a line of a content chunk holds no bytes")
            }
            self = .part(ordinal: ordinal, number: try index.requiredNumber("part", in: line), data: bytes)
        } else if index.topLevel("sha256") != nil {
            guard let digest = Hex.decode(try index.required("sha256", in: line)) else {
                throw MigratezError(.chunkCorrupt, "a line of a content chunk holds no digest")
            }
            self = .end(
                ordinal: ordinal, parts: try index.requiredNumber("parts", in: line),
                bytes: try index.requiredNumber("bytes", in: line), sha256: digest)
        } else {
            guard let code = ErrorCode(try index.required("code", in: line)) else {
                throw MigratezError(.chunkCorrupt, "a line of a content chunk holds no code")
            }
            func text(_ name: String) -> String? { index.topLevel(name).map { JSONText.string($0, of: line) } }
            self = .unavailable(
                ordinal: ordinal,
                Rejection(
                    code, remedy: .retry(after: nil), reason: text("reason"), vendorCode: text("vendor_code"),
                    vendorText: text("vendor_text")))
        }
    }
}
