// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// Receipts joined to the rows that they are of, by their keys.
///
/// Those that come in the order of the rows, as nearly always, are neither copied nor looked up.
package struct JoinedReceipts: Sendable {
    private let receipts: [Receipt]
    /// Where the receipt of each row is; `nil` = they are in the order of the rows.
    private let places: [Int?]?

    /// - Parameter key: of the row at an index below `count`.
    package init(_ receipts: [Receipt], toRows count: Int, _ key: (Int) -> String) {
        self.receipts = receipts
        if receipts.count == count, receipts.indices.allSatisfy({ receipts[$0].key == key($0) }) {
            places = nil
        } else {
            let byKey = Dictionary(receipts.enumerated().map { ($1.key, $0) }) { _, last in last }
            places = (0..<count).map { byKey[key($0)] }
        }
    }

    /// The receipt of a row; `nil` if it has none.
    package subscript(row: Int) -> Receipt? {
        guard let places else { return receipts[row] }
        return places[row].map { receipts[$0] }
    }

    /// The receipts in the order of the rows; `nil` unless each row has exactly one.
    fileprivate var complete: [Receipt]? {
        guard let places else { return receipts }
        let ordered = places.compactMap { $0 }
        guard ordered.count == places.count, receipts.count == places.count else { return nil }
        return ordered.map { receipts[$0] }
    }
}

extension Batch {
    /// The receipts in the order of the rows.
    ///
    /// - Throws: `internalError` unless each row has exactly one.
    package func inOrder(_ receipts: [Receipt]) throws(MigratezError) -> [Receipt] {
        guard let ordered = JoinedReceipts(receipts, toRows: rows.count, { rows[$0].key }).complete else {
            throw MigratezError(.internalError, "\(rows.count) rows of \(object) got \(receipts.count) receipts")
        }
        return ordered
    }
}
