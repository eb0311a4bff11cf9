// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCSV
package import MigratezConnectorKit
import MigratezJSON
package import MigratezModel
import Synchronization

/// CSV or NDJSON files as a destination: one file an object, in one folder.
///
/// Until `finish`, what has been written lies in `<object>.<csv|ndjson>.partial`, one JSON line a record in both cases:
/// the columns of a CSV file are known only when the last record is. Each batch is appended and flushed before its
/// receipts are given; what a crash leaves after the last whole line is cut off on reopening, so that `resolve` sees
/// exactly the records that are there. `finish` completes each file under its name.
///
/// The content of a record is a file below `<object>.files`, named by our key; the field of the record that takes the
/// content holds its path. It is durable before the record is written.
///
/// A file of an earlier run is gone on with: a record with the same key is replaced, as a CRM would do it. A file that
/// was not written here is refused. Files can be read by their owner only.
package final class FileDestination: Destination {
    package let name: String
    /// What a pipeline may set below `target:`.
    package static func settings(_ format: FileFormat) -> [SettingSpec] { format.destinationSettings }

    package static let capabilities = DestinationCapabilities(
        routes: [route.name], upsertKey: keyField, createsObjects: "a file for each",
        links: "a file for each kind of link, or ids in a field", movesFiles: true, createdDate: "any field",
        undoes: true,
        limits: ["\(route.recordsMax) records or \(route.bytesMax) a batch"])
    /// One writer at a time: a file grows at its end.
    private static let route = WriteRoute(name: "file", recordsMax: 10_000, bytesMax: .MiB(8), concurrencyMax: 1)

    private let format: FileFormat
    private let folder: String
    private let dialect: CSVDialect
    private let files = Mutex<[String: ObjectFile]>([:])
    /// The objects that this process was asked about: what an earlier one wrote of them is completed in the end, too.
    private let objects = Mutex<Set<String>>([])

    /// The column or member that holds our key; it is the target id, too.
    package static let keyField = "migratez_id"

    private let keysInMemory: Int

    /// - Parameter keysInMemory: how many keys of an object's records are held in memory while it is written; 131,072 are
    ///   4 MiB.
    /// - Throws: `invalidSetting`; the folder is not looked at.
    package init(
        _ format: FileFormat, settings: ConnectorSettings, keysInMemory: Int = 1 << 17
    ) throws(MigratezError) {
        self.keysInMemory = keysInMemory
        name = format.rawValue
        self.format = format
        guard let folder = settings["dir"], !folder.isEmpty else {
            throw MigratezError(
                .invalidSetting, "the target has no folder", remedy: .fixConfiguration, hint: "set target.dir")
        }
        self.folder = folder
        let delimiter = try SourceFile.separator(settings["delimiter"] ?? ",", "delimiter")
        guard delimiter != UInt8(ascii: "\"") else {
            throw MigratezError(.invalidSetting, "the setting delimiter is the quote", remedy: .fixConfiguration)
        }
        dialect = CSVDialect(delimiter: delimiter, guardsFormulas: settings["formulas"] != "raw")
    }

    /// Any field is taken, so none is listed.
    package func discover(_ objects: [String]) async throws -> [ObjectSchema] {
        self.objects.withLock { $0.formUnion(objects) }
        return objects.map {
            ObjectSchema(
                name: $0, label: $0, fields: [], holdsKey: true, isOpen: true, content: ContentSchema(field: "file"))
        }
    }

    package func requirements(of object: ObjectSchema) -> [FieldCreation] { [] }
    package func prepare(_ creations: [FieldCreation]) async throws {}
    package func people() async throws -> [Person] { [] }

    package func route(for object: String, expectedRows: Int) -> WriteRoute { Self.route }

    package func write(_ batch: Batch, by route: WriteRoute, intent: any WriteIntent) async throws -> [Receipt] {
        var rows = batch.rows
        for number in rows.indices {
            guard let content = rows[number].content else { continue }
            let paths = try ObjectPaths(batch.object, in: folder, format)
            let name = ContentPath.name(of: rows[number].targetID ?? rows[number].key)
            try await ContentFile.write(content, name, in: paths.contents)
            rows[number].fields = Self.adding(
                .init(content.field, .string("\(paths.contentFolderName)/\(name)")), to: rows[number].fields)
        }
        let written = rows
        return try withFile(of: batch.object) { file throws(MigratezError) in try file.write(written) }
    }

    private static func adding(_ member: JSONValue.Member, to fields: [UInt8]) -> [UInt8] {
        let members = fields.withUnsafeBufferPointer { JSONValue(validated: $0) }.members
        return JSONValue.object(members + [member]).serialized()
    }

    package func readContent(object: String, id: String, piece: ([UInt8]) async throws -> Void) async throws {
        let paths = try ObjectPaths(object, in: folder, format)
        guard OpenFile.exists(paths.contents) else { throw Rejection(.contentUnavailable) }
        try await ContentFile.read([ContentPath.name(of: id)], below: paths.contents, piece)
    }

    /// The keys that the file holds were written, and no others.
    package func resolve(_ batch: Batch, by route: WriteRoute, note: String?) async throws -> [Receipt] {
        var found: Set<String> = []
        let wanted = Set(batch.rows.filter { $0.targetID == nil }.map(\.key))
        guard !wanted.isEmpty else { return [] }
        try withFile(of: batch.object) { file throws(MigratezError) in
            try file.scan { record throws(MigratezError) in if wanted.contains(record.key) { found.insert(record.key) }
            }
        }
        return batch.rows.filter { found.contains($0.key) }
            .map { Receipt(key: $0.key, result: .created(id: $0.key)) }
    }

    /// Every record of these files carries a key of ours, so none is there that was not written by us.
    package func match(
        object: String, fields: [String], values: [[String]], returning: [String]
    ) async throws -> [ReadBack] { [] }

    package func read(object: String, ids: [String], fields: [String]) async throws -> [ReadBack] {
        let wanted = Set(ids)
        var found: [String: ReadBack] = [:]
        try scan(object) { record in
            guard wanted.contains(record.key) else { return }
            let values = record.values(of: fields, asText: self.format == .csv)
            found[record.key] = ReadBack(id: record.key, key: record.key, fields: values)
        }
        return ids.compactMap { found[$0] }
    }

    package func sample(object: String, fields: [String], count: Int) async throws -> [ReadBack] {
        let paths = try ObjectPaths(object, in: folder, format)
        var found: [ReadBack] = []
        // A file that is being written to belongs to a run: it is not opened for a look.
        guard OpenFile.exists(paths.complete) else { return found }
        try ObjectFile.scanComplete(paths.complete, format, dialect) { record in
            guard found.count < count else { return }
            // A file lists no fields: whatever its records have is looked at.
            let names = fields.isEmpty ? record.index.fieldNames.filter { $0 != Self.keyField } : fields
            let values = record.values(of: names, asText: self.format == .csv)
            found.append(ReadBack(id: record.key, key: record.key, fields: values))
        }
        return found
    }

    package var readBatchSize: Int { 10_000 }

    /// Writes the object's file anew without the records; one that holds no others is removed.
    package func delete(object: String, ids: [String]) async throws -> [Deletion] {
        let paths = try ObjectPaths(object, in: folder, format)
        let wanted = Set(ids)
        let removed = try files.withLock { files throws(MigratezError) -> Set<String> in
            // The file is replaced, so whoever writes next must open the new one.
            files[object] = nil
            let removed = try ObjectFile.remove(wanted, paths, format, dialect)
            // A file that is being written to is completed at the end, like any other.
            if OpenFile.exists(paths.partial) { files[object] = try open(paths) }
            return removed
        }
        for id in ids where OpenFile.exists(paths.contents) {
            try OpenFile.remove("\(paths.contents)/\(ContentPath.name(of: id))")
        }
        if OpenFile.exists(paths.contents) { try OpenFile.removeFolderIfEmpty(paths.contents) }
        return ids.map { Deletion(id: $0, result: removed.contains($0) ? .deleted : .absent) }
    }

    package func identity() async throws -> String { "files in \(folder)" }

    package func account(for objects: [String]) async throws -> AccountReport {
        var report = AccountReport(account: folder)
        if !OpenFile.isWritable(folder) { report.missingRights.append("write to \(folder)") }
        for object in objects {
            let paths = try ObjectPaths(object, in: folder, format)
            guard OpenFile.exists(paths.complete) else { continue }
            var count = 0
            try ObjectFile.scanComplete(paths.complete, format, dialect) { _ throws(MigratezError) in count += 1 }
            report.facts.append(.init("\(object).\(format.rawValue)", "\(count) records there already"))
        }
        return report
    }

    package func recordAddress(of object: String, id: String) async throws -> String? {
        try ObjectPaths(object, in: folder, format).complete
    }

    package func count(object: String, keyPrefix: String) async throws -> Int? {
        var count = 0
        try scan(object) { record in if record.key.hasPrefix(keyPrefix) { count += 1 } }
        return count
    }

    /// Completes the files. Called again after a crash, it goes on where that happened; writing goes on after it, too.
    package func finish() async throws {
        let known = objects.withLock { $0 }
        try files.withLock { files throws(MigratezError) in
            for object in known.union(files.keys).sorted() {
                let paths = try ObjectPaths(object, in: folder, format)
                // All of it may have been written before a run was resumed.
                if files[object] == nil, OpenFile.exists(paths.partial) {
                    files[object] = try open(paths)
                }
                try files[object]?.finish()
                try ContentFile.removeLeftovers(in: paths.contents)
                files[object] = nil
            }
        }
    }

    private func open(_ paths: ObjectPaths) throws(MigratezError) -> ObjectFile {
        try ObjectFile(paths, format, dialect, keysInMemory: keysInMemory)
    }

    /// Runs `body` with the object's file, opened for writing. Calls come one at a time; each ends after one batch.
    private func withFile<R>(of object: String, _ body: (ObjectFile) throws(MigratezError) -> R) throws -> R {
        let paths = try ObjectPaths(object, in: folder, format)
        return try files.withLock { files throws(MigratezError) -> R in
            let file: ObjectFile
            if let open = files[object] {
                file = open
            } else {
                // One object is written after the other: those before it need no memory meanwhile.
                for other in files.values { try other.rest() }
                file = try open(paths)
            }
            files[object] = file
            do throws(MigratezError) {
                return try body(file)
            } catch {
                // Whatever is half done is found and cut off on reopening.
                files[object] = nil
                throw error
            }
        }
    }

    /// Gives every record of the object once. A complete file is read as it is.
    private func scan(_ object: String, _ body: (borrowing FileRecord) -> Void) throws {
        let paths = try ObjectPaths(object, in: folder, format)
        if OpenFile.exists(paths.partial) {
            try withFile(of: object) { file throws(MigratezError) in try file.scan(body) }
        } else if OpenFile.exists(paths.complete) {
            try ObjectFile.scanComplete(paths.complete, format, dialect, body)
        }
    }
}

/// Where the files of one object lie.
struct ObjectPaths {
    let folder: String
    let complete: String
    let partial: String

    /// - Throws: `invalidSetting` if the object's name cannot be a file's name.
    init(_ object: String, in folder: String, _ format: FileFormat) throws(MigratezError) {
        let isPlain = object.utf8.allSatisfy {
            ($0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x7A) || ($0 >= 0x30 && $0 <= 0x39) || $0 == 0x5F || $0 == 0x2D
        }
        guard isPlain, !object.isEmpty else {
            throw MigratezError(
                .invalidSetting, "'\(object)' cannot be the name of a file", remedy: .fixConfiguration,
                hint: "use letters, digits, _ and - only")
        }
        self.folder = folder
        complete = "\(folder)/\(object).\(format.rawValue)"
        partial = complete + ".partial"
    }
}
