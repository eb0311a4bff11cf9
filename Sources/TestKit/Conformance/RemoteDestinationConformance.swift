// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezModel

/// What a destination must do besides if it writes through a network.
package enum RemoteDestinationConformance: String, Sendable, CaseIterable {
    case throttle = "a throttle only slows"
    case lostCalls = "a call that was lost leaves nothing doubled and nothing untold"
    case token = "a token that has expired is renewed"
    case quota = "a used-up allowance is a pause with its own code"
    case rate = "the limiter learns from the vendor's headers"
    case errors = "every code of the vendor's has a row in the table"
    case contents = "a file whose sending was lost is neither doubled nor untold"
    case unkeyed = "a row without a key whose sending was lost is neither doubled nor untold"
    case dry = "looking changes nothing"

    /// - Throws: `ConformanceFailure`, or what the connector threw.
    package func check(_ subject: some RemoteDestinationSubject) async throws {
        let destination = try await subject.prepared()
        let before = try await subject.count()
        switch self {
        case .throttle:
            subject.inject(.throttled, times: 2)
            let receipts = try await destination.put(subject.batch(1...20))
            try require(receipts.allSatisfy(\.isCreated), "rows behind a throttle are not created")
        case .lostCalls:
            for (number, fault) in ConformanceFault.allCases.enumerated() {
                let batch = subject.batch((1...20).map { $0 + number * 100 })
                subject.inject(fault, times: 1)
                try await Self.checkLost(batch, fault, destination, subject)
            }
            let held = try await subject.count() - before
            let written = ConformanceFault.allCases.count * 20
            try require(held == written, "\(held) records of \(written) rows")
        case .token:
            _ = try await destination.put(subject.batch(1...5))
            try await subject.expireToken()
            let receipts = try await destination.put(subject.batch(6...10))
            try require(receipts.allSatisfy(\.isCreated), "rows behind an expired token are not created")
        case .quota:
            _ = try await destination.put(subject.batch(1...5))
            try await subject.exhaustQuota()
            let error = try await requireError("a request without allowance") {
                _ = try await destination.put(subject.batch(6...10))
            }
            try require(error.code == .quotaExhausted, "a used-up allowance is \(error.code)")
            guard case .waitForQuota = error.remedy else {
                throw ConformanceFailure("a used-up allowance does not say that waiting helps")
            }
        case .rate:
            _ = try await destination.put(subject.batch(1...5))
            try require(
                (destination.limiter?.dailyUse != nil) == subject.tellsDailyUse,
                "the limiter does not know the day's use")
        case .errors:
            let unknown = subject.vendorCodes.filter { !subject.knows($0) }
            try require(!subject.vendorCodes.isEmpty && unknown.isEmpty, "no row for \(unknown)")
        case .contents: try await DestinationConformance.checkLostContents(subject)
        case .unkeyed: try await DestinationConformance.checkLostUnkeyed(subject)
        case .dry:
            let receipts = try await destination.put(subject.batch(1...5))
            let writes = subject.writes
            let names = subject.fields(1, version: 1).keys.sorted()
            _ = try await destination.discover([subject.object])
            _ = try await destination.people()
            _ = try await destination.identity()
            _ = try await destination.account(for: [subject.object])
            _ = try await destination.sideEffects(on: [subject.object])
            _ = try await destination.count(object: subject.object, keyPrefix: "x")
            _ = try await destination.found(subject.batch(1...5))
            let ids = receipts.compactMap(\.id)
            _ = try await destination.read(object: subject.object, ids: ids, fields: names)
            _ = try await destination.sample(object: subject.object, fields: names, count: 3)
            if subject.matchesOthers {
                _ = try await destination.match(
                    object: subject.object, fields: names, values: [names.map { _ in "x" }], returning: names)
            }
            _ = try await destination.lastChanges(object: subject.object, ids: ids)
            _ = try await destination.referrers(object: subject.object, ids: ids)
            try await destination.finish()
            try require(subject.writes == writes, "\(subject.writes - writes) requests would have changed something")
        }
    }

    /// Either every row has a receipt, or another process finds out what became of it, and writes the rest.
    private static func checkLost(
        _ batch: Batch, _ fault: ConformanceFault, _ destination: any Destination,
        _ subject: some RemoteDestinationSubject
    ) async throws {
        do {
            let receipts = try await destination.put(batch)
            try require(receipts.count == batch.rows.count, "\(fault): \(receipts.count) receipts")
            try require(
                receipts.allSatisfy(\.isCreated), "\(fault): rows that the first call created are not told as created")
        } catch let error as MigratezError {
            guard case .retry = error.remedy else { throw error }
            let found = Set(try await subject.makeDestination().found(batch).map(\.key))
            var rest = batch
            rest.rows.removeAll { found.contains($0.key) }
            guard !rest.rows.isEmpty else { return }
            let receipts = try await subject.makeDestination().put(rest)
            try require(receipts.allSatisfy(\.isCreated), "\(fault): rows that were not written are found")
        }
    }
}
