// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel
import MigratezStaging

/// The kinds of events and what each tells: from this the lines are made, and the schema that describes them.
///
/// Version 1. A field may be added in a version, and a kind, too; nothing is ever renamed, removed or given another
/// meaning. Events hold ids, counts and names, never values of records or secrets.
package enum EventCatalog {
    package static let version = 1

    /// What a field holds.
    package enum Form: Sendable, Equatable {
        case text
        case choice([String])
        case whole
        case decimal
        case texts
        /// RFC 3339, UTC.
        case time
    }

    package struct Field: Sendable, Equatable {
        package var name: String
        package var form: Form
        package var isRequired: Bool
        /// One sentence for the schema.
        package var meaning: String
    }

    package struct Kind: Sendable, Equatable {
        package var name: String
        package var meaning: String
        package var fields: [Field]
    }

    /// In every event.
    package static let common: [Field] = [
        required("run", .text, "the id of the run"),
        required("t", .time, "when it happened"),
    ]

    package static let kinds: [Kind] = [
        Kind(
            name: "start", meaning: "Work on the run begins, or goes on.",
            fields: [
                required("version", .text, "the version of the program"),
                required("plan", .text, "the digest of the pipeline"),
                required("pipeline", .text, "the name of the pipeline"),
                required("stages", .texts, "the stages that will be at work"),
            ]),
        Kind(
            name: "stage", meaning: "A stage begins with an object or has done all of it.",
            fields: [object, stage, required("state", .choice(StageState.allCases.map(\.rawValue)), "how far it is")]),
        Kind(
            name: "progress", meaning: "How far a stage is with an object; every few seconds, where it has moved.",
            fields: [
                object, stage, required("done", .whole, "records or links that have passed the stage"),
                optional("total", .whole, "how many there will be in all, if that can be known"),
                required("rate", .decimal, "records and links a second through the whole stage, of late"),
                optional("eta_s", .whole, "seconds until the object has passed every stage"),
                optional("limited_by", .choice(Bottleneck.allCases.map(\.rawValue)), "what the run waits for most"),
            ]),
        Kind(
            name: "chunk", meaning: "A chunk was sealed or has failed.",
            fields: [
                object, required("chunk", .text, "the name of the chunk"),
                required("state", .choice(ChunkState.allCases.map(\.rawValue)), "the state that it has now"),
                optional("records", .whole, "records or links in it"),
                optional("bytes", .whole, "bytes on the disk"),
                optional("code", .text, "why it has failed"),
            ]),
        Kind(
            name: "issue", meaning: "Records were rejected for one reason; the first is named.",
            fields: [
                object, stage, required("code", .text, "the reason"),
                required("count", .whole, "how many records"),
                optional("source_id", .text, "the id of the first, in the source"),
                required("row", .whole, "the number of the first, in the order in which they were read"),
                required("fields", .texts, "the fields that the reason is about"),
                optional("vendor_code", .text, "the destination's own code"),
                required("retry", .choice(RetryClass.allCases.map(\.rawValue)), "what a new attempt needs"),
            ]),
        Kind(
            name: "retry", meaning: "Requests failed or were turned down, and are sent again where that is safe.",
            fields: [
                required("side", .choice(["source", "target"]), "who was asked"),
                required("answer", .text, "a status such as 429, or a code such as MZ-NET-01"),
                required("count", .whole, "how many since the last such event"),
            ]),
        Kind(
            name: "pause", meaning: "The work stops; its state is saved, and it can be resumed.",
            fields: [
                required("reason", .choice(["request", "gate", "quota", "time"]), "why"),
                optional("by", .text, "who asked for it"), optional("code", .text, "the error code"),
                optional("until", .time, "from when on it can go on, if that is known"),
            ]),
        Kind(
            name: "summary", meaning: "The work has ended; always the last event.",
            fields: [
                required(
                    "status",
                    .choice(["done", "partial", "paused", "cancelled", "interrupted", "failed"]),
                    "how: done, done but for rejected records, or stopped"),
                required("exit", .whole, "the exit code of the program"),
                required("read", .whole, "records and links read"),
                required("loaded", .whole, "records and links created or updated in the destination"),
                required("merged", .whole, "duplicates that were merged"),
                required("filtered", .whole, "left out by the pipeline's conditions"),
                required("skipped", .whole, "left out by the pipeline's rules"),
                required("rejected", .whole, "records and links that were rejected"),
                required("seconds", .decimal, "how long the work took"),
                optional("code", .text, "the error code, if an error ended it"),
            ]),
    ]

    package static func kind(_ name: String) -> Kind? { kinds.first { $0.name == name } }

    private static let object = required("object", .text, "the object or the link")
    private static let stage = required("stage", .choice(Stage.allCases.map(\.rawValue)), "the stage")

    private static func required(_ name: String, _ form: Form, _ meaning: String) -> Field {
        Field(name: name, form: form, isRequired: true, meaning: meaning)
    }

    private static func optional(_ name: String, _ form: Form, _ meaning: String) -> Field {
        Field(name: name, form: form, isRequired: false, meaning: meaning)
    }
}

/// What it takes for a record to have a chance the next time.
package enum RetryClass: String, Sendable, CaseIterable {
    /// Nothing: it is tried again without being asked.
    case automatic
    /// Somebody mends the record, the mapping, a right or a rule.
    case afterFix = "after_fix"
    /// The window of the allowance begins anew.
    case afterWindow = "after_window"
    /// Nothing helps but a look at the program.
    case never

    package init(_ code: ErrorCode) {
        self =
            switch code.class {
            case .rate, .net, .lock: .automatic
            case .quota: .afterWindow
            case .bug: .never
            case .cfg, .auth, .perm, .req, .type, .len, .pick, .dup, .ref, .rule, .map, .delta, .subject, .src, .stage,
                .disk:
                .afterFix
            }
    }
}
