// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import MigratezStaging

/// How the run went: its pace, its memory, its requests, how well its end was foreseen, and how its data ended.
extension ReportContent {
    var throughput: ReportSection? {
        guard history.moments.count > 1 else { return nil }
        var section = ReportSection(
            "throughput", "Throughput",
            "Records and links that passed each stage. Pauses between two sessions are left out.")
        section.plots = [
            LinePlot(
                title: "Records a second over the time at work", unit: "records a second",
                series: RunHistory.stages.enumerated().map { stage, name in
                    LinePlot.Series(
                        name: name,
                        points: history.condensed(to: 120).map {
                            LinePlot.Point(x: Double($0.worked) / 1000, y: $0.rates[stage])
                        })
                }, breaks: history.breaks.map { Double($0) / 1000 })
        ]
        var table = ReportTable(
            "throughput", caption: "Records a second",
            [.text("At", key: "worked_ms")] + RunHistory.stages.map { .number(Self.title($0), key: $0) })
        for moment in history.condensed(to: 10) {
            table.add([.milliseconds(moment.worked)] + moment.rates.map { .rate($0) })
        }
        section.tables = [table]
        return section
    }

    var memory: ReportSection? {
        guard history.moments.count > 1 else { return nil }
        var section = ReportSection(
            "memory", "Memory and disk", "Memory of the process, and encrypted chunks on the staging disk.")
        let moments = history.condensed(to: 120)
        let mebibyte = Double(1 << 20)
        section.plots = [
            LinePlot(
                title: "Memory and staged data over the time at work", unit: "MiB",
                series: [
                    LinePlot.Series(
                        name: "resident memory",
                        points: moments.map {
                            LinePlot.Point(x: Double($0.worked) / 1000, y: Double($0.sample.residentBytes) / mebibyte)
                        }),
                    LinePlot.Series(
                        name: "staged on disk",
                        points: moments.map {
                            LinePlot.Point(x: Double($0.worked) / 1000, y: Double($0.sample.stagedBytes) / mebibyte)
                        }),
                ], breaks: history.breaks.map { Double($0) / 1000 })
        ]
        var table = ReportTable(
            "memory", caption: "Memory and staged data",
            [
                .text("At", key: "worked_ms"), .number("Memory", key: "resident_bytes"),
                .number("Staged", key: "staged_bytes"),
            ])
        for moment in history.condensed(to: 10) {
            table.add([
                .milliseconds(moment.worked), .bytes(moment.sample.residentBytes), .bytes(moment.sample.stagedBytes),
            ])
        }
        section.tables = [table]
        return section
    }

    var requests: ReportSection? {
        guard requestCounts.values.contains(where: { $0.requests > 0 }) else { return nil }
        var section = ReportSection(
            "requests", "Requests and retries",
            "Every attempt counts. What was turned down or failed was tried again, by the rules of each service.")
        var table = ReportTable(
            "requests", caption: "Requests to both sides",
            [
                .text("Side"), .text("Service"), .number("Requests"), .number("Turned down (429)", key: "throttled"),
                .number("Failed (5xx, no answer)", key: "failed"), .number("Share", key: "share"),
            ])
        for side in RequestCounts.Side.allCases {
            guard let counts = requestCounts[side], counts.requests > 0 else { continue }
            table.add([
                .text(side.rawValue),
                .text(side == .source ? run.description.source : run.description.destination),
                .count(counts.requests), .count(counts.throttled), .count(counts.failed),
                .share(counts.throttled + counts.failed, of: counts.requests),
            ])
        }
        section.tables = [table]
        return section
    }

    var estimate: ReportSection? {
        let estimates = history.estimates(at: [0.1, 0.25, 0.5, 0.75, 0.9])
        guard estimates.contains(where: { $0.estimated != nil }) else { return nil }
        var section = ReportSection(
            "estimate", "Estimate and reality", "What was thought to be left during the last session, and what it took."
        )
        var table = ReportTable(
            "estimates", caption: "Estimated and actual time to the end",
            [
                .text("Time passed", key: "share"), .number("Thought to be left", key: "estimated_ms"),
                .number("It took", key: "actual_ms"),
            ])
        for estimate in estimates {
            table.add([
                .share(estimate.share), estimate.estimated.map { .milliseconds($0) } ?? .none,
                .milliseconds(estimate.actual),
            ])
        }
        section.tables = [table]
        return section
    }

    var shredding: ReportSection {
        var section = ReportSection(
            "shredding", "What stays behind",
            certificate == nil
                ? "The staged data is kept, encrypted, until the run is confirmed and shredded."
                : "The staged data is destroyed, and a signed certificate says so.")
        guard let certificate else { return section }
        var table = ReportTable("certificate", caption: "Certificate of destruction", [.text("What"), .text("Value")])
        table.add([.text("Certified"), .text(certificate.certifiedAt)])
        table.add([.text("Confirmed by"), .text(certificate.confirmedBy)])
        table.add([.text("Chunks destroyed"), .count(certificate.chunkCount)])
        table.add([.text("Bytes destroyed"), .bytes(certificate.byteCount)])
        table.add([.text("Merkle root over the chunks"), .text(certificate.merkleRoot)])
        table.add([.text("Signed by (Ed25519)"), .text(certificate.signedBy)])
        section.tables = [table]
        section.remarks =
            certificate.method.map { "Method: \($0)." } + certificate.notCovered.map { "Not covered: \($0)." }
        return section
    }
}
