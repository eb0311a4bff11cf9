// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// What a tap can read, as it tells with `--discover`, or as a file says that a person made from that.
///
/// Facts: https://hub.meltano.com/singer/spec, "Catalog" and "Metadata".
struct TapCatalog: Sendable {
    private let streams: [JSONValue]
    /// Whether a person chose the fields of each stream.
    private let isChosen: Bool

    /// - Parameter isChosen: whether the selection of fields stays as it is.
    /// - Throws: `brokenResponse` if it lists no streams.
    init(_ document: JSONValue, isChosen: Bool, from origin: String) throws(MigratezError) {
        guard case .array(let streams)? = document["streams"] else {
            throw MigratezError(
                .brokenResponse, "\(origin) lists no streams", remedy: .fixConfiguration,
                hint: "a catalog is a JSON object with the member `streams`")
        }
        self.streams = streams
        self.isChosen = isChosen
    }

    /// The names by which the streams are told apart.
    var names: [String] { streams.compactMap(Self.identifier) }

    /// The stream of that name.
    ///
    /// - Throws: `invalidSetting` with the names that there are.
    func stream(_ name: String, of object: StreamName) throws(MigratezError) -> TapStream {
        let found = streams.first { Self.identifier($0) == name } ?? streams.first { $0["stream"]?.text == name }
        guard let found else {
            let likely = closest(to: name, among: names).map { "did you mean '\($0)'? " } ?? ""
            throw MigratezError(
                .invalidSetting, "the tap has no stream '\(name)'", remedy: .fixConfiguration,
                hint:
                    "\(likely)set source.objects.\(object).stream to one of: \(names.sorted().joined(separator: ", "))")
        }
        return TapStream(found)
    }

    /// The catalog with one stream selected and all others not.
    func selecting(_ stream: TapStream) -> [UInt8] {
        let streams = streams.map { Self.selected($0, Self.identifier($0) == stream.identifier, choosing: !isChosen) }
        return JSONValue.object([.init("streams", .array(streams))]).serialized()
    }

    private static func identifier(_ stream: JSONValue) -> String? {
        stream["tap_stream_id"]?.text ?? stream["stream"]?.text
    }

    /// Both as taps of today read it (in the metadata) and as those did that take `--properties` (in the schema).
    private static func selected(_ stream: JSONValue, _ isSelected: Bool, choosing: Bool) -> JSONValue {
        var metadata: [JSONValue] = []
        var hasOwn = false
        for entry in stream["metadata"]?.elements ?? [] {
            let breadcrumb = entry["breadcrumb"]?.elements ?? []
            let facts = entry["metadata"] ?? .object([])
            if breadcrumb.isEmpty {
                hasOwn = true
                metadata.append(entry.setting("metadata", facts.setting("selected", .bool(isSelected))))
            } else if choosing, isSelected, facts["inclusion"]?.text != "unsupported" {
                metadata.append(entry.setting("metadata", facts.setting("selected", .bool(true))))
            } else {
                metadata.append(entry)
            }
        }
        if !hasOwn {
            metadata.append(["breadcrumb": [], "metadata": ["selected": .bool(isSelected)]])
        }
        let schema = (stream["schema"] ?? .object([])).setting("selected", .bool(isSelected))
        return stream.setting("metadata", .array(metadata)).setting("schema", schema)
            .setting("selected", .bool(isSelected))
    }
}

/// One stream of a catalog.
struct TapStream: Sendable {
    let identifier: String
    /// What messages may call it.
    let names: Set<String>
    /// Whether the tap says by which field it goes on from an earlier run.
    let hasBookmark: Bool
    private let schema: JSONValue

    init(_ entry: JSONValue) {
        let identifier = entry["tap_stream_id"]?.text ?? entry["stream"]?.text ?? ""
        self.identifier = identifier
        names = Set([identifier] + ["stream", "stream_alias"].compactMap { entry[$0]?.text })
        schema = entry["schema"] ?? .null
        let own = entry["metadata"]?.elements.first { $0["breadcrumb"]?.elements.isEmpty == true }?["metadata"]
        let method =
            entry["replication_method"]?.text ?? own?["replication-method"]?.text
            ?? own?["forced-replication-method"]?.text
        let key = entry["replication_key"] ?? own?["replication-key"]
        hasBookmark = method.map { ["INCREMENTAL", "LOG_BASED"].contains($0) } ?? (key?.text != nil)
    }

    /// A stream that nothing is known of but its name.
    init(named name: String) {
        identifier = name
        names = [name]
        hasBookmark = false
        schema = .null
    }

    /// The fields that the schema lists.
    func objectSchema(_ object: StreamName) -> ObjectSchema {
        let fields = (schema["properties"]?.members ?? []).map { member in
            FieldSchema(name: member.key, label: member.key, kind: Self.kind(of: member.value))
        }
        return ObjectSchema(name: object.text, label: identifier, fields: fields, isOpen: fields.isEmpty)
    }

    private static func kind(of property: JSONValue) -> FieldSchema.Kind {
        let forms = [property] + (property["anyOf"]?.elements ?? []) + (property["oneOf"]?.elements ?? [])
        let types = Set(
            forms.flatMap { form in form["type"].map { $0.elements.isEmpty ? [$0] : $0.elements } ?? [] }
                .compactMap(\.text)
        ).subtracting(["null"])
        let format = forms.compactMap { $0["format"]?.text }.first
        return switch (types, format) {
        case (["string"], "date-time"): .dateTime
        case (["string"], "date"): .date
        case (["string"], "time"): .time
        case (["string"], "email"): .email
        case (["string"], "uri"): .url
        case (["string"], _): .text
        case (["integer"], _): .integer
        case (["number"], _), (["integer", "number"], _): .decimal
        case (["boolean"], _): .bool
        default: .other
        }
    }
}

extension JSONValue {
    /// The object with a member of another value.
    fileprivate func setting(_ key: String, _ value: JSONValue) -> JSONValue {
        .object(members.filter { $0.key != key } + [.init(key, value)])
    }
}
