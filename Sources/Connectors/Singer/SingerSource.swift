// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezConnectorKit
package import MigratezModel

/// Any Singer tap as a source: its streams are the objects, its records move as they are.
///
/// A tap pushes, and knows one beginning: each stream is read by a process of its own, with that stream alone selected, and
/// waits at its pipe while nobody asks for a page. A cursor holds the state that the tap told last and what came since, so
/// that another process gets to the same place (see `Tap`).
///
/// Beside its fields a record has the member `_singer_key`: its key, several of them joined by `|`, or its number where the
/// stream has none.
package struct SingerSource: Source {
    package let name = "singer"
    /// What a pipeline may set below `source:`.
    package static let settings =
        ConnectionSettings.specs("tap") + [
            SettingSpec(
                "catalog", .path, "a catalog with the fields to read; default: what the tap tells with --discover"),
            SettingSpec(
                "catalog_option", .oneOf(Tap.CatalogOption.allCases.map(\.rawValue)),
                "how the tap takes it: --catalog (default), --properties for old ones, none if it takes none"),
            SettingSpec("state", .path, "the state to begin with; default: the tap's own beginning"),
            SettingSpec("objects.*.stream", .text, "the object's stream; default: the one with the object's name"),
            SettingSpec("objects.*.id", .text, "the field that tells records apart; default: what the tap says"),
            SettingSpec("objects.*.modified", .text, "the field that tells when a record was last changed"),
            SettingSpec("objects.*.links.*.member", .text, "the member with the id or ids of linked records"),
            SettingSpec("objects.*.links.*.separator", .text, "between several ids in a text; default: one id"),
        ]

    /// A tap knows of changes only where the setting `modified` names the field.
    package static let capabilities = SourceCapabilities(
        routes: ["tap"], tellsChanges: false, links: "ids in a field, with `links` in the settings",
        limits: [
            "\(TapPage.recordsMax) records or \(TapPage.bytesMax) a page", "a child process for each stream",
            "without a key, only a tap that repeats itself can be resumed",
        ])

    /// The member with a record's key.
    static let keyMember = "_singer_key"

    private let tap: Tap
    private let objects: [StreamName: TapObject]

    /// - Parameter log: gets what the tap says on its error output, redacted.
    /// - Throws: `invalidSetting`; the tap is not started.
    package init(
        settings: ConnectorSettings, log: @escaping @Sendable (_ line: String) -> Void = { _ in }
    ) throws(MigratezError) {
        tap = try Tap(settings, log: log)
        var objects: [StreamName: TapObject] = [:]
        for text in settings.names(under: "objects") {
            guard let name = StreamName(text) else {
                throw MigratezError(
                    .invalidSetting, "'\(text)' is not a name for an object", remedy: .fixConfiguration,
                    hint: "use letters, digits, _ and - only, and name its stream in the setting `stream`")
            }
            objects[name] = try TapObject(settings, name)
        }
        self.objects = objects
    }

    private func object(_ name: StreamName) -> TapObject { objects[name] ?? TapObject(name) }

    package func discover(_ objects: [StreamName]) async throws -> [ObjectSchema] {
        var schemas: [ObjectSchema] = []
        for name in objects { schemas.append(try await tap.stream(object(name)).objectSchema(name)) }
        return schemas
    }

    package func layout(of object: StreamName) -> RecordLayout {
        RecordLayout(id: Self.keyMember, modified: objects[object]?.modified)
    }

    package func readPage(of object: StreamName, fields: [String], after cursor: Cursor?) async throws -> Page {
        try await tap.page(of: self.object(object), after: cursor)
    }

    /// A tap does not tell.
    package func count(of object: StreamName) async throws -> Int? { nil }

    package func linkBatchSize(from: StreamName, to: StreamName) -> Int? {
        object(from).links[to.text] == nil ? nil : 1_000
    }

    package func readLinks(
        from: StreamName, to: StreamName, of records: [(id: String, bytes: ArraySlice<UInt8>)]
    ) async throws -> [Edge] {
        try object(from).links[to.text]?.edges(of: records) ?? []
    }

    package func people() async throws -> [Person] { [] }

    /// Reads the stream from its beginning until all are found.
    package func readRecords(of object: StreamName, ids: [String], fields: [String]) async throws -> Page {
        // A reader of its own, so that whoever reads pages meanwhile keeps the place.
        let tap = tap.again()
        let stream = self.object(object)
        var search = RecordSearch(for: ids, layout: layout(of: object))
        return try await search.records { try await tap.page(of: stream, after: $0) }
    }

    package func identity() async throws -> String { "singer \(tap.settings.identity)" }

    /// Starts the tap to ask what it can read.
    package func account(for objects: [StreamName]) async throws -> AccountReport {
        var report = AccountReport(account: tap.settings.program.name)
        for object in objects {
            let stream = try await tap.stream(self.object(object))
            report.facts.append(.init(object.text, "stream \(stream.identifier)"))
        }
        report.unknown.append("which account the tap reads: it does not tell")
        return report
    }
}
