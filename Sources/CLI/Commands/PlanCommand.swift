// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import ArgumentParser
import Foundation
import MigratezConnectorKit
import MigratezModel
import MigratezPipeline

/// `migratez plan FILE`
struct PlanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan", abstract: "Tells what a run would do; writes nothing anywhere.",
        discussion: """
            EXAMPLE
              migratez plan pipelines/hubspot-to-salesforce.yaml -o move.plan
              migratez run move.plan
            """)

    @OptionGroup var common: CommonOptions
    @Argument(help: "The pipeline file.", completion: .pipelineFile) var file: String
    @Option(
        name: [.customShort("o"), .customLong("out")], help: "Save the plan; `migratez run` applies exactly that one.",
        completion: .file(extensions: ["plan"]))
    var out: String?
    @Option(help: "Plan a run that reads so many records of each object at most; a saved plan keeps the limit.")
    var limit: Int?
    @Flag(help: "End with 2 if a run would write anything, with 0 if not.") var detailedExitcode = false

    func run() async throws {
        let workplace = try common.workplace()
        let console = Console()
        var overrides = PlanOverrides()
        overrides.recordsMax = limit
        let connection = try await PlanConnection.open(file, in: workplace, overrides: overrides)
        let setup = try await StageSession.discover(connection, console)
        let forecast = try await RunForecast.make(connection, setup)
        var document = ForecastDisplay(forecast).document(connection.plan)
        if let out {
            try PlanFile(connection, setup, forecast, now: workplace.clock.now).save(to: out)
            document.fact("saved", .text(out), line: "nothing was written but \(out); next: migratez run \(out)")
        } else {
            let limit = limit.map { " --limit \($0)" } ?? ""
            document.remark("nothing was written; begin with: migratez run \(file)\(limit)")
        }
        console.show(document)
        if detailedExitcode, forecast.writesSomething { throw ExitCode.differences }
    }
}

/// A forecast as people and machines read it.
struct ForecastDisplay {
    let forecast: RunForecast

    init(_ forecast: RunForecast) { self.forecast = forecast }

    func document(_ plan: PipelinePlan) -> Document {
        var document = Document("plan")
        document.fact(
            "digest", .text(plan.digest),
            line: "plan \(plan.digest.prefix(8))…  \(plan.source.connector) → \(plan.target.connector)")
        if let recordsMax = plan.limits.recordsMax {
            document.fact(
                "limit", .number(recordsMax),
                line: "limited: at most \(recordsMax.grouped) records of each object are read")
        }
        document.fact("source", .text(plan.source.connector), line: "")
        document.fact("target", .text(plan.target.connector), line: "")
        document.add(objects)
        addLinks(to: &document)
        addObjectCreations(to: &document)
        addCreations(to: &document)
        addValues(to: &document)
        addRequests(to: &document)
        addSpans(to: &document)
        addEffects(to: &document)
        return document
    }

    private var objects: Table {
        var table = Table(
            "objects",
            [
                .left("OBJECT"), .left("BECOMES"), .right("RECORDS"), .right("THERE ALREADY"),
                .right("CREATED AT MOST"), .right("FIELDS"), .left("WRITTEN BY"), .left("AND"),
            ])
        for object in forecast.objects {
            var remarks: [String] = []
            if object.isFiltered { remarks.append("`where` leaves some out") }
            if let bytes = object.contentBytes { remarks.append("about \(ByteCount(bytes)) of files") }
            if object.mergeRules > 0 { remarks.append("doubles are merged") }
            remarks += object.matches.map { "existing by \($0)" }
            table.add([
                .text(object.stream), .text(object.target), .number(object.records, none: "unknown"),
                .number(object.broughtBefore), .number(object.createdMax), .number(object.fields),
                .text(object.route), .list(remarks),
            ])
        }
        return table
    }

    private func addLinks(to document: inout Document) {
        guard !forecast.links.isEmpty else { return }
        var table = Table("links", [.left("LINK"), .left("BECOMES")])
        for link in forecast.links { table.add([.text(link.stream), .text(link.becomes)]) }
        document.add(table, lines: forecast.links.map { "link     \($0.stream) becomes \($0.becomes)" })
    }

    private func addObjectCreations(to document: inout Document) {
        guard !forecast.objectCreations.isEmpty else { return }
        let target = forecast.target.connector
        var table = Table(
            "creates_objects",
            [
                .left("OBJECT"), .left("LABEL"), .left("PLURAL"), .left("NAMED BY"), .left("FIELDS"),
                .left("LINKED WITH"),
            ])
        var lines: [String] = []
        for object in forecast.objectCreations {
            let fields = object.fields.map { "\($0.name) (\($0.kind.rawValue))" }
            table.add([
                .text(object.object), .text(object.label), .text(object.plural), .text(object.displayField),
                .list(fields), .list(object.linkedWith),
            ])
            let name = object.displayField.map { ", records are named by \($0)" } ?? ""
            let labels = "('\(object.label)', '\(object.plural)')"
            lines.append("creates  object \(object.object) \(labels) in \(target)\(name)")
            lines.append("           with the fields \(fields.joined(separator: ", "))")
            if !object.linkedWith.isEmpty {
                lines.append("           and links with \(object.linkedWith.joined(separator: ", "))")
            }
        }
        lines.append("           an undo leaves objects there, as it does fields and labels")
        document.add(table, lines: lines)
    }

    private func addCreations(to document: inout Document) {
        var table = Table("creates", [.left("OBJECT"), .left("FIELD"), .left("TYPE"), .left("OPTIONS")])
        for creation in forecast.creations {
            table.add([
                .text(creation.object), .text(creation.field.name), .text(creation.field.kind.rawValue),
                .list(creation.field.options.map(\.label)),
            ])
        }
        document.add(
            table,
            lines: forecast.creations.map { creation in
                let field = "\(creation.object).\(creation.field.name)"
                let target = forecast.target.connector
                guard !creation.field.options.isEmpty else {
                    return "creates  field \(field) (\(creation.field.kind.rawValue)) in \(target)"
                }
                let options = creation.field.options.map { "'\($0.label)'" }.joined(separator: ", ")
                return "creates  \(options) of \(field) in \(target)"
            })
    }

    private func addValues(to document: inout Document) {
        var table = Table("values", [.left("FROM"), .left("TO"), .left("FATE"), .left("VALUES")])
        var lines: [String] = []
        for value in forecast.values {
            table.add([.text(value.source), .text(value.target), .text(value.fate.rawValue), .list(value.values)])
            let listed = value.values.prefix(6).map { "'\($0)'" }.joined(separator: ", ")
            let more = value.values.count > 6 ? " and \(value.values.count - 6) more" : ""
            let what =
                switch value.fate {
                case .unmapped: "not in the value map: their records will be rejected"
                case .refused: "become what \(value.target) does not have: their records will be rejected"
                case .added: "not in the list of \(value.target), which takes them all the same"
                }
            lines.append("values   \(value.source): \(listed)\(more): \(what)")
        }
        document.add(table, lines: lines)
    }

    private func addRequests(to document: inout Document) {
        var table = Table("calls", [.left("SIDE"), .left("ENDPOINT"), .right("CALLS")])
        var lines: [String] = []
        for side in [forecast.source, forecast.target] where side.callCount > 0 {
            var head = "calls    \(side.connector): about \(side.callCount.grouped)"
            if let allowance = side.allowance {
                let share = (side.allowanceShare ?? 0) * 100
                head += ", \(share < 0.1 ? "less than 0.1" : String(format: "%.1f", share)) % of "
                head += "\(allowance.limit.grouped) \(allowance.name); \(allowance.remaining.grouped) are left"
                if side.exceedsAllowance { head += ": TOO FEW, the run will pause and go on later" }
            }
            lines.append(head)
            for call in side.calls {
                table.add([.text(side.connector), .text(call.endpoint), .number(call.calls)])
                lines.append("           \(call.calls.grouped)  \(call.endpoint)")
            }
        }
        document.add(table, lines: lines)
    }

    private func addSpans(to document: inout Document) {
        if let seconds = forecast.seconds {
            let (low, high) = (ProgressText.duration(seconds.low), ProgressText.duration(seconds.high))
            document.fact("seconds_min", .number(Int(seconds.low)), line: "time     \(low) to \(high)")
            document.fact("seconds_max", .number(Int(seconds.high)), line: "")
        }
        if let bytes = forecast.stagedBytes {
            let (low, high) = (ByteCount(Int(bytes.low)), ByteCount(Int(bytes.high)))
            document.fact("staged_bytes_min", .bytes(low), line: "disk     \(low) to \(high) of staged data at once")
            document.fact("staged_bytes_max", .bytes(high), line: "")
        }
    }

    private func addEffects(to document: inout Document) {
        var table = Table("warnings", [.left("KIND"), .left("OBJECT"), .left("WHAT"), .left("ADVICE")])
        var lines: [String] = []
        for effect in forecast.sideEffects {
            table.add([
                .text(effect.kind.rawValue), .text(effect.object), .text(effect.what), .text(effect.advice),
            ])
            let place = effect.object.map { "\($0): " } ?? ""
            lines.append("warning  \(place)\(effect.what)\(effect.advice.map { "; \($0)" } ?? "")")
        }
        for right in forecast.missingRights {
            table.add(["missing_right", .text(nil), .text(right), .text(nil)])
            lines.append("warning  \(right): this right is missing, a run would fail there")
        }
        for gap in forecast.unknown {
            table.add(["unknown", .text(nil), .text(gap), .text(nil)])
            lines.append("unknown  \(gap)")
        }
        document.add(table, lines: lines)
    }
}
