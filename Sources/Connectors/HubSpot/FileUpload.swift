// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezTransport

/// One file on its way to HubSpot: a form whose last part is the bytes, streamed.
///
/// Source: developers.hubspot.com, "Files", upload: `file`, `fileName`, `folderPath` and `options`; RFC 7578.
struct FileUpload: Sendable {
    let content: RowContent
    let name: String
    let access: String
    /// `nil` for bytes that take the place of others: these keep their folder.
    let folder: String?

    /// A request that can be sent once; another attempt takes another one.
    func request(_ method: HTTPMethod, _ address: String) async throws -> HTTPRequest {
        let options: JSONValue = ["access": .string(access), "overwrite": true]
        var fields: [FormUpload.Field] = []
        if let folder { fields = [.init("folderPath", Array(folder.utf8)), .init("fileName", Array(name.utf8))] }
        fields.append(.init("options", options.serialized()))
        let form = FormUpload(fields: fields, part: "file", fileName: name, content: content)
        return HTTPRequest(
            method, address, headers: [form.contentType], body: try await form.body(),
            // As slow as 64 KiB a second.
            deadline: .seconds(60 + content.bytes / 65_536), endpointClass: "files", isIdempotent: false)
    }

    // MARK: Names

    /// The folder of one row: its key, so that a file that is written again is met where it was.
    ///
    /// Letters, digits and `-` stand as they are, everything else as `_` and the byte in hex.
    static func folder(of key: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var name: [UInt8] = []
        for byte in key.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D: name.append(byte)
            default: name += [UInt8(ascii: "_"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return root + String(decoding: name, as: UTF8.self)
    }

    /// The key of the row that a file at this path was made from; `nil` if it was none of ours.
    static func key(at path: String) -> String? {
        guard path.hasPrefix(root) else { return nil }
        let name = Array(path.utf8.dropFirst(root.utf8.count).prefix { $0 != UInt8(ascii: "/") })
        var key: [UInt8] = []
        var place = 0
        while place < name.count {
            if name[place] == UInt8(ascii: "_"), place + 2 < name.count,
                let byte = UInt8(String(decoding: name[(place + 1)...(place + 2)], as: UTF8.self), radix: 16)
            {
                key.append(byte)
                place += 3
            } else {
                key.append(name[place])
                place += 1
            }
        }
        return key.isEmpty ? nil : String(decoding: key, as: UTF8.self)
    }

    private static let root = "/migratez/"

    /// What the file is called there: no `/`, no control characters, and never nothing.
    static func name(_ text: String) -> String {
        var name = String(text.map { $0 == "/" || $0 == "\\" ? "_" : $0 }.filter { !$0.isNewline })
        name = String(name.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7F })
        return name.isEmpty || name == "." || name == ".." ? "file" : name
    }
}
