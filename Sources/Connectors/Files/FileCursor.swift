// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCSV
import MigratezModel

/// A place in the files of an object.
struct SeriesPlace {
    /// The number of the file, from 0.
    var part = 0
    /// Where in it.
    var position = CSVPosition.start
    /// How many rows the files before it have, their headers not counted.
    var rowsBefore = 0
}

/// A place, and what the files were when it was noted: `<byte>:<row>:<line>:<size of the file>`, and where there may be
/// several files `:<number of the file>:<rows before it>:<how many files>:<fingerprint>` as well.
///
/// Files that have changed since cannot be gone on with: their rows may have moved.
struct FileCursor {
    let place: SeriesPlace
    private let partBytes: Int
    private let series: (count: Int, fingerprint: Int)?

    init(_ place: SeriesPlace, in series: FileSeries) {
        self.place = place
        partBytes = series.parts[place.part].bytes
        self.series = series.isSeries ? (series.parts.count, series.fingerprint) : nil
    }

    init(parsing cursor: Cursor) throws(MigratezError) {
        let texts = cursor.text.split(separator: ":", omittingEmptySubsequences: false)
        let parts = texts.compactMap { Int($0) }
        guard parts.count == texts.count, parts.count == 4 || parts.count == 8, parts.allSatisfy({ $0 >= 0 }) else {
            throw MigratezError(.internalError, "'\(cursor.text)' is not a place in a file")
        }
        var place = SeriesPlace(position: CSVPosition(byte: parts[0], row: parts[1], line: parts[2]))
        partBytes = parts[3]
        if parts.count == 8 { (place.part, place.rowsBefore) = (parts[4], parts[5]) }
        series = parts.count == 8 ? (parts[6], parts[7]) : nil
        self.place = place
    }

    var cursor: Cursor {
        let position = place.position
        let text = "\(position.byte):\(position.row):\(position.line):\(partBytes)"
        guard let series else { return Cursor(text) }
        return Cursor("\(text):\(place.part):\(place.rowsBefore):\(series.count):\(series.fingerprint)")
    }

    /// Fails if the files are not those of when the place was noted.
    func check(_ now: FileSeries) throws(MigratezError) {
        if let series, now.isSeries, series.count != now.parts.count {
            throw changed("\(now.location) held \(series.count) files when it was first read, \(now.parts.count) now")
        }
        guard (series != nil) == now.isSeries, now.parts.indices.contains(place.part),
            now.parts[place.part].bytes == partBytes
        else {
            let path = now.parts.indices.contains(place.part) ? now.parts[place.part].path : now.location
            throw changed("\(path) has changed since it was read up to line \(place.position.line - 1)")
        }
        if let series, series.fingerprint != now.fingerprint {
            throw changed("a file of \(now.location) has another name or length than when it was first read")
        }
    }

    private func changed(_ message: String) -> MigratezError {
        MigratezError(
            .invalidSetting, message, remedy: .fixConfiguration,
            hint: "put the old files back and resume, or start a new run")
    }
}
