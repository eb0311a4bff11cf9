// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel

/// Entries in their order, one for each key, in a file without a name.
///
/// The first entry of each block is kept in memory (a 256th of all), so that one read of 4 KiB tells whether a key is
/// there; of most keys that are not, the filter tells it without one.
final class KeyRun {
    let count: Int
    private let file: OpenFile
    private let firstEntries: [KeyEntry]
    private let filter: KeyFilter?

    private static let entryBytes = MemoryLayout<UInt128>.size
    private static let blockEntries = 256
    private static let blockBytes = blockEntries * entryBytes

    private init(_ file: consuming OpenFile, count: Int, firstEntries: [KeyEntry], filter: KeyFilter?) {
        self.file = file
        self.count = count
        self.firstEntries = firstEntries
        self.filter = filter
    }

    /// Writes a run.
    ///
    /// - Parameter entries: in their order, no two of the same key.
    static func write(_ entries: [KeyEntry], scratchPath: String) throws(MigratezError) -> KeyRun {
        var writer = try Writer(scratchPath, entriesMax: entries.count)
        for entry in entries { try writer.append(entry) }
        return try writer.finish()
    }

    /// Joins two runs; where both have a key, the entry of the newer one stays.
    static func merge(_ older: KeyRun, _ newer: KeyRun, scratchPath: String) throws(MigratezError) -> KeyRun {
        var writer = try Writer(scratchPath, entriesMax: older.count + newer.count)
        var (a, b) = (Reader(older), Reader(newer))
        var (first, second) = (try a.next(), try b.next())
        while let old = first, let new = second {
            if old.key == new.key {
                first = try a.next()
            } else if old < new {
                try writer.append(old)
                first = try a.next()
            } else {
                try writer.append(new)
                second = try b.next()
            }
        }
        while let old = first {
            try writer.append(old)
            first = try a.next()
        }
        while let new = second {
            try writer.append(new)
            second = try b.next()
        }
        return try writer.finish()
    }

    /// The entry of the same key.
    func find(_ entry: KeyEntry) throws(MigratezError) -> KeyEntry? {
        if let filter, !filter.mayHold(entry) { return nil }
        var (low, high) = (0, firstEntries.count)
        while low < high {
            let middle = (low + high) / 2
            if firstEntries[middle].key <= entry.key { low = middle + 1 } else { high = middle }
        }
        guard low > 0 else { return nil }
        let bytes = try file.read(KeyRun.blockBytes, at: (low - 1) * KeyRun.blockBytes)
        return bytes.withUnsafeBytes { bytes in
            var (low, high) = (0, bytes.count / KeyRun.entryBytes)
            while low < high {
                let middle = (low + high) / 2
                let found = KeyRun.entry(bytes, middle)
                if found.key == entry.key { return found }
                if found.key < entry.key { low = middle + 1 } else { high = middle }
            }
            return nil
        }
    }

    private static func entry(_ bytes: UnsafeRawBufferPointer, _ i: Int) -> KeyEntry {
        KeyEntry(bits: bytes.loadUnaligned(fromByteOffset: i * entryBytes, as: UInt128.self))
    }

    private struct Writer: ~Copyable {
        private let file: OpenFile
        private var sink: FileSink
        private var count = 0
        private var firstEntries: [KeyEntry] = []
        private var filter: KeyFilter?

        init(_ path: String, entriesMax: Int) throws(MigratezError) {
            filter = entriesMax <= KeyFilter.keysMax ? KeyFilter(keys: entriesMax) : nil
            file = try OpenFile(path, .nameless)
            sink = FileSink(path: path)
        }

        mutating func append(_ entry: KeyEntry) throws(MigratezError) {
            if count.isMultiple(of: KeyRun.blockEntries) { firstEntries.append(entry) }
            count += 1
            filter?.insert(entry)
            withUnsafeBytes(of: entry.bits) { sink.bytes.append(contentsOf: $0) }
            try sink.flush(to: file, ifOver: FileSink.blockBytes)
        }

        consuming func finish() throws(MigratezError) -> KeyRun {
            try sink.flush(to: file, ifOver: 0)
            return KeyRun(file, count: count, firstEntries: firstEntries, filter: filter)
        }
    }

    private struct Reader {
        private let run: KeyRun
        private var bytes: [UInt8] = []
        private var i = 0
        private var offset = 0

        init(_ run: KeyRun) { self.run = run }

        mutating func next() throws(MigratezError) -> KeyEntry? {
            if i * KeyRun.entryBytes == bytes.count {
                bytes = try run.file.read(FileSink.blockBytes, at: offset)
                offset += bytes.count
                i = 0
                guard !bytes.isEmpty else { return nil }
            }
            defer { i += 1 }
            return bytes.withUnsafeBytes { KeyRun.entry($0, i) }
        }
    }
}
