// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// A tap that is under way with one stream.
struct TapSession: Sendable {
    private let child: ChildProcess
    /// The files that the tap was given; they are removed with the session.
    private let folder: PrivateFolder
    private let stream: StreamName
    private var lines = OutputLines()
    private var reading: TapReading

    init(
        _ child: ChildProcess, _ folder: PrivateFolder, of stream: StreamName, _ reading: TapReading
    ) {
        self.child = child
        self.folder = folder
        self.stream = stream
        self.reading = reading
    }

    var place: TapPlace { reading.place }
    var isKeyed: Bool { reading.isKeyed }

    /// The next page. After the last one the tap has ended well, or this throws.
    mutating func page() async throws -> Page {
        var page = TapPage()
        var index = RecordIndex(fields: nil)
        while !page.isFull {
            guard let line = try await nextLine() else {
                try await checkEnd()
                return page.page(next: nil)
            }
            // Where a state is told is a good place to begin again, and one that another process finds as well.
            let isStop = try reading.take(line, &index, into: &page)
            if isStop, page.count >= TapPage.recordsWorthwhile { break }
        }
        return page.page(next: reading.place.cursor)
    }

    /// What a tap gives that was started to get to a place.
    enum Course {
        /// The same records as before.
        case same
        case other
        /// It has ended before the place.
        case fewer
    }

    /// Passes over what was read before.
    mutating func catchUp(with place: TapPlace) async throws -> Course {
        var index = RecordIndex(fields: nil)
        while reading.place.since < place.since {
            var passed = TapPage()
            guard let line = try await nextLine() else {
                try await checkEnd()
                return .fewer
            }
            _ = try reading.take(line, &index, into: &passed, isCatchingUp: true)
        }
        return reading.place == place ? .same : .other
    }

    private mutating func nextLine() async throws -> OutputLines.Line? {
        while true {
            if let line = lines.next() { return line }
            guard let bytes = try await child.read() else { return lines.last() }
            lines.append(bytes)
        }
    }

    private func checkEnd() async throws {
        let ending = try await child.end()
        guard ending == .exit(code: 0) else {
            throw child.failure(
                .serverFailed, "\(ending) after \(reading.place.records) records of '\(stream)'",
                remedy: .retry(after: nil), hint: "mend what it complains of; `migratez resume` goes on behind them")
        }
        guard reading.hasSchema else {
            throw child.failure(
                .brokenResponse, "has ended without a word of the stream for '\(stream)'", remedy: .fixConfiguration,
                hint: "does it heed the catalog? Try `catalog_option: properties`")
        }
    }
}
