// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// Counts and sizes as people write them in a pipeline file.
enum QuantityText {
    /// `200`, `20k`, `1M`, `64KiB`, `90MiB`, `1GiB` → the number; `nil` if it is none of these.
    static func count(_ text: String) -> Int? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let number = Int(digits) else { return nil }
        let unit: Int
        switch text.dropFirst(digits.count) {
        case "", "B": unit = 1
        case "k": unit = 1000
        case "M": unit = 1_000_000
        case "KiB": unit = 1 << 10
        case "MiB": unit = 1 << 20
        case "GiB": unit = 1 << 30
        default: return nil
        }
        let (product, overflow) = number.multipliedReportingOverflow(by: unit)
        return overflow ? nil : product
    }
}
