// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezMeasuring
import MigratezModel
import MigratezStaging

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// What the manifest takes to keep the outcomes of N records, which are also the map from old to new ids, and to find some
/// of them again:
///
///     benchmark-manifest [N] [FOLDER]
///
/// Outcomes come as a load gives them, 800 to a commit; ids are asked for as links ask, 100 at a time in the order of
/// their records. Prints a line at every power of ten. Exits with 1 if it holds over 64 MiB more at the end than at the
/// start: memory must not depend on how many records there are.
@main
enum ManifestBenchmark {
    static let commitRows = 800
    static let (lookups, lookupRows) = (1_000, 100)
    static let growthBytesMax = 64 << 20

    static func main() async throws {
        let arguments = CommandLine.arguments.dropFirst()
        guard let count = Int(arguments.first ?? "1000000"), count > 0, let stream = StreamName("contact") else {
            print("usage: benchmark-manifest [RECORDS] [FOLDER]")
            exit(64)
        }
        let folder = arguments.dropFirst().first ?? "/tmp"
        let path = "\(folder)/benchmark-manifest-\(getpid()).sqlite"
        defer { for end in ["", "-wal", "-shm"] { unlink(path + end) } }
        let manifest = try Manifest(path: path)
        try await manifest.commit { try $0.declare(stream, .object) }

        let start = ProcessCost.residentBytes
        var spent = 0.0
        var (done, next) = (0, 10_000)
        while done < count {
            let rows = done..<min(done + commitRows, next, count)
            let before = ProcessCost.cpuSeconds
            let outcomes = rows.map { number in
                RecordOutcome(
                    ordinal: number, outcome: .created, sourceID: "\(51_000_000_000 + number)",
                    targetID: "003dM00000\(10_000_000 + number)QAI")
            }
            try await manifest.commit { try $0.recordOutcomes(outcomes, of: stream, in: .load) }
            spent += ProcessCost.cpuSeconds - before
            done = rows.upperBound
            guard done == next || done == count else { continue }
            next *= 10
            try await report(done, spent, manifest, stream, path)
        }
        let growth = ProcessCost.residentBytes - start
        try manifest.close()
        guard growth <= growthBytesMax else {
            print("it holds \(ByteCount(growth)) more than at the start")
            exit(1)
        }
    }

    private static func report(
        _ count: Int, _ spent: Double, _ manifest: Manifest, _ stream: StreamName, _ path: String
    ) async throws {
        var random = SystemRandomNumberGenerator()
        let before = ProcessCost.cpuSeconds
        for _ in 0..<lookups {
            let ordinals = (0..<lookupRows).map { _ in Int.random(in: 0..<count, using: &random) }.sorted()
            let found = try await manifest.read { try $0.outcomes(of: stream, ordinals: ordinals) }
            precondition(found.count == Set(ordinals).count, "an outcome is missing")
        }
        let lookup = (ProcessCost.cpuSeconds - before) / Double(lookups * lookupRows)
        try await manifest.truncateLog()
        var status = stat()
        guard stat(path, &status) == 0 else { return print("the manifest is gone") }
        print(
            "\(count) records: \(microseconds(spent / Double(count))) µs of CPU to note one,"
                + " \(microseconds(lookup)) to find one, \(Int(status.st_size) / count) bytes a record,"
                + " \(ByteCount(ProcessCost.residentBytes)) resident")
        // Who reads it through a pipe is not to wait for the end.
        fflush(nil)
    }

    private static func microseconds(_ seconds: Double) -> Double { (seconds * 1e7).rounded() / 10 }
}
