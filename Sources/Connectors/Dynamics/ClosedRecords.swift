// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezModel

/// Records that are opened for what belongs to them, and closed again as they were: opportunities for their lines, e-mails for
/// their attachments. Their states are noted before: `closed ID:1:3,…`.
struct ClosedRecords: Sendable {
    private static let mark = "closed "

    var states: [String: RecordState]

    init(states: [String: RecordState]) { self.states = states }

    /// `nil` if it is no such note.
    init?(note: String) {
        guard note.hasPrefix(Self.mark) else { return nil }
        var states: [String: RecordState] = [:]
        for item in note.dropFirst(Self.mark.count).split(separator: ",") {
            let parts = item.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count == 3, let id = RecordID(String(parts[0])), let state = Int(parts[1]) else { return nil }
            states[id.text] = RecordState(state: state, reason: Int(parts[2]))
        }
        self.states = states
    }

    var note: String {
        Self.mark
            + states.sorted { $0.key < $1.key }.map { id, state in
                "\(id):\(state.state):\(state.reason.map { String($0) } ?? "")"
            }.joined(separator: ",")
    }

    /// One that cannot be opened refuses what is written to it.
    func open(_ table: TableMetadata, _ batches: BatchSender) async throws {
        let operations = states.keys.sorted().map { StateChange(table: table, id: $0).opening }
        _ = try await batches.send(operations, isIdempotent: true)
    }

    /// - Returns: what was said against it, by record.
    func close(_ table: TableMetadata, _ batches: BatchSender) async throws -> [String: Rejection] {
        var refused: [String: Rejection] = [:]
        let states = states.sorted { $0.key < $1.key }
        let operations = states.map { StateChange(table: table, id: $0.key).closing($0.value) }
        // Closing what is closed already is refused, so a batch that was lost is not sent again.
        for (record, answer) in zip(states, try await batches.send(operations, isIdempotent: false)) {
            if let refusal = answer.refusal {
                refused[record.key] = refusal.rejection(columns: table.columnNames)
            }
        }
        return refused
    }

    /// As `close`, of records that must not stay open.
    ///
    /// - Parameter purpose: what they were opened for.
    /// - Throws: what was said against it.
    func closeAgain(_ table: TableMetadata, _ batches: BatchSender, purpose: String) async throws {
        let refused = try await close(table, batches)
        if let id = refused.keys.sorted().first, let rejection = refused[id] {
            throw MigratezError(
                rejection.code, "\(table.name) \(id) was opened for its \(purpose), and could not be closed again",
                remedy: .fixConfiguration, hint: "close it in Dynamics, then resume")
        }
    }
}
