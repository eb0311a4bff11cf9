// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezJSON
import MigratezModel
package import MigratezStaging

/// The form in which the owner of a run writes down how it is going, for other processes to read.
extension ProgressSnapshot {
    /// The key of the manifest's note.
    static let noteKey = "progress"

    /// What the owner of a run wrote down last; `nil` if nobody has.
    package init?(_ view: ManifestView) throws {
        guard let text = try view.note(Self.noteKey), let json = try? JSONValue(parsing: Array(text.utf8)) else {
            return nil
        }
        self.init(json: json)
    }

    package var json: JSONValue {
        var members: [JSONValue.Member] = [
            .init("time", .number(String(time.milliseconds))),
            .init("stages", .array(stages.map { .string($0.rawValue) })),
            .init("staged", .number(String(counts.staged.bytes))),
            .init(
                "rates",
                .object(
                    rates.sorted { $0.key.rawValue < $1.key.rawValue }.map { rate in
                        .init(rate.key.rawValue, .number(String(rate.value)))
                    })),
            .init("limited_by", limitedBy.map { .string($0.rawValue) } ?? .null),
            .init("limit", limit.map { .string($0) } ?? .null), .init("left", timeToGo.json),
        ]
        members.append(
            .init(
                "streams",
                .array(
                    counts.streams.map { stream in
                        .object([
                            .init("name", .string(stream.name.text)), .init("link", .bool(stream.isLink)),
                            .init("rejected", .number(String(stream.rejected))),
                            .init("ready", .number(String(stream.ready))),
                            .init("expected", stream.expected.map { .number(String($0)) } ?? .null),
                            .init("left", (streamTimes[stream.name] ?? .unknown).json),
                            .init(
                                "stages",
                                .object(
                                    stream.stages.sorted { $0.key.rawValue < $1.key.rawValue }.map { stage in
                                        .init(
                                            stage.key.rawValue,
                                            .array([.number(String(stage.value.done)), .bool(stage.value.isComplete)]))
                                    })),
                        ])
                    })))
        return .object(members)
    }

    package init?(json: JSONValue) {
        guard let time = json["time"]?.int else { return nil }
        var counts = ProgressCounts([])
        var times: [StreamName: TimeToGo] = [:]
        for item in json["streams"]?.elements ?? [] {
            guard let name = item["name"]?.text.flatMap({ StreamName($0) }) else { return nil }
            var stream = ProgressCounts.Stream(name, isLink: item["link"]?.bool ?? false)
            stream.rejected = item["rejected"]?.int ?? 0
            stream.ready = item["ready"]?.int ?? 0
            stream.expected = item["expected"]?.int
            for stage in item["stages"]?.members ?? [] {
                guard let key = Stage(rawValue: stage.key) else { return nil }
                stream[key] = .init(done: stage.value[0]?.int ?? 0, isComplete: stage.value[1]?.bool ?? false)
            }
            counts.streams.append(stream)
            times[name] = TimeToGo(item["left"])
        }
        counts.staged = ByteCount(json["staged"]?.int ?? 0)
        self.init(
            time: Timestamp(milliseconds: Int64(time)),
            stages: (json["stages"]?.elements ?? []).compactMap { $0.text.flatMap(Stage.init(rawValue:)) },
            counts: counts)
        for rate in json["rates"]?.members ?? [] {
            if let stage = Stage(rawValue: rate.key) { rates[stage] = rate.value.text.flatMap(Double.init) }
        }
        limitedBy = json["limited_by"]?.text.flatMap(Bottleneck.init(rawValue:))
        limit = json["limit"]?.text
        timeToGo = TimeToGo(json["left"])
        streamTimes = times
    }
}

extension TimeToGo {
    fileprivate var json: JSONValue {
        switch self {
        case .unknown: .null
        case .waiting: "waiting"
        case .done: "done"
        case .atLeast(let seconds): .array([.number(String(seconds))])
        case .seconds(let range):
            .array([.number(String(range.lowerBound)), .number(String(range.upperBound))])
        }
    }

    fileprivate init(_ json: JSONValue?) {
        switch json {
        case "waiting"?: self = .waiting
        case "done"?: self = .done
        default:
            let bounds = (json?.elements ?? []).compactMap { $0.text.flatMap(Double.init) }
            switch bounds.count {
            case 1: self = .atLeast(bounds[0])
            case 2 where bounds[0] <= bounds[1]: self = .seconds(bounds[0]...bounds[1])
            default: self = .unknown
            }
        }
    }
}
