// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCSV
package import MigratezConnectorKit
import MigratezJSON
package import MigratezModel
import Synchronization

/// CSV or NDJSON files as a source.
///
/// A row of a CSV file becomes a JSON object with a text for each column; a line of an NDJSON file is the record. What
/// cannot be taken (a ragged row, bytes that are not in the file's encoding) comes as a malformed record with its line,
/// so that every row is accounted for. Without an id column the number of the row is the id, in the member `_row`.
///
/// An object may be one file or several (`FileSeries`), each of them packed with gzip or zstd or not. Reading goes on at a
/// cursor without reading what comes before; only a packed file, after a crash, is unpacked from its start once more.
/// An object is read in one piece: where a row begins is known when the one before has been read.
package struct FileSource: Source {
    package let name: String
    /// What a pipeline may set below `source:`.
    package static func settings(_ format: FileFormat) -> [SettingSpec] { format.sourceSettings }

    /// Files know of changes only where the setting `modified` names the field.
    package static let capabilities = SourceCapabilities(
        routes: ["file"], tellsChanges: false, links: "ids in a field, with `links` in the settings",
        movesFiles: true,
        limits: ["\(FilePageLimits.page.records) records or \(ByteCount(FilePageLimits.page.bytes)) a page"])

    private let format: FileFormat
    private let files: [StreamName: SourceFile]
    private let shelf = ContentShelf()

    /// - Throws: `invalidSetting`; files are not looked at.
    package init(_ format: FileFormat, settings: ConnectorSettings) throws(MigratezError) {
        name = format.rawValue
        self.format = format
        var files: [StreamName: SourceFile] = [:]
        for text in settings.names(under: "objects") {
            guard let stream = StreamName(text) else {
                throw MigratezError(
                    .invalidSetting, "'\(text)' is not a name for an object", remedy: .fixConfiguration,
                    hint: "use letters, digits, _ and - only")
            }
            files[stream] = try SourceFile(settings, object: stream, format: format)
        }
        self.files = files
    }

    package func discover(_ objects: [StreamName]) async throws -> [ObjectSchema] {
        try objects.map { object in
            let names = try reader(of: object).fieldNames()
            // A cell is a text; a member of NDJSON may be anything, in one record this and in the next that.
            let kind = format == .ndjson ? FieldSchema.Kind.other : .text
            let fields = names.map { FieldSchema(name: $0, label: $0, kind: kind) }
            return ObjectSchema(
                name: object.text, label: object.text, fields: fields, isOpen: format == .ndjson,
                content: files[object]?.content.map { ContentSchema(field: $0) })
        }
    }

    package func layout(of object: StreamName) -> RecordLayout {
        let file = files[object]
        return RecordLayout(id: file?.id ?? rowNumberMember, fields: file?.fields, modified: file?.modified)
    }

    package func readPage(of object: StreamName, fields: [String], after cursor: Cursor?) async throws -> Page {
        try reader(of: object).page(after: cursor, limits: .page)
    }

    /// Counts by reading the file once.
    package func count(of object: StreamName) async throws -> Int? {
        let reader = try reader(of: object)
        var count = 0
        var cursor: Cursor?
        repeat {
            try Task.checkCancellation()
            let page = try reader.page(after: cursor, limits: .page)
            count += page.records.count + page.malformed.count
            cursor = page.next
        } while cursor != nil
        return count
    }

    /// Files take no requests.
    package func estimatedCalls(readingContentOf object: StreamName, records: Int) -> [CallEstimate] { [] }

    /// From the first page and the length of the files; files that are packed do not tell how long they are, and are
    /// read.
    package func estimatedCount(of object: StreamName) async throws -> Int? {
        let reader = try reader(of: object)
        let page = try reader.page(after: nil, limits: .page)
        let records = page.records.count + page.malformed.count
        guard let next = page.next else { return records }
        guard let length = try reader.plainLength(to: next), length.read > 0 else { return try await count(of: object) }
        return Int((Double(records) * Double(length.whole) / Double(length.read)).rounded())
    }

    package func linkBatchSize(from: StreamName, to: StreamName) -> Int? {
        files[from]?.links[to.text] == nil ? nil : 1_000
    }

    package func readLinks(
        from: StreamName, to: StreamName, of records: [(id: String, bytes: ArraySlice<UInt8>)]
    ) async throws -> [Edge] {
        guard let file = files[from], let link = file.links[to.text] else { return [] }
        return try link.edges(of: records, fields: file.fields)
    }

    package func readContent(
        of object: StreamName, id: String, record: ArraySlice<UInt8>, piece: ([UInt8]) async throws -> Void
    ) async throws {
        guard let file = files[object], let field = file.content else {
            throw MigratezError(
                .invalidSetting, "'\(object)' has no files", remedy: .fixConfiguration,
                hint: "set source.objects.\(object).content to the field with their paths")
        }
        var index = RecordIndex(fields: file.fields)
        let path = try record.withUnsafeBufferPointer { bytes -> String? in
            try index.index(bytes)
            return index.slice(field).flatMap { $0.isBlank ? nil : index.string($0, in: bytes) }
        }
        guard let path else {
            throw Rejection(.contentUnavailable, fields: [field], reason: "the record names no file")
        }
        try await ContentFile.read(
            try ContentPath.parts(of: path), below: try ContentPath.base(of: file.location), piece)
    }

    package func people() async throws -> [Person] { [] }

    /// Reads the object's file from the start until all are found.
    package func readRecords(of object: StreamName, ids: [String], fields: [String]) async throws -> Page {
        let reader = try reader(of: object)
        var search = RecordSearch(for: ids, layout: layout(of: object))
        return try await search.records { try reader.page(after: $0, limits: .page) }
    }

    package func identity() async throws -> String { files.values.map(\.location).sorted().joined(separator: ", ") }

    /// - Throws: `fileNotFound` for the first file that cannot be read.
    package func account(for objects: [StreamName]) async throws -> AccountReport {
        var report = AccountReport(account: files.values.map(\.location).min().map(Self.folder) ?? "no file")
        for object in objects {
            let count = try await count(of: object) ?? 0
            report.facts.append(.init(files[object]?.location ?? object.text, "\(count) records"))
        }
        return report
    }

    private static func folder(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    }

    private func reader(of object: StreamName) throws(MigratezError) -> ObjectReader {
        guard let file = files[object] else {
            throw MigratezError(
                .invalidSetting, "the source has no file for '\(object)'", remedy: .fixConfiguration,
                hint: "set source.objects.\(object).file")
        }
        let rows: any RowReader =
            switch format {
            case .csv: CSVRowReader(file)
            case .ndjson: NDJSONRowReader(file)
            }
        return ObjectReader(file: file, rows: rows, shelf: shelf)
    }
}
