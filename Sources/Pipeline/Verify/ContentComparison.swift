// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezLoad
import MigratezModel
import MigratezStaging

/// Reads contents back and compares their lengths and digests with those that were staged, several at once.
struct ContentComparison {
    private let run: Run
    private let target: LoadTarget
    /// How many are read at once.
    private static let concurrency = 4

    init(_ run: Run, _ target: LoadTarget) {
        self.run = run
        self.target = target
    }

    /// Compares the contents of records whose content was written.
    func compare(
        _ records: [(ordinal: Int, id: String, example: String)], _ comparison: inout RecordComparison
    ) async throws {
        let (stream, ordinals) = (target.stream, records.map(\.ordinal))
        let staged = try await run.staging.manifest.read { try $0.contents(of: stream, ordinals: ordinals) }
            .filter { $0.state == .whole }
        let byOrdinal = Dictionary(staged.map { ($0.ordinal, $0) }) { first, _ in first }
        var rest = records.filter { byOrdinal[$0.ordinal] != nil }[...]
        let (object, destination) = (target.object, run.destination)
        do {
            try await withThrowingTaskGroup(of: (Int, String, HeldContent?).self) { group in
                func next() {
                    guard let record = rest.popFirst() else { return }
                    group.addTask {
                        (record.ordinal, record.example, try await HeldContent.read(object, record.id, at: destination))
                    }
                }
                for _ in 0..<Self.concurrency { next() }
                while let (ordinal, example, held) = try await group.next() {
                    guard let content = byOrdinal[ordinal], let digest = content.sha256 else { continue }
                    comparison.add(
                        bytes: content.bytes, agrees: held == HeldContent(bytes: content.bytes, sha256: digest), example
                    )
                    next()
                }
            }
        } catch let error as MigratezError where error.code == .notSupported {
            // The report says that none was compared.
            return
        }
    }
}
