// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// Keeps spreadsheets from running cells as formulas, in a way that can be undone exactly.
///
/// OWASP, "CSV Injection": cells that begin with `=`, `+`, `-`, `@`, a tab or a carriage return get a leading apostrophe.
/// So does a cell that begins with apostrophes and then one of those; by that, taking one apostrophe away again gives
/// each cell back as it was.
enum FormulaGuard {
    /// Whether an apostrophe must be put before the cell.
    static func isNeeded(for cell: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let first = cell.first(where: { $0 != apostrophe }) else { return false }
        return isTrigger(first)
    }

    /// Whether the cell's first byte is an apostrophe that was put there.
    static func isPresent(in cell: ArraySlice<UInt8>) -> Bool {
        guard cell.first == apostrophe, let first = cell.first(where: { $0 != apostrophe }) else { return false }
        return isTrigger(first)
    }

    static let apostrophe = UInt8(ascii: "'")

    private static func isTrigger(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "="), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "@"), 0x09, 0x0D: true
        default: false
        }
    }
}
