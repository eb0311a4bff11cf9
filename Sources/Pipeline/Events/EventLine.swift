// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezJSON
package import MigratezModel
package import MigratezStaging

/// One event as one line of JSON.
package struct EventLine: Sendable, Equatable {
    package let json: JSONValue

    /// `{"v":1,"type":…,"run":…,"t":…}` and what the kind tells besides, in the order of the catalog.
    init(_ kind: EventCatalog.Kind, run: RunID, time: Timestamp, _ details: [String: JSONValue]) {
        var members: [JSONValue.Member] = [
            .init("v", .number(String(EventCatalog.version))), .init("type", .string(kind.name)),
            .init("run", .string(run.text)), .init("t", .string(time.description)),
        ]
        for field in kind.fields {
            if let value = details[field.name], !value.isNull { members.append(.init(field.name, value)) }
        }
        json = .object(members)
    }

    /// The line without its end.
    package var text: String { String(decoding: json.serialized(), as: UTF8.self) }

    /// `12:00:01 contact load 1,200 of 2,000`: the event for people.
    package var summary: String {
        let type = json["type"]?.text ?? ""
        let skipped: Set = ["v", "type", "run", "t", "object", "stage"]
        let subject = [json["object"]?.text, json["stage"]?.text].compactMap { $0 }
        let details = json.members.filter { !skipped.contains($0.key) }.map { member in
            let value =
                switch member.value {
                case .array(let items): items.compactMap(\.text).joined(separator: ",")
                default: member.value.text ?? String(decoding: member.value.serialized(), as: UTF8.self)
                }
            return "\(member.key)=\(value)"
        }
        let time = json["t"]?.text?.prefix(19) ?? ""
        return ([String(time), type] + subject + details).joined(separator: "  ")
    }
}

extension EventLine {
    /// An event that the manifest keeps; `nil` if it is of a kind that this version does not know.
    package init?(_ event: RunEvent, run: RunID) {
        guard let kind = EventCatalog.kind(event.name) else { return nil }
        var details: [String: JSONValue] = [:]
        if let detail = event.detail, let parsed = try? JSONValue(parsing: Array(detail.utf8)) {
            for member in parsed.members { details[member.key] = member.value }
        }
        details["object"] = event.stream.map { .string($0.text) }
        details["code"] = event.code.map { .string($0) }
        if kind.name == "issue", let code = ErrorCode.all.first(where: { $0.description == event.code }) {
            details["retry"] = .string(RetryClass(code).rawValue)
        }
        self.init(kind, run: run, time: event.time, details)
    }

    /// What has moved between two looks at a run, one line for each object and stage.
    package static func progress(
        _ snapshot: ProgressSnapshot, since last: ProgressSnapshot?, run: RunID
    ) -> [EventLine] {
        guard let kind = EventCatalog.kind("progress") else { return [] }
        var lines: [EventLine] = []
        for stream in snapshot.counts.streams {
            let earlier = last?.counts.stream(stream.name)
            for stage in snapshot.stages where stream[stage].done != earlier?[stage].done ?? 0 {
                var details: [String: JSONValue] = [
                    "object": .string(stream.name.text), "stage": .string(stage.rawValue),
                    "done": .number(String(stream[stage].done)),
                    "rate": .number(String(Int((snapshot.rates[stage] ?? 0).rounded()))),
                ]
                details["total"] = stream.total(of: stage).map { .number(String($0)) }
                if case .seconds(let range)? = snapshot.streamTimes[stream.name] {
                    details["eta_s"] = .number(String(Int(range.middle.rounded())))
                }
                details["limited_by"] = snapshot.limitedBy.map { .string($0.rawValue) }
                lines.append(EventLine(kind, run: run, time: snapshot.time, details))
            }
        }
        return lines
    }
}
