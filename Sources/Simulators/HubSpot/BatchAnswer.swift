// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit
import MigratezSyntheticCRM

/// The answer to a batch: results, and errors if there are any, which make it a 207.
struct BatchAnswer: Sendable {
    private let started: Timestamp
    private var results = JSONWriter()
    private var errors = JSONWriter()
    private(set) var errorCount = 0

    init(started: Timestamp) {
        self.started = started
        results.beginArray()
        errors.beginArray()
    }

    mutating func add(_ write: (inout JSONWriter) -> Void) { write(&results) }

    mutating func fail(_ failure: HubSpotFailure, adding more: [(key: String, values: [String])] = []) {
        failure.write(to: &errors, adding: more)
        errorCount += 1
    }

    /// - Parameter success: the status if there are no errors.
    func response(success: Int = 200, completed: Timestamp) -> SimulatorResponse {
        var (results, errors) = (results, errors)
        results.endArray()
        errors.endArray()
        var writer = JSONWriter(capacity: results.bytes.count + errors.bytes.count + 256)
        writer.beginObject()
        writer.key("status")
        writer.string("COMPLETE")
        writer.key("results")
        writer.raw(results.bytes)
        if errorCount > 0 {
            writer.key("numErrors")
            writer.int(errorCount)
            writer.key("errors")
            writer.raw(errors.bytes)
        }
        writer.key("startedAt")
        writer.string(DateText.instant(started))
        writer.key("completedAt")
        writer.string(DateText.instant(completed))
        writer.endObject()
        return .json(writer.bytes, status: errorCount > 0 ? 207 : success)
    }
}
