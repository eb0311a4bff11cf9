// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import Logging
import MigratezJSON
package import MigratezModel

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// How log lines are written.
package enum LogFormat: String, Sendable, CaseIterable {
    /// `2026-11-23T15:00:00.000Z info start run=7f3a…`
    case text
    /// One JSON object a line.
    case json
}

/// Writes each log entry as one line. Metadata are ids, counts and codes; whoever logs keeps values and secrets out.
package struct LineLog: LogHandler {
    package var metadata: Logger.Metadata = [:]
    package var logLevel: Logger.Level
    private let format: LogFormat
    private let clock: any WallClock
    private let write: @Sendable (String) -> Void

    /// - Parameter write: gets each line with its end.
    package init(
        _ format: LogFormat, level: Logger.Level, clock: any WallClock, write: @escaping @Sendable (String) -> Void
    ) {
        self.format = format
        self.clock = clock
        self.write = write
        logLevel = level
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { _, new in new }
        let members = all.sorted { $0.key < $1.key }.map { ($0.key, "\($0.value)") }
        switch format {
        case .text:
            let details = members.map { " \($0)=\(Self.quoted($1))" }.joined()
            write("\(clock.now) \(event.level) \(event.message)\(details)\n")
        case .json:
            var writer = JSONWriter()
            writer.beginObject()
            for (key, value) in [
                ("t", clock.now.description), ("level", event.level.rawValue),
                ("message", event.message.description),
            ] + members {
                writer.key(key)
                writer.string(value)
            }
            writer.endObject()
            write(String(decoding: writer.bytes, as: UTF8.self) + "\n")
        }
    }

    /// A value that holds nothing which ends it stands as it is.
    private static func quoted(_ value: String) -> String {
        guard value.isEmpty || value.contains(where: { $0 == " " || $0 == "\"" || $0 == "=" || $0.isNewline }) else {
            return value
        }
        return String(decoding: JSONValue.string(value).serialized(), as: UTF8.self)
    }
}

/// A file that lines are appended to; each line is one write(2), so that lines of several processes do not mix.
final class LogFile: Sendable {
    private let descriptor: Int32

    init(_ path: String) throws(MigratezError) {
        descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw MigratezError(
                .fileNotFound, "cannot write \(path): \(String(cString: strerror(errno)))", remedy: .fixConfiguration,
                hint: "look at --log-file")
        }
    }

    deinit { close(descriptor) }

    /// A line that cannot be written is lost: the log must not end the work.
    func write(_ line: String) {
        let bytes = Array(line.utf8)
        _ = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
    }
}
