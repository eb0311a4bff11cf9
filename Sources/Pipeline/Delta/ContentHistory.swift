// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezLoad
import MigratezModel
import MigratezStaging
import MigratezTransform

/// Which contents an earlier run has brought as they are now, by what the source tells of them.
struct ContentHistory: Sendable {
    private let delta: LoadDelta
    private let stream: StreamName
    private let name: String

    init(_ baseline: Baseline, _ object: ObjectSpec) {
        delta = LoadDelta(baseline)
        stream = object.stream
        name = LoadDelta.versionName(object.content?.target ?? "")
    }

    /// The ids of those records.
    func unchanged(_ records: [(id: String, version: String)]) throws -> Set<String> {
        guard let place = try delta.baseline.fields(of: stream).firstIndex(of: name) else { return [] }
        let entries = try delta.baseline.entries(of: stream, keys: records.map(\.id).sorted())
        return Set(
            records.filter { entries[$0.id]?[place] == delta.fingerprint(.string($0.version)) }.map(\.id))
    }
}
