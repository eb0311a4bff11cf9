// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCSV
import MigratezConnectorKit
import MigratezModel

/// What the settings say about the file or files of one object.
struct SourceFile: Sendable {
    /// A file, a folder or a pattern (see `FileSeries`).
    let location: String
    /// The column or member that holds the id; `nil` = the number of the row.
    let id: String?
    /// The member that holds the fields (NDJSON).
    let fields: String?
    let modified: String?
    /// The field that holds the path of the file that belongs to the record.
    let content: String?
    let dialect: CSVDialect
    /// The file is UTF-16, and its byte order mark tells which.
    let needsMark: Bool
    let hasHeader: Bool
    let emptyIsNull: Bool
    /// By the stream that they lead to: where a record's links are, and what stands between several.
    let links: [String: MemberLink]

    init(_ settings: ConnectorSettings, object: StreamName, format: FileFormat) throws(MigratezError) {
        let prefix = "objects.\(object)"
        guard let file = settings["\(prefix).file"], !file.isEmpty else {
            throw MigratezError(
                .invalidSetting, "the source has no file for '\(object)'", remedy: .fixConfiguration,
                hint: "set source.\(prefix).file")
        }
        let folder = settings["dir"] ?? ""
        location = file.hasPrefix("/") || folder.isEmpty ? file : "\(folder)/\(file)"
        id = settings["\(prefix).id"]
        fields = settings["\(prefix).fields"]
        modified = settings["\(prefix).modified"]
        content = settings["\(prefix).content"]
        hasHeader = settings["\(prefix).header"] != "false"
        emptyIsNull = settings["\(prefix).empty"] != "text"
        needsMark = settings["\(prefix).encoding"] == "utf-16"
        dialect = try SourceFile.dialect(settings, prefix)
        links = try SourceFile.links(settings, prefix, format)
    }

    private static func dialect(_ settings: ConnectorSettings, _ prefix: String) throws(MigratezError) -> CSVDialect {
        let name = settings["\(prefix).encoding"] ?? "utf-8"
        guard let encoding = name == "utf-16" ? .utf16LittleEndian : CSVEncoding(rawValue: name) else {
            throw invalid("\(prefix).encoding", "is not an encoding that is known here")
        }
        let delimiter = try separator(settings["\(prefix).delimiter"] ?? ",", "\(prefix).delimiter")
        let quote = try separator(settings["\(prefix).quote"] ?? "\"", "\(prefix).quote")
        guard delimiter != quote else { throw invalid("\(prefix).quote", "is the delimiter as well") }
        return CSVDialect(
            delimiter: delimiter, quote: quote, encoding: encoding, trimsFields: settings["\(prefix).trim"] == "true",
            guardsFormulas: settings["\(prefix).guarded"] == "true")
    }

    /// One ASCII character, or `tab`.
    static func separator(_ text: String, _ setting: String) throws(MigratezError) -> UInt8 {
        if text == "tab" || text == "\\t" { return UInt8(ascii: "\t") }
        guard let byte = text.utf8.first, text.utf8.count == 1, CSVDialect.isUsable(byte) else {
            throw invalid(setting, "is not one ASCII character")
        }
        return byte
    }

    private static func links(
        _ settings: ConnectorSettings, _ prefix: String, _ format: FileFormat
    ) throws(MigratezError) -> [String: MemberLink] {
        var links: [String: MemberLink] = [:]
        for stream in settings.names(under: "\(prefix).links") {
            let path = "\(prefix).links.\(stream).\(format == .csv ? "column" : "member")"
            guard let field = settings[path], !field.isEmpty else { throw invalid(path, "is missing") }
            links[stream] = MemberLink(field: field, separator: settings["\(prefix).links.\(stream).separator"])
        }
        return links
    }

    private static func invalid(_ setting: String, _ what: String) -> MigratezError {
        MigratezError(.invalidSetting, "the setting \(setting) \(what)", remedy: .fixConfiguration)
    }
}
