// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import Synchronization

/// A tap with its settings: starts it for whatever is asked of it.
final class Tap: Sendable {
    let settings: ConnectionSettings
    private let catalogFile: String?
    private let catalogOption: CatalogOption
    private let stateFile: String?
    private let log: @Sendable (_ line: String) -> Void
    private let known = Mutex<TapCatalog?>(nil)
    /// Where each stream was left, so that the next page needs no new process.
    private let sessions = Mutex<[StreamName: TapSession]>([:])
    /// A catalog has some kilobytes a stream.
    private static let catalogBytesMax = 64 << 20

    /// How a tap is told what to read.
    enum CatalogOption: String, CaseIterable {
        case catalog, properties, none
    }

    init(_ settings: ConnectorSettings, log: @escaping @Sendable (_ line: String) -> Void) throws(MigratezError) {
        self.settings = try ConnectionSettings(settings, side: "source")
        catalogFile = settings["catalog"]
        catalogOption = settings["catalog_option"].flatMap { CatalogOption(rawValue: $0) } ?? .catalog
        stateFile = settings["state"]
        self.log = log
    }

    /// The same tap for another reader.
    func again() -> Tap { Tap(self) }

    private init(_ other: Tap) {
        settings = other.settings
        catalogFile = other.catalogFile
        catalogOption = other.catalogOption
        stateFile = other.stateFile
        log = other.log
        let catalog = other.known.withLock { $0 }
        known.withLock { $0 = catalog }
    }

    /// What the tap can read; `nil` if it takes no catalog.
    func catalog() async throws -> TapCatalog? {
        guard catalogOption != .none else { return nil }
        if let catalog = known.withLock({ $0 }) { return catalog }
        let catalog =
            if let catalogFile {
                try TapCatalog(JSONFile.object(catalogFile), isChosen: true, from: catalogFile)
            } else {
                try await discover()
            }
        known.withLock { $0 = catalog }
        return catalog
    }

    func stream(_ object: TapObject) async throws -> TapStream {
        try await catalog()?.stream(object.stream, of: object.name) ?? TapStream(named: object.stream)
    }

    /// One page of records; with the process that read the page before, if it is still where that page ended.
    func page(of object: TapObject, after cursor: Cursor?) async throws -> Page {
        let place = try cursor.map { cursor throws(MigratezError) in try TapPlace(parsing: cursor) } ?? TapPlace()
        let left = sessions.withLock { $0.removeValue(forKey: object.name) }
        var session =
            if let left, left.place == place, cursor != nil { left } else { try await session(of: object, at: place) }
        let page = try await session.page()
        if page.next != nil {
            let left = session
            sessions.withLock { $0[object.name] = left }
        }
        return page
    }

    /// A tap that stands where `place` is.
    ///
    /// It is started with the state of the place, and passes over as many records as were read since. If they are not the
    /// same ones, records that have a key are given anew from that state on: those that were read before are told by it. If
    /// they are fewer, the state may lie too far ahead, and all records are given anew.
    private func session(of object: TapObject, at place: TapPlace) async throws -> TapSession {
        var start = TapPlace(beginningOf: place)
        var session = try await begin(object, at: start)
        guard place.since > 0 else { return session }
        let course = try await session.catchUp(with: place)
        if course == .same { return session }
        guard session.isKeyed else {
            throw MigratezError(
                .invalidSetting,
                "\(settings.program.name) gives other records of '\(object.name)' than before, "
                    + "and nothing tells them apart", remedy: .fixConfiguration,
                hint: "begin a new run; if a field holds an id, name it in source.objects.\(object.name).id")
        }
        if course == .fewer { start = TapPlace() }
        start.records = place.records
        return try await begin(object, at: start)
    }

    private func begin(_ object: TapObject, at place: TapPlace) async throws -> TapSession {
        let folder = try PrivateFolder()
        var arguments = ["--config", try folder.write("config.json", settings.config.document())]
        let stream = try await stream(object)
        if let catalog = try await catalog() {
            arguments += ["--\(catalogOption.rawValue)", try folder.write("catalog.json", catalog.selecting(stream))]
        }
        if let state = place.state {
            arguments += ["--state", try folder.write("state.json", state)]
        } else if let stateFile {
            arguments += ["--state", try folder.write("state.json", JSONFile.object(stateFile).serialized())]
        }
        return TapSession(
            try start(arguments), folder, of: object.name,
            TapReading(stream, idField: object.id, program: settings.program.name, from: place))
    }

    private func start(_ arguments: [String]) throws -> ChildProcess {
        try ChildProcess(
            settings.program, arguments: arguments, takesInput: false, silenceMax: settings.silenceMax,
            errors: ErrorOutput(settings.config.redaction(), log: log))
    }

    private func discover() async throws -> TapCatalog {
        let folder = try PrivateFolder()
        let child = try start(["--config", try folder.write("config.json", settings.config.document()), "--discover"])
        var bytes: [UInt8] = []
        while let more = try await child.read() {
            bytes += more
            guard bytes.count <= Self.catalogBytesMax else {
                throw child.failure(
                    .responseTooLarge, "tells more than \(ByteCount(Self.catalogBytesMax)) of itself",
                    remedy: .fixConfiguration, hint: "give a smaller catalog in the setting `catalog`")
            }
        }
        let ending = try await child.end()
        guard ending == .exit(code: 0) else {
            throw child.failure(
                .serverFailed, "\(ending) when it was asked what it can read (--discover)", remedy: .fixConfiguration,
                hint: "mend what it complains of: most often its config")
        }
        let document: JSONValue
        do throws(JSONFailure) {
            document = try JSONValue(parsing: bytes)
        } catch {
            throw child.failure(
                .brokenResponse, "answered --discover with something that is no catalog: \(error)",
                remedy: .fixConfiguration,
                hint: "is it a tap? If it has no --discover, set `catalog`, or `catalog_option: none`")
        }
        return try TapCatalog(document, isChosen: false, from: settings.program.name)
    }
}

/// What the settings say about one object.
struct TapObject: Sendable {
    let name: StreamName
    /// The tap's stream.
    let stream: String
    /// The field that tells records apart; `nil` = what the tap says.
    let id: String?
    let modified: String?
    /// By the object that they lead to.
    let links: [String: MemberLink]

    /// Nothing is said about it: the stream has its name.
    init(_ name: StreamName) {
        self.name = name
        (stream, id, modified, links) = (name.text, nil, nil, [:])
    }

    init(_ settings: ConnectorSettings, _ name: StreamName) throws(MigratezError) {
        let prefix = "objects.\(name)"
        self.name = name
        stream = settings["\(prefix).stream"] ?? name.text
        id = settings["\(prefix).id"]
        modified = settings["\(prefix).modified"]
        var links: [String: MemberLink] = [:]
        for other in settings.names(under: "\(prefix).links") {
            guard let member = settings["\(prefix).links.\(other).member"], !member.isEmpty else {
                throw MigratezError(
                    .invalidSetting, "the setting \(prefix).links.\(other) does not say where the links are",
                    remedy: .fixConfiguration, hint: "name the member with the id, or the ids, in `member`")
            }
            links[other] = MemberLink(field: member, separator: settings["\(prefix).links.\(other).separator"])
        }
        self.links = links
    }
}
