// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCSV
import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// The file of one object in a folder that is written to.
///
/// It is opened when it is first needed: read through once, the torn end of a crash cut off, and its keys noted, so that a
/// key that comes again is known to be an update.
///
/// On the disk: `<name>.partial` = lines of JSON, the last one for a key counts · `<name>` = complete · `<name>.new` =
/// the complete file while it is made; of no meaning after a crash.
///
/// `@unchecked Sendable` is sound because `FileDestination` calls it only while it holds its lock, and keeps it in
/// what that lock protects.
final class ObjectFile: @unchecked Sendable {
    private let format: FileFormat
    private let dialect: CSVDialect
    private let paths: ObjectPaths
    private let partial: OpenFile
    /// The length of the partial file, whole lines only.
    private var end = 0
    private var lineCount = 0
    private let keys: KeyIndex
    /// Lines whose record was written again further down.
    private var superseded = LineSet()

    /// - Parameter keysInMemory: how many of the newest keys are held in memory.
    init(
        _ paths: ObjectPaths, _ format: FileFormat, _ dialect: CSVDialect, keysInMemory: Int
    ) throws(MigratezError) {
        self.format = format
        self.dialect = dialect
        self.paths = paths
        keys = KeyIndex(scratchPath: paths.complete + ".keys", recentMax: keysInMemory)
        try OpenFile.makeFolder(paths.folder)
        if !OpenFile.exists(paths.partial), OpenFile.exists(paths.complete) {
            try ObjectFile.reopen(paths, format, dialect)
        }
        partial = try OpenFile(paths.partial, .append)
        try recover()
    }

    /// Appends the rows and returns when they are on the disk. A row with a `targetID` changes the fields that it names
    /// of that record, and no others.
    func write(_ rows: [Batch.Row]) throws(MigratezError) -> [Receipt] {
        let changed = try members(of: Set(rows.compactMap(\.targetID)))
        var lines: [UInt8] = []
        var receipts: [Receipt] = []
        for row in rows {
            guard let id = row.targetID else {
                FileLine.append(row, to: &lines)
                receipts.append(
                    Receipt(key: row.key, result: try note(row.key) ? .created(id: row.key) : .updated(id: row.key)))
                continue
            }
            guard let members = changed[id] else {
                receipts.append(Receipt(key: row.key, result: .rejected(Rejection(.recordDeleted))))
                continue
            }
            FileLine.append(FileLine.merged(row, id: id, into: members), to: &lines)
            _ = try note(id)
            receipts.append(Receipt(key: row.key, result: .updated(id: id)))
        }
        try partial.write(lines, at: end)
        try partial.synchronize()
        end += lines.count
        return receipts
    }

    /// What the file holds of these records, by key.
    private func members(of keys: Set<String>) throws(MigratezError) -> [String: [JSONValue.Member]] {
        guard !keys.isEmpty else { return [:] }
        var found: [String: [JSONValue.Member]] = [:]
        try scan { record throws(MigratezError) in
            if keys.contains(record.key) { found[record.key] = JSONValue(validated: record.line).members }
        }
        return found
    }

    /// Gives every record to `body`; of a key that was written again, the last one.
    func scan(_ body: (borrowing FileRecord) throws(MigratezError) -> Void) throws(MigratezError) {
        var line = 0
        try ObjectFile.scan(paths.partial) { record throws(MigratezError) in
            if !self.superseded.contains(line) { try body(record) }
            line += 1
        }
    }

    /// Gives back memory until the next write.
    func rest() throws(MigratezError) { try keys.rest() }

    /// Makes the complete file and removes the partial one.
    func finish() throws(MigratezError) {
        guard format == .csv || !superseded.isEmpty else {
            return try OpenFile.move(paths.partial, to: paths.complete)
        }
        let newPath = paths.complete + ".new"
        do {
            let output = try OpenFile(newPath, .replace)
            var sink = FileSink(path: newPath)
            switch format {
            case .csv:
                var export = CSVExport(dialect, columns: try columns())
                export.writeHeader(to: &sink)
                try scan { record throws(MigratezError) in
                    export.write(record, to: &sink)
                    try sink.flush(to: output, ifOver: FileSink.blockBytes)
                }
            case .ndjson:
                try scan { record throws(MigratezError) in
                    appendLine(record.line, to: &sink.bytes)
                    try sink.flush(to: output, ifOver: FileSink.blockBytes)
                }
            }
            try sink.flush(to: output, ifOver: 0)
            try output.synchronize()
        }
        try OpenFile.move(newPath, to: paths.complete)
        try OpenFile.remove(paths.partial)
    }

    // MARK: Removing

    /// Replaces the object's file by one without the records of these keys, and returns the keys that were there.
    ///
    /// After a crash it is the old file or the new one. A file that would hold no record is removed.
    static func remove(
        _ keys: Set<String>, _ paths: ObjectPaths, _ format: FileFormat, _ dialect: CSVDialect
    ) throws(MigratezError) -> Set<String> {
        let isPartial = OpenFile.exists(paths.partial)
        guard isPartial || OpenFile.exists(paths.complete) else { return [] }
        let path = isPartial ? paths.partial : paths.complete
        let newPath = path + ".new"
        var removed: Set<String> = []
        var keptCount = 0
        do throws(MigratezError) {
            let output = try OpenFile(newPath, .replace)
            var sink = FileSink(path: newPath)
            var export: CSVExport?
            func take(_ record: borrowing FileRecord) throws(MigratezError) {
                guard !keys.contains(record.key) else {
                    removed.insert(record.key)
                    return
                }
                keptCount += 1
                if isPartial || format == .ndjson {
                    appendLine(record.line, to: &sink.bytes)
                } else {
                    if export == nil {
                        export = CSVExport(dialect, columns: record.index.fieldNames)
                        export?.writeHeader(to: &sink)
                    }
                    export?.write(record, to: &sink)
                }
                try sink.flush(to: output, ifOver: FileSink.blockBytes)
            }
            if isPartial {
                try scan(path, take)
            } else {
                try scanComplete(path, format, dialect, take)
            }
            try sink.flush(to: output, ifOver: 0)
            try output.synchronize()
        } catch {
            try OpenFile.remove(newPath)
            throw error
        }
        guard !removed.isEmpty, keptCount > 0 else {
            try OpenFile.remove(newPath)
            if keptCount == 0, !removed.isEmpty {
                // The complete file that a partial one goes on from holds the same records.
                if isPartial, OpenFile.exists(paths.complete) { try OpenFile.remove(paths.complete) }
                try OpenFile.remove(path)
            }
            return removed
        }
        try OpenFile.move(newPath, to: path)
        return removed
    }

    // MARK: Opening

    /// Cuts off what follows the last whole line and takes note of all keys.
    ///
    /// A line that is no record can only be one of a batch that was cut off, because each batch is flushed before the
    /// next one is begun: what was confirmed to anybody lies before it.
    private func recover() throws(MigratezError) {
        end = try ObjectFile.scan(paths.partial) { record throws(MigratezError) in _ = try self.note(record.key) }
        guard try partial.size > end else { return }
        try partial.truncate(to: end)
        try partial.synchronize()
    }

    /// Notes the key of the next line. Whether it is new.
    private func note(_ key: String) throws(MigratezError) -> Bool {
        let earlier = try keys.note(key, line: lineCount)
        lineCount += 1
        if let earlier { superseded.insert(earlier) }
        return earlier == nil
    }

    /// Turns the complete file of an earlier run into lines again, to go on with.
    private static func reopen(
        _ paths: ObjectPaths, _ format: FileFormat, _ dialect: CSVDialect
    ) throws(MigratezError) {
        let newPath = paths.partial + ".new"
        do throws(MigratezError) {
            let output = try OpenFile(newPath, .replace)
            var sink = FileSink(path: newPath)
            try scanComplete(paths.complete, format, dialect) { record throws(MigratezError) in
                appendLine(record.line, to: &sink.bytes)
                try sink.flush(to: output, ifOver: FileSink.blockBytes)
            }
            try sink.flush(to: output, ifOver: 0)
            try output.synchronize()
        } catch {
            // Nothing of ours stays beside a file that somebody else wrote.
            try OpenFile.remove(newPath)
            throw error
        }
        try OpenFile.move(newPath, to: paths.partial)
    }

    /// Gives every record of a complete file; refuses a file that was not written here.
    static func scanComplete(
        _ path: String, _ format: FileFormat, _ dialect: CSVDialect,
        _ body: (borrowing FileRecord) throws(MigratezError) -> Void
    ) throws(MigratezError) {
        switch format {
        case .csv: try CSVExport.read(path, dialect, body)
        case .ndjson:
            let input = try OpenFile(path, .read)
            let whole = try scan(path, body)
            guard try input.size == whole else { throw notOurs(path) }
        }
    }

    static func notOurs(_ path: String) -> MigratezError {
        MigratezError(
            .invalidSetting, "\(path) exists and was not written by Migratez", remedy: .fixConfiguration,
            hint: "move it away, or name another folder")
    }

    // MARK: Scanning

    /// Gives the records up to the first line that is none; returns where they end.
    @discardableResult
    private static func scan(
        _ path: String, _ body: (borrowing FileRecord) throws(MigratezError) -> Void
    ) throws(MigratezError) -> Int {
        var lines = LineReader(try FileContent(path), lineBytesMax: .MiB(20))
        var record = FileRecord()
        var end = 0
        while let line = try lines.next(), line.isTerminated, !line.isTooLong {
            let isRecord = try line.bytes.withUnsafeBufferPointer { bytes throws(MigratezError) -> Bool in
                guard record.take(bytes) else { return false }
                try body(record)
                return true
            }
            guard isRecord else { break }
            end = line.end
        }
        return end
    }

    /// The names of all members, in the order in which they first occur.
    private func columns() throws(MigratezError) -> [String] {
        var columns = [FileDestination.keyField]
        var known = Set(columns)
        try scan { record throws(MigratezError) in
            for name in record.index.fieldNames where known.insert(name).inserted { columns.append(name) }
        }
        return columns
    }
}

/// Gathers small pieces for a file into large writes.
struct FileSink {
    let path: String
    var bytes: [UInt8] = []
    private var offset = 0

    init(path: String) { self.path = path }

    mutating func flush(to file: borrowing OpenFile, ifOver limit: Int) throws(MigratezError) {
        guard bytes.count > limit else { return }
        try file.write(bytes, at: offset)
        offset += bytes.count
        bytes.removeAll(keepingCapacity: true)
    }

    static let blockBytes = 256 << 10
}
