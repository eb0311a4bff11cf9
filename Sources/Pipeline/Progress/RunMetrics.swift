// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezModel
import MigratezStaging

/// The state of a run in the text format of Prometheus (exposition format 0.0.4): base units, cumulative counters.
package struct RunMetrics: Sendable {
    private var text = ""

    /// Asks the manifest and the meters of a run that this process works on.
    package static func text(of run: Run) async throws -> String {
        let (counters, totals) = try await run.staging.manifest.read { view in
            (
                try view.streams().map { ($0, try view.counters(of: $0.name)) }, try view.chunkTotals()
            )
        }
        var metrics = RunMetrics()
        metrics.addRecords(counters)
        metrics.addChunks(totals)
        metrics.addTraffic(run)
        metrics.addProcess(run)
        return metrics.text
    }

    private mutating func addRecords(_ streams: [(status: StreamStatus, counters: [Stage: [Outcome: Int]])]) {
        describe("migratez_records_total", "counter", "Records and links that were read or have their outcome.")
        for (status, counters) in streams {
            let object = status.name.text
            sample(
                "migratez_records_total", ["object": object, "stage": "extract", "outcome": "read"],
                Double(status.recordsRead))
            for stage in Stage.allCases {
                for outcome in Outcome.allCases {
                    guard let count = counters[stage]?[outcome] else { continue }
                    sample(
                        "migratez_records_total",
                        ["object": object, "stage": stage.rawValue, "outcome": outcome.name], Double(count))
                }
            }
        }
    }

    private mutating func addChunks(_ totals: [StreamName: [ChunkKind: ManifestView.ChunkTotal]]) {
        let rows = totals.sorted { $0.key.text < $1.key.text }.flatMap { stream, kinds in
            kinds.sorted { $0.key.rawValue < $1.key.rawValue }.map { (stream.text, $0.key.rawValue, $0.value) }
        }
        describe("migratez_bytes_total", "counter", "Bytes that were staged, before compression.")
        for (object, kind, total) in rows {
            sample("migratez_bytes_total", ["object": object, "kind": kind], Double(total.plaintextBytes))
        }
        describe("migratez_staged_bytes", "gauge", "Bytes of chunks on the staging disk.")
        for (object, kind, total) in rows {
            sample("migratez_staged_bytes", ["object": object, "kind": kind], Double(total.storedBytes))
        }
        describe("migratez_chunks_in_flight", "gauge", "Chunks that a stage will take or has taken.")
        for (object, kind, total) in rows where kind == "raw" || kind == "ready" {
            sample("migratez_chunks_in_flight", ["object": object, "kind": kind], Double(total.waiting))
        }
    }

    private mutating func addTraffic(_ run: Run) {
        let sides = [
            ("source", run.traffic.source, run.source.limiter), ("target", run.traffic.target, run.destination.limiter),
        ]
        describe("migratez_requests_total", "counter", "Requests by the status of their answer, or what failed.")
        for (side, meter, _) in sides {
            for (answer, count) in meter.totals.requests.sorted(by: { $0.key < $1.key }) {
                sample("migratez_requests_total", ["side": side, "answer": answer], Double(count))
            }
        }
        describe("migratez_received_bytes_total", "counter", "Bytes of answers.")
        for (side, meter, _) in sides {
            sample("migratez_received_bytes_total", ["side": side], Double(meter.totals.bytesReceived))
        }
        describe("migratez_request_duration_seconds", "histogram", "How long requests took.")
        for (side, meter, _) in sides { addDurations(side, meter.totals) }
        describe("migratez_rate_wait_seconds_total", "counter", "Time in which the rate budget held requests back.")
        for (side, _, limiter) in sides {
            guard let limiter else { continue }
            sample("migratez_rate_wait_seconds_total", ["side": side], limiter.holds.total.seconds)
        }
        describe("migratez_queue_depth", "gauge", "Requests that are under way or held back.")
        for (side, meter, limiter) in sides {
            let depth = meter.underWay.waiting + (limiter?.holds.waiting ?? 0)
            sample("migratez_queue_depth", ["side": side], Double(depth))
        }
        describe("migratez_quota_remaining", "gauge", "What is left of our share of the day's requests.")
        for (side, _, limiter) in sides {
            guard let use = limiter?.dailyUse else { continue }
            sample("migratez_quota_remaining", ["side": side], Double(max(0, use.allowance - use.used)))
        }
    }

    private mutating func addDurations(_ side: String, _ totals: TrafficMeter.Totals) {
        let name = "migratez_request_duration_seconds"
        for (bound, count) in zip(TrafficMeter.durationBounds, totals.durations) {
            sample("\(name)_bucket", ["side": side, "le": Self.number(bound)], Double(count))
        }
        sample("\(name)_bucket", ["side": side, "le": "+Inf"], Double(totals.count))
        sample("\(name)_sum", ["side": side], totals.durationSum.seconds)
        sample("\(name)_count", ["side": side], Double(totals.count))
    }

    private mutating func addProcess(_ run: Run) {
        describe("migratez_disk_wait_seconds_total", "counter", "Time in which reading waited for room on the disk.")
        sample("migratez_disk_wait_seconds_total", [:], run.staging.budget.waits.total.seconds)
        describe("process_cpu_seconds_total", "counter", "Computing time of the process.")
        sample("process_cpu_seconds_total", [:], ProcessUsage.processorTime.seconds)
        describe("process_resident_memory_bytes", "gauge", "Resident memory of the process.")
        sample("process_resident_memory_bytes", [:], Double(ProcessUsage.residentMemory.bytes))
    }

    private mutating func describe(_ name: String, _ type: String, _ help: String) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
    }

    private mutating func sample(_ name: String, _ labels: KeyValuePairs<String, String>, _ value: Double) {
        let inside = labels.map { "\($0)=\"\(Self.escaped($1))\"" }.joined(separator: ",")
        text += "\(name)\(labels.isEmpty ? "" : "{\(inside)}") \(Self.number(value))\n"
    }

    /// A whole number without a fraction.
    private static func number(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? String(Int(value)) : String(value)
    }

    private static func escaped(_ label: String) -> String {
        label.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    }
}
