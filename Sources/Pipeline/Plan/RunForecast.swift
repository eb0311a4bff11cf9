// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezConnectorKit
import MigratezExtract
import MigratezJSON
import MigratezLoad
import MigratezModel
import MigratezTransform

/// What a run of a plan would do, as far as that can be known before anything is read. Made without a single write.
package struct RunForecast: Sendable, Encodable {
    /// One object of the source and what becomes of it.
    package struct Object: Sendable, Encodable {
        package var stream: String
        package var target: String
        /// About how many records there are; `nil` if the source cannot tell.
        package var records: Int?
        /// How many of these an earlier run has brought there already: they would be updated. `nil` = not known.
        package var broughtBefore: Int?
        package var fields: Int
        /// The way of writing that the destination would choose.
        package var route: String
        /// Whether `where` leaves records out; how many, only reading tells.
        package var isFiltered: Bool
        /// How many rules look for doubles among the records: what they find is merged.
        package var mergeRules: Int
        /// By which fields existing records are looked for, and what happens to them: `Email: fill_blanks`.
        package var matches: [String]

        /// About how many bytes the files of the records have; `nil` if there are none, or the source does not tell.
        package var contentBytes: Int?

        /// The most records that would be created.
        package var createdMax: Int? { records.map { max(0, $0 - (broughtBefore ?? 0)) } }
    }

    /// One link type and what becomes of it.
    package struct Link: Sendable, Encodable {
        package var stream: String
        /// `Contact.AccountId`, or the object that joins the two.
        package var becomes: String
    }

    /// The requests of one side.
    package struct Side: Sendable, Encodable {
        package var connector: String
        package var calls: [CallEstimate]
        /// The allowance that these requests count against, if the side tells.
        package var allowance: Allowance?

        package var callCount: Int { calls.reduce(0) { $0 + $1.calls } }
        /// The part of the whole allowance that the run would take; `nil` if the side does not tell.
        package var allowanceShare: Double? {
            allowance.flatMap { $0.limit > 0 ? Double(callCount) / Double($0.limit) : nil }
        }
        /// Whether more requests are needed than are left now.
        package var exceedsAllowance: Bool { allowance.map { callCount > $0.remaining } ?? false }
    }

    package var objects: [Object]
    package var links: [Link]
    /// Objects that would be created in the destination first, with their fields.
    package var objectCreations: [ObjectCreation]
    /// Fields that would be created in the destination then.
    package var creations: [FieldCreation]
    /// Values of fixed lists that would not arrive as they are.
    package var values: [ValueForecast]
    package var source: Side
    package var target: Side
    /// How long it may take, in seconds; `nil` if the number of records is not known.
    package var seconds: SpanEstimate?
    /// How much staged data may lie on disk at once, in bytes; `nil` if the number of records is not known.
    package var stagedBytes: SpanEstimate?
    /// What the destination will do on its own.
    package var sideEffects: [SideEffect]
    /// Rights that a run needs and that are not given.
    package var missingRights: [String]
    /// What could not be found out.
    package var unknown: [String]

    /// Whether a run would write anything at all, as far as is known.
    package var writesSomething: Bool {
        !objectCreations.isEmpty || !creations.isEmpty || objects.contains { ($0.records ?? 1) > 0 }
    }

    /// Asks both sides; writes nothing.
    package static func make(_ connection: PlanConnection, _ setup: RunSetup) async throws -> RunForecast {
        try await ForecastMaker(connection, setup).make()
    }
}

/// From here to there.
package struct SpanEstimate: Sendable, Encodable, Equatable {
    package var low: Double
    package var high: Double

    package init(_ low: Double, _ high: Double) {
        self.low = low
        self.high = high
    }
}

/// Gathers the parts of a forecast.
private struct ForecastMaker {
    let connection: PlanConnection
    let setup: RunSetup

    private var plan: PipelinePlan { connection.plan }
    private var source: any Source { connection.source }
    private var destination: any Destination { connection.destination }

    init(_ connection: PlanConnection, _ setup: RunSetup) {
        self.connection = connection
        self.setup = setup
    }

    func make() async throws -> RunForecast {
        let spec = plan.transform
        var objects: [RunForecast.Object] = []
        for object in spec.objects { objects.append(try await forecast(object)) }
        for number in objects.indices {
            objects[number].contentBytes = try await contentBytes(spec.objects[number])
        }
        let targets = setup.targetSchemas.keys.sorted()
        let sourceAccount = try await connection.account(of: .source)
        let targetAccount = try await connection.account(of: .target)
        let sourceSide = RunForecast.Side(
            connector: plan.source.connector, calls: sourceCalls(), allowance: sourceAccount.requestAllowance)
        let targetSide = RunForecast.Side(
            connector: plan.target.connector, calls: targetCalls(), allowance: targetAccount.requestAllowance)
        let isCounted = spec.objects.allSatisfy { setup.totals[$0.stream] != nil }
        return RunForecast(
            objects: objects,
            links: spec.routes.map { route in
                var becomes = route.object
                if case .lookup(let object, let field) = route.form { becomes = "\(object).\(field)" }
                return RunForecast.Link(stream: route.stream.text, becomes: becomes)
            },
            objectCreations: setup.objectCreations, creations: setup.creations, values: ValueForecast.all(plan, setup),
            source: sourceSide,
            target: targetSide,
            seconds: isCounted ? Self.seconds(sourceSide.calls, targetSide.calls) : nil,
            stagedBytes: isCounted ? try await stagedBytes(contents: objects.compactMap(\.contentBytes)) : nil,
            sideEffects: try await destination.sideEffects(on: targets),
            missingRights: naming(sourceAccount.missingRights, targetAccount.missingRights),
            unknown: naming(sourceAccount.unknown, targetAccount.unknown))
    }

    /// What both sides say, each with the side's name before it.
    private func naming(_ source: [String], _ target: [String]) -> [String] {
        source.map { "\(plan.source.connector): \($0)" } + target.map { "\(plan.target.connector): \($0)" }
    }

    private func forecast(_ object: ObjectSpec) async throws -> RunForecast.Object {
        let records = setup.totals[object.stream]
        let target = plan.loadTarget(object, source: source.name)
        return RunForecast.Object(
            stream: object.stream.text, target: object.target, records: records,
            broughtBefore: try await destination.count(object: object.target, keyPrefix: target.keyPrefix),
            fields: object.fields.count,
            route: destination.route(for: object.target, expectedRows: records ?? 0).name,
            isFiltered: object.filter != nil, mergeRules: object.duplicates.count,
            matches: object.targetMatches.map { "\($0.keys.joined(separator: "+")): \($0.onMatch.rawValue)" })
    }

    // MARK: Requests

    private func sourceCalls() -> [CallEstimate] {
        let spec = plan.transform
        var calls: [CallEstimate] = []
        for object in spec.objects {
            let records = setup.totals[object.stream] ?? 0
            calls += source.estimatedCalls(reading: object.stream, records: records)
            if object.content != nil {
                calls += source.estimatedCalls(readingContentOf: object.stream, records: records)
            }
        }
        for route in spec.routes {
            calls += source.estimatedCalls(
                linksFrom: route.from, to: route.to, records: setup.totals[route.from] ?? 0)
        }
        return calls.filter { $0.calls > 0 }
    }

    /// A junction is reckoned as one record for each record that it starts from.
    private func targetCalls() -> [CallEstimate] {
        let spec = plan.transform
        var calls: [CallEstimate] = []
        for object in spec.objects {
            calls += destination.estimatedCalls(
                writing: object.target, records: setup.totals[object.stream] ?? 0,
                matchRules: object.targetMatches.count)
        }
        for route in spec.routes where !route.isLookup {
            calls += destination.estimatedCalls(
                writing: route.object, records: setup.totals[route.from] ?? 0, matchRules: 0)
        }
        return calls.filter { $0.calls > 0 }.addedUpByEndpoint
    }

    /// The stages overlap: at best the slower side alone decides, at worst one waits for the other.
    private static func seconds(_ source: [CallEstimate], _ target: [CallEstimate]) -> SpanEstimate {
        func sum(_ calls: [CallEstimate], _ part: (CallEstimate) -> Double) -> Double {
            calls.reduce(0) { $0 + part($1) }
        }
        let low = max(sum(source) { $0.secondsMin }, sum(target) { $0.secondsMin })
        return SpanEstimate(low, sum(source) { $0.secondsMax } + sum(target) { $0.secondsMax })
    }

    // MARK: Disk

    /// The first page of each object tells how long its records are; chunks are compressed to between a tenth and a
    /// third, and at worst all raw and all ready chunks lie there at the same time.
    ///
    /// - Parameter contents: the bytes of the files of each object; so many of them lie there at once.
    private func stagedBytes(contents: [Int]) async throws -> SpanEstimate {
        var bytes = 0.0
        for object in plan.transform.objects {
            let page = try await source.readPage(of: object.stream, fields: object.sourceFields, after: nil)
            guard !page.records.isEmpty else { continue }
            let mean = Double(page.records.reduce(0) { $0 + $1.count }) / Double(page.records.count)
            bytes += mean * Double(setup.totals[object.stream] ?? 0)
        }
        let waiting = ContentExtraction.waitingBytesMax(diskLimit: plan.staging.diskMax ?? .GiB(1 << 20)).bytes
        return SpanEstimate(bytes * 0.1, bytes * 0.33 * 2 + Double(min(contents.max() ?? 0, waiting)))
    }

    /// By the sizes that the records of the first page tell.
    private func contentBytes(_ object: ObjectSpec) async throws -> Int? {
        guard object.content != nil, let records = setup.totals[object.stream],
            let name = setup.sourceSchemas[object.stream]?.content?.sizeField
        else { return nil }
        let page = try await source.readPage(of: object.stream, fields: [name], after: nil)
        var index = RecordIndex(fields: source.layout(of: object.stream).fields)
        let sizes = try page.records.compactMap { range in
            try page.bytes[range].withUnsafeBufferPointer { record in
                try index.index(record)
                return index.slice(name).flatMap { Int(index.string($0, in: record)) }
            }
        }
        guard !sizes.isEmpty else { return nil }
        return Int(Double(sizes.reduce(0, +)) / Double(sizes.count) * Double(records))
    }
}

extension AccountReport {
    /// The allowance that requests count against: the first one, by the contract of both connectors.
    var requestAllowance: Allowance? { allowances.first }
}
