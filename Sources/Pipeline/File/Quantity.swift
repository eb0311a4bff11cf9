// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// Reads the quantities of a pipeline file: counts, sizes, spans of time, shares and rates.
enum Quantity {
    /// `200`, `50k`, `2M`: thousands and millions.
    static func count(_ text: String) -> Int? {
        guard let (number, unit) = split(text), let factor = ["": 1, "k": 1000, "M": 1_000_000][unit] else {
            return nil
        }
        return product(number, factor)
    }

    /// `16MiB`, `90MB`, `4096`: binary and decimal units, bytes without one.
    static func bytes(_ text: String) -> Int? {
        let units = [
            "": 1, "B": 1, "kB": 1000, "KB": 1000, "MB": 1_000_000, "GB": 1_000_000_000, "TB": 1_000_000_000_000,
            "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40,
        ]
        guard let (number, unit) = split(text), let factor = units[unit] else { return nil }
        return product(number, factor)
    }

    /// `500ms`, `10s`, `5m`, `2h`, `30d`.
    static func duration(_ text: String) -> Duration? {
        let units = ["ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000]
        guard let (number, unit) = split(text), let factor = units[unit], let span = product(number, factor) else {
            return nil
        }
        return .milliseconds(span)
    }

    /// `70%`, `0.5%`: from 0 to 1.
    static func share(_ text: String) -> Double? {
        guard text.hasSuffix("%"), let number = decimal(text.dropLast()), number <= 100 else { return nil }
        return number / 100
    }

    /// `150/10s`: so many in any such span.
    static func rate(_ text: String) -> (count: Int, per: Duration)? {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let count = count(String(parts[0])), count > 0 else { return nil }
        let span = parts[1].first?.isNumber == true ? String(parts[1]) : "1" + parts[1]
        guard let per = duration(span), per > .zero else { return nil }
        return (count, per)
    }

    private static func split(_ text: String) -> (number: Double, unit: String)? {
        let digits = text.prefix { $0.isASCII && ($0.isNumber || $0 == "." || $0 == "_") }
        guard let number = decimal(digits) else { return nil }
        return (number, String(text.dropFirst(digits.count).drop { $0 == " " }))
    }

    private static func decimal(_ text: Substring) -> Double? {
        let digits = text.filter { $0 != "_" }
        guard let first = digits.first, first.isNumber, digits.last?.isNumber == true else { return nil }
        return Double(digits)
    }

    private static func product(_ number: Double, _ factor: Int) -> Int? {
        let product = number * Double(factor)
        guard product.rounded() == product, product < 9.0e15 else { return nil }
        return Int(product)
    }
}
