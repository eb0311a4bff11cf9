// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import MigratezStaging

extension ReportContent {
    /// Files: what was moved, and what was read back of it; `nil` if the run moved none.
    var contentSection: ReportSection? {
        guard !contents.isEmpty else { return nil }
        var section = ReportSection(
            "contents", "Files",
            "The bytes that belong to records, and what the destination gave back of them, compared by length and SHA-256."
        )
        var table = ReportTable(
            "contents", caption: "Files moved and read back",
            [
                .text("Stream"), .number("Moved"), .number("Bytes"), .number("Unchanged"), .number("Unavailable"),
                .number("Read back", key: "compared"), .number("Bytes read back", key: "compared_bytes"),
                .number("Equal"), .number("Differing"),
            ])
        for stream in Set(contents.map(\.stream)).sorted(by: { $0.text < $1.text }) {
            func total(_ state: StagedContent.State) -> ContentTotal? {
                contents.first { $0.stream == stream && $0.state == state }
            }
            let verified = verifications.first { $0.result.stream == stream }?.result
            table.add([
                .text(stream.text), .count(total(.whole)?.files ?? 0), .bytes(total(.whole)?.bytes ?? 0),
                .count(total(.unchanged)?.files ?? 0), .count(total(.unavailable)?.files ?? 0),
                .count(verified?.files), verified.map { .bytes($0.fileBytes) } ?? .none,
                .count(verified.map { $0.files - $0.filesDifferent }), .count(verified?.filesDifferent),
            ])
        }
        section.tables = [table]
        return section
    }
}
