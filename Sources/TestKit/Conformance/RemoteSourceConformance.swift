// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezModel

/// What a source must do besides if it reads through a network.
package enum RemoteSourceConformance: String, Sendable, CaseIterable {
    case throttle = "a throttle only slows"
    case faults = "what passes is survived, and costs no record"
    case token = "a token that has expired is renewed"
    case quota = "a used-up allowance is a pause with its own code"
    case rate = "the limiter learns from the vendor's headers"
    case contents = "contents come whole or not at all, whatever passes"
    case dry = "reading changes nothing"

    /// - Throws: `ConformanceFailure`, or what the connector threw.
    package func check(_ subject: some RemoteSourceSubject) async throws {
        guard let stream = subject.streams.first else { throw ConformanceFailure("the subject has no records") }
        let source = try subject.makeSource()
        func readAll() async throws {
            var found = RecordCollector(source.layout(of: stream.stream), stream.fields)
            for page in try await SourceConformance.pages(source, stream) { try found.take(page) }
            try found.compare(stream)
        }
        switch self {
        case .throttle:
            subject.inject(.throttled, times: 2)
            try await readAll()
        case .faults:
            for fault in ConformanceFault.allCases {
                subject.inject(fault, times: 2)
                try await readAll()
            }
        case .token:
            try await readAll()
            try await subject.expireToken()
            try await readAll()
        case .quota:
            try await readAll()
            try await subject.exhaustQuota()
            let error = try await requireError("a request without allowance", readAll)
            try require(error.code == .quotaExhausted, "a used-up allowance is \(error.code)")
            guard case .waitForQuota = error.remedy else {
                throw ConformanceFailure("a used-up allowance does not say that waiting helps")
            }
        case .rate:
            try await readAll()
            try require(
                (source.limiter?.dailyUse != nil) == subject.tellsDailyUse, "the limiter does not know the day's use")
        case .contents: try await SourceConformance.checkFaultyContents(subject)
        case .dry:
            _ = try await source.discover(subject.streams.map(\.stream))
            _ = try await source.people()
            _ = try await source.identity()
            _ = try await source.account(for: subject.streams.map(\.stream))
            for stream in subject.streams { _ = try await source.count(of: stream.stream) }
            try await readAll()
            try require(subject.writes == 0, "\(subject.writes) requests would have changed something")
        }
    }
}
