// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezPipeline
import MigratezStaging
import MigratezSyntheticCRM
import MigratezTestKit
import MigratezTransform
import Synchronization
import Testing

/// A spell of work: what it tells, and how others end it.
@Suite(.serialized) struct `A session` {
    /// Keeps what it is told; on the first look it does something once.
    private final class Listener: SessionObserver {
        private let told = Mutex<(lines: [EventLine], snapshots: [ProgressSnapshot])>(([], []))
        private let onFirstLook: @Sendable () -> Void

        init(onFirstLook: @escaping @Sendable () -> Void = {}) { self.onFirstLook = onFirstLook }

        var lines: [EventLine] { told.withLock { $0.lines } }
        var snapshots: [ProgressSnapshot] { told.withLock { $0.snapshots } }

        func show(_ snapshot: ProgressSnapshot) {
            let isFirst = told.withLock { told in
                told.snapshots.append(snapshot)
                return told.snapshots.count == 1
            }
            if isFirst { onFirstLook() }
        }

        func tell(_ event: EventLine) { told.withLock { $0.lines.append(event) } }
    }

    private static let stages: Set<Stage> = [.extract, .transform, .load]

    private static func session(
        _ run: Run, _ setup: RunSetup, _ change: (inout SessionLimits) -> Void = { _ in }
    ) -> RunSession {
        var limits = SessionLimits()
        change(&limits)
        return RunSession(run, setup, stages, limits: limits, version: "test") { end in
            if case .done(let rejected) = end { rejected > 0 ? 3 : 0 } else { 4 }
        }
    }

    @Test func `tells events that fit the schema, and ends with a summary that adds up`() async throws {
        try await MainJobWorld.with(records: 600, sourceFaults: "status:503=0.3") { world in
            let (run, setup) = try await world.begin()
            let listener = Listener()
            let result = try await Self.session(run, setup).execute(observer: listener)
            let lines = listener.lines
            let checker = SchemaChecker(EventSchema.json)
            for line in lines {
                let parsed = try JSONValue(parsing: Array(line.text.utf8))
                #expect(checker.problems(with: parsed).isEmpty, "\(line.text)")
                #expect(parsed["run"]?.text == run.id.text)
            }
            let types = lines.compactMap { $0.json["type"]?.text }
            #expect(types.first == "start" && types.last == "summary")
            #expect(Set(types).isSuperset(of: ["start", "stage", "chunk", "issue", "retry", "progress", "summary"]))
            let summary = try #require(lines.last?.json)
            let rejected = result.balances.reduce(0) { $0 + $1[.rejected] }
            #expect(summary["rejected"]?.int == rejected && rejected > 0)
            #expect(summary["exit"] == 3 && summary["status"] == "partial")
            let issues = lines.filter { $0.json["type"] == "issue" }.reduce(0) { $0 + ($1.json["count"]?.int ?? 0) }
            #expect(issues > 0 && issues <= rejected, "lookups that are rejected with their record are no issues")
            // No value of a record, no secret: the text of all events is searched for what was planted and for names.
            let text = lines.map(\.text).joined()
            #expect(!text.contains(MainJobWorld.token) && !text.contains(MainJobWorld.secret))
            for index in 0..<20 {
                for field in [Contact.Field.email, .lastname, .phone] {
                    guard let value = world.crm.contact(at: index)[field], value.count > 5 else { continue }
                    #expect(!text.contains(value))
                }
            }
            // What was told is what the log keeps, in the same words.
            let kept = try await run.staging.manifest.read { try $0.events(limit: 10_000) }
            #expect(
                kept.compactMap { EventLine($0, run: run.id) } == lines.filter { $0.json["type"] != "progress" })
            let last = try #require(listener.snapshots.last)
            for stream in last.counts.streams {
                for stage in [Stage.extract, .transform, .load] {
                    #expect(stream[stage].isComplete, "\(stream.name) \(stage)")
                    #expect(stream[stage].done <= result.balances.first { $0.stream.name == stream.name }?.read ?? 0)
                }
                #expect(last.streamTimes[stream.name] == .done)
            }
            try await run.close()
        }
    }

    @Test func `is paused on request, says so, and is resumed to the end`() async throws {
        try await MainJobWorld.with(records: 1500) { world in
            let (run, setup) = try await world.begin()
            let folder = run.staging.folder
            let listener = Listener {
                do { _ = try RunControl.ask(RunRequest(.pause, by: "grace"), of: folder) } catch { Issue.record(error) }
            }
            await #expect(throws: RunStop.paused(by: "grace")) {
                _ = try await Self.session(run, setup).execute(observer: listener)
            }
            let status = try await run.staging.manifest.read { try $0.run() }
            #expect(status.activity == .paused)
            #expect(status.activityMessage == "on request of grace")
            #expect(listener.lines.last?.json["status"] == "paused")
            #expect(listener.lines.contains { $0.json["type"] == "pause" && $0.json["by"] == "grace" })
            try await run.close()

            let (again, setupAgain) = try await world.reopen()
            let result = try await Self.session(again, setupAgain).execute(observer: Listener())
            for balance in result.balances { #expect(balance.isClosed, "\(balance.stream.name)") }
            #expect(try await again.staging.manifest.read { try $0.run().activity } == .finished)
            try await again.close()
        }
    }

    @Test func `is cancelled for good`() async throws {
        try await MainJobWorld.with(records: 1500) { world in
            let (run, setup) = try await world.begin()
            let folder = run.staging.folder
            let listener = Listener {
                do { _ = try RunControl.ask(RunRequest(.cancel, by: "grace"), of: folder) } catch {
                    Issue.record(error)
                }
            }
            await #expect(throws: RunStop.cancelled(by: "grace")) {
                _ = try await Self.session(run, setup).execute(observer: listener)
            }
            try await run.close()
            for attempt in 1...2 {
                let (again, setupAgain) = try await world.reopen()
                let error = await #expect(throws: MigratezError.self) {
                    _ = try await Self.session(again, setupAgain).execute(observer: Listener())
                }
                #expect(error?.code == .wrongRunState, "attempt \(attempt)")
                #expect(try await again.staging.manifest.read { try $0.run().activity } == .cancelled)
                try await again.close()
            }
        }
    }

    @Test func `a run that nobody works on is paused or cancelled by whoever asks`() async throws {
        try await MainJobWorld.with(records: 200) { world in
            let (run, _) = try await world.begin()
            let folder = run.staging.folder
            try await run.note(.active)
            try await run.close()
            #expect(try RunControl.ask(RunRequest(.pause, by: "grace"), of: folder) == nil)
            try await RunControl.withManifest(of: folder) { try await $0.commit { try $0.stop(.pause, by: "grace") } }
            let inspection = try RunInspection(folder)
            #expect(try await inspection.manifest.read { try $0.run().activity } == .paused)
            try await RunControl.withManifest(of: folder) { try await $0.commit { try $0.stop(.cancel, by: "grace") } }
            #expect(try await inspection.manifest.read { try $0.run().activity } == .cancelled)
            #expect(try await inspection.manifest.read { try $0.auditEntries().map(\.actor) } == ["grace"])
        }
    }

    @Test func `ends when its time is over, and can be resumed`() async throws {
        try await MainJobWorld.with(records: 1500) { world in
            let (run, setup) = try await world.begin()
            let error = await #expect(throws: MigratezError.self) {
                _ = try await Self.session(run, setup) { $0.durationMax = .milliseconds(1) }
                    .execute(observer: Listener())
            }
            #expect(error?.code == .timeUsedUp)
            #expect(try await run.staging.manifest.read { try $0.run().activity } == .paused)
            try await run.close()
        }
    }

    @Test func `of a selection moves only that, and the run stays with it`() async throws {
        try await MainJobWorld.with(records: 600) { world in
            var overrides = PlanOverrides()
            overrides.selection = ObjectSelection(selected: ["+contact"])
            overrides.chunkRecordsMax = 10
            let connection = try await PlanConnection.open(world.pipeline, in: world.workplace, overrides: overrides)
            #expect(Set(connection.plan.transform.objects.map(\.stream.text)) == ["company", "contact"])
            #expect(connection.plan.staging.chunkRecordsMax == 10)
            let run = try await Run.begin(connection, in: world.workplace) { _ in }
            let setup = try await RunSetup.discover(
                connection.plan, source: connection.source, destination: connection.destination)
            try await run.close()
            let (again, _) = try await world.reopen()
            #expect(Set(again.plan.transform.objects.map(\.stream.text)) == ["company", "contact"])
            let result = try await Self.session(again, setup).execute(observer: Listener())
            for balance in result.balances { #expect(balance.isClosed, "\(balance.stream.name)") }
            #expect(result.balances.map(\.stream.name.text).sorted() == ["company", "contact", "contact-to-company"])
            try await again.close()
        }
    }

    @Test(arguments: [["contact"], ["nonsense"], ["+note", "dael"]])
    func `a selection that cannot be is refused with the way out`(_ selected: [String]) async throws {
        try await MainJobWorld.with(records: 50) { world in
            var overrides = PlanOverrides()
            overrides.selection = ObjectSelection(selected: selected)
            let (given, workplace) = (overrides, world.workplace)
            let error = await #expect(throws: MigratezError.self) {
                _ = try await PlanConnection.open(world.pipeline, in: workplace, overrides: given)
            }
            #expect(error?.code == .invalidSetting)
            #expect(error?.hint != nil)
        }
    }
}

/// As much of JSON Schema as the schema of the events uses.
private struct SchemaChecker {
    private let schema: JSONValue

    init(_ schema: JSONValue) { self.schema = schema }

    /// What is wrong with the value; exactly one of the kinds has to fit.
    func problems(with value: JSONValue) -> [String] {
        let kinds = schema["oneOf"]?.elements ?? []
        let fitting = kinds.filter { check(value, $0).isEmpty }
        if fitting.count == 1 { return [] }
        let own = kinds.first { $0["properties"]?["type"]?["const"] == value["type"] }
        return own.map { check(value, $0) } ?? ["no such kind"]
    }

    private func check(_ value: JSONValue, _ schema: JSONValue) -> [String] {
        var problems: [String] = []
        if let constant = schema["const"], constant != value { problems.append("is not \(constant)") }
        if let choices = schema["enum"]?.elements, !choices.contains(value) { problems.append("is none of \(choices)") }
        if let type = schema["type"]?.text, !Self.isOf(type, value) { problems.append("is no \(type)") }
        if schema["type"] == "object" {
            for name in schema["required"]?.elements.compactMap(\.text) ?? [] where value[name] == nil {
                problems.append("has no \(name)")
            }
            for member in value.members {
                guard let property = schema["properties"]?[member.key] else {
                    problems.append("has an unknown \(member.key)")
                    continue
                }
                problems += check(member.value, property).map { "\(member.key) \($0)" }
            }
        }
        if let items = schema["items"] { for element in value.elements { problems += check(element, items) } }
        return problems
    }

    private static func isOf(_ type: String, _ value: JSONValue) -> Bool {
        switch (type, value) {
        case ("string", .string), ("array", .array), ("object", .object), ("boolean", .bool): true
        case ("integer", .number(let text)): Int(text) != nil
        case ("number", .number(let text)): Double(text) != nil
        default: false
        }
    }
}
