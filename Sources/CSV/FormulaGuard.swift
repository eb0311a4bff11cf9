// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// Keeps spreadsheets from running cells as formulas, in a way that can be undone exactly.
///
/// OWASP, "CSV Injection": cells that begin with `=`, `+`, `-`, `@`, the full-width form of one of these, a tab or a line
/// break get a leading apostrophe. So does a cell that begins with apostrophes and then one of those; by that, taking one
/// apostrophe away again gives each cell back as it was.
enum FormulaGuard {
    /// Whether an apostrophe must be put before the cell.
    static func isNeeded(for cell: UnsafeBufferPointer<UInt8>) -> Bool {
        isTriggered(cell.drop { $0 == apostrophe })
    }

    /// Whether the cell's first byte is an apostrophe that was put there.
    static func isPresent(in cell: ArraySlice<UInt8>) -> Bool {
        cell.first == apostrophe && isTriggered(cell.drop { $0 == apostrophe })
    }

    static let apostrophe = UInt8(ascii: "'")

    private static func isTriggered(_ cell: some Collection<UInt8>) -> Bool {
        switch cell.first {
        case UInt8(ascii: "="), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "@"), 0x09, 0x0A, 0x0D: true
        // `＝`, `＋`, `－` and `＠`, U+FF1D, FF0B, FF0D and FF20, which spreadsheets take for the plain ones.
        case 0xEF: fullWidth.contains { cell.starts(with: $0) }
        default: false
        }
    }

    private static let fullWidth: [[UInt8]] = [
        [0xEF, 0xBC, 0x9D], [0xEF, 0xBC, 0x8B], [0xEF, 0xBC, 0x8D], [0xEF, 0xBC, 0xA0],
    ]
}
