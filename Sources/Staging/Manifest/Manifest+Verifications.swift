// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import GRDB
package import MigratezModel

/// What reading a stream back found out, in counts and sums.
package struct StreamVerification: Sendable, Hashable {
    /// A field over all records that were compared.
    package struct Field: Sendable, Hashable {
        package var field: String
        /// In how many records it was sent with a value.
        package var sent = 0
        /// In how many it has one in the destination.
        package var held = 0
        /// In how many the two differ.
        package var different = 0

        package init(field: String) { self.field = field }
    }

    /// The sum of a field over the compared records that belong to one group.
    package struct Sum: Sendable, Hashable {
        package var field: String
        /// What the records have in common, such as `StageName = Closed Won`; the pipeline's or the schema's own words
        /// only, never free text.
        package var labels: [String]
        /// Decimal numbers without rounding.
        package var sent: String
        package var held: String
        /// How many values each is the sum of.
        package var sentCount: Int
        package var heldCount: Int
        /// Values on either side that are no numbers.
        package var unreadable: Int

        package init(
            field: String, labels: [String], sent: String, held: String, sentCount: Int, heldCount: Int, unreadable: Int
        ) {
            self.field = field
            self.labels = labels
            self.sent = sent
            self.held = held
            self.sentCount = sentCount
            self.heldCount = heldCount
            self.unreadable = unreadable
        }

        /// Whether both sides have the same.
        package var agrees: Bool { sent == held && sentCount == heldCount && unreadable == 0 }
    }

    package var stream: StreamName
    package var object: String
    /// Which share of the records was to be compared, 0…1.
    package var share = 1.0
    /// The records that the manifest says are in the destination.
    package var loaded = 0
    /// The records that earlier runs left there and that this one, going on from them, did not write.
    package var kept = 0
    /// The records with our key that the destination counts; `nil` if it cannot tell.
    package var counted: Int?
    /// How many were read back and compared.
    package var compared = 0
    /// How many of these the destination does not have.
    package var missing = 0
    /// How many contents were read back and compared, how many bytes they have, and how many differ or are missing.
    package var files = 0
    package var fileBytes = 0
    package var filesDifferent = 0
    /// Every mapped field, in the order of the pipeline file.
    package var fields: [Field] = []
    package var sums: [Sum] = []
    /// The source ids of the first records that are missing or differ; not kept in the manifest.
    package var examples: [String] = []

    package init(stream: StreamName, object: String) {
        self.stream = stream
        self.object = object
    }

    /// How many records differ in each field; fields that agree are absent.
    package var differences: [String: Int] {
        Dictionary(fields.filter { $0.different > 0 }.map { ($0.field, $0.different) }) { first, _ in first }
    }

    /// Whether everything is as it should be.
    package var isGood: Bool {
        missing == 0 && differences.isEmpty && filesDifferent == 0
            && (counted == nil || counted == loaded + kept) && sums.allSatisfy(\.agrees)
    }
}

extension ManifestView {
    /// The latest verification of each stream, and when it was; streams that were never verified are absent.
    package func verifications() throws -> [(result: StreamVerification, time: Timestamp)] {
        let rows = try Row.fetchAll(
            database,
            sql: """
                SELECT verifications.*, streams.name AS name FROM verifications
                JOIN streams ON streams.number = verifications.stream ORDER BY verifications.rowid
                """)
        var verifications: [(result: StreamVerification, time: Timestamp)] = []
        for row in rows {
            let number: Int64 = row["stream"]
            var result = StreamVerification(
                stream: try decoded(StreamName(row["name"]), "name"), object: row["object"])
            result.share = row["share"]
            result.loaded = row["loaded"]
            result.kept = row["kept"]
            result.counted = row["counted"]
            result.compared = row["compared"]
            result.missing = row["missing"]
            result.files = row["files"]
            result.fileBytes = row["file_bytes"]
            result.filesDifferent = row["files_different"]
            result.fields = try fields(verifiedOf: number)
            result.sums = try sums(verifiedOf: number)
            verifications.append((result: result, time: Timestamp(milliseconds: row["checked_at"])))
        }
        return verifications
    }

    private func fields(verifiedOf stream: Int64) throws -> [StreamVerification.Field] {
        try Row.fetchAll(
            database, sql: "SELECT * FROM verified_fields WHERE stream = ? ORDER BY field", arguments: [stream]
        ).map { row in
            var field = StreamVerification.Field(field: row["field"])
            field.sent = row["sent"]
            field.held = row["held"]
            field.different = row["different"]
            return field
        }
    }

    private func sums(verifiedOf stream: Int64) throws -> [StreamVerification.Sum] {
        try Row.fetchAll(
            database, sql: "SELECT * FROM verified_sums WHERE stream = ? ORDER BY field, labels", arguments: [stream]
        ).map { row in
            let labels: String = row["labels"]
            return StreamVerification.Sum(
                field: row["field"], labels: labels.split(separator: "\n").map(String.init), sent: row["sent"],
                held: row["held"], sentCount: row["sent_count"], heldCount: row["held_count"],
                unreadable: row["unreadable"])
        }
    }
}

extension ManifestTransaction {
    /// Keeps the result in the place of an earlier one of the same stream; without its examples.
    package func record(_ result: StreamVerification) throws {
        let number = try number(of: result.stream)
        try execute("DELETE FROM verifications WHERE stream = ?", [number])
        try execute(
            """
            INSERT INTO verifications (stream, object, checked_at, share, loaded, kept, counted, compared, missing,
                files, file_bytes, files_different)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                number, result.object, now.milliseconds, result.share, result.loaded, result.kept, result.counted,
                result.compared, result.missing, result.files, result.fileBytes, result.filesDifferent,
            ])
        for field in result.fields {
            try execute(
                "INSERT INTO verified_fields (stream, field, sent, held, different) VALUES (?, ?, ?, ?, ?)",
                [number, field.field, field.sent, field.held, field.different])
        }
        for sum in result.sums {
            try execute(
                """
                INSERT INTO verified_sums (stream, field, labels, sent, held, sent_count, held_count, unreadable)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                """,
                [
                    number, sum.field, sum.labels.joined(separator: "\n"), sum.sent, sum.held, sum.sentCount,
                    sum.heldCount, sum.unreadable,
                ])
        }
    }
}
