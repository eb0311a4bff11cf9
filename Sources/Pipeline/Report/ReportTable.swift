// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel

/// One value of a report: what machines read, and how people see it.
enum ReportValue: Sendable, Equatable {
    case none
    case text(String)
    case count(Int)
    /// A decimal number of any length, without exponent.
    case decimal(String)
    /// 0…1.
    case share(Double)
    /// Per second.
    case rate(Double)
    case bytes(Int)
    case milliseconds(Int)
    case time(Timestamp)
    case flag(Bool, yes: String, no: String)
    case list([String])

    static func text(_ text: String?) -> ReportValue { text.map { .text($0) } ?? .none }
    static func count(_ count: Int?) -> ReportValue { count.map { .count($0) } ?? .none }

    /// `part` of `whole`; none of nothing.
    static func share(_ part: Int, of whole: Int) -> ReportValue {
        whole > 0 ? .share(Double(part) / Double(whole)) : .none
    }

    var json: JSONValue {
        switch self {
        case .none: .null
        case .text(let text): .string(text)
        case .count(let count), .bytes(let count), .milliseconds(let count): .number(String(count))
        // As a text: readers that take JSON numbers for binary fractions would round it.
        case .decimal(let text): .string(text)
        case .share(let share): .number(Self.fixed(share, digits: 6))
        case .rate(let rate): .number(Self.fixed(rate, digits: 1))
        case .time(let time): .string(time.description)
        case .flag(let flag, _, _): .bool(flag)
        case .list(let items): .array(items.map { .string($0) })
        }
    }

    /// For a cell of a spreadsheet.
    var plain: String {
        switch self {
        case .none: ""
        case .list(let items): items.joined(separator: ", ")
        case .flag(let flag, _, _): flag ? "true" : "false"
        default: json.text ?? ""
        }
    }

    /// For people.
    var shown: String {
        switch self {
        case .none: "–"
        case .text(let text): text
        case .count(let count): count == 0 ? "–" : ReportNumber.grouped(String(count))
        case .decimal(let text): ReportNumber.grouped(text)
        case .share(let share): ReportNumber.percent(share)
        case .rate(let rate): rate < 0.05 ? "–" : ReportNumber.grouped(Self.fixed(rate, digits: rate < 10 ? 1 : 0))
        case .bytes(let bytes): ByteCount(bytes).description
        case .milliseconds(let milliseconds): ReportNumber.duration(milliseconds)
        case .time(let time): time.description.prefix(19).replacing("T", with: " ") + " UTC"
        case .flag(let flag, let yes, let no): flag ? yes : no
        case .list(let items): items.isEmpty ? "–" : items.joined(separator: ", ")
        }
    }

    private static func fixed(_ value: Double, digits: Int) -> String {
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        let scaled = Int((value * scale).rounded())
        guard digits > 0 else { return String(scaled) }
        let text = String(abs(scaled))
        let padded = String(repeating: "0", count: max(0, digits + 1 - text.count)) + text
        return (scaled < 0 ? "-" : "") + padded.dropLast(digits) + "." + padded.suffix(digits)
    }
}

/// How numbers are shown to people.
enum ReportNumber {
    /// `-1,234,567.5`
    static func grouped(_ number: String) -> String {
        let isNegative = number.first == "-"
        let parts = (isNegative ? number.dropFirst() : number[...]).split(separator: ".", maxSplits: 1)
        let whole = parts.first ?? "0"
        var text = ""
        for (index, digit) in whole.enumerated() {
            if index > 0, (whole.count - index) % 3 == 0 { text += "," }
            text.append(digit)
        }
        return (isNegative ? "−" : "") + text + (parts.count > 1 ? "." + parts[1] : "")
    }

    /// `99.7 %`; never 100 unless it is all, never 0 unless it is nothing.
    static func percent(_ share: Double) -> String {
        if share <= 0 { return "0 %" }
        if share >= 1 { return "100 %" }
        let tenths = min(999, max(1, Int((share * 1000).rounded())))
        return "\(tenths / 10).\(tenths % 10) %"
    }

    /// `1 h 13 min`, `42 s`
    static func duration(_ milliseconds: Int) -> String {
        let seconds = (milliseconds + 500) / 1000
        if seconds < 60 { return "\(seconds) s" }
        if seconds < 3600 { return "\(seconds / 60) min" + (seconds % 60 == 0 ? "" : " \(seconds % 60) s") }
        let minutes = seconds / 60 % 60
        return "\(seconds / 3600) h" + (minutes == 0 ? "" : " \(minutes) min")
    }
}

/// Rows of one kind, with a name for machines and a title for people.
struct ReportTable: Sendable, Equatable {
    struct Column: Sendable, Equatable {
        var key: String
        var title: String
        var isNumber: Bool
        /// On a page it stands below the column before it, in smaller letters: long sentences make bad columns.
        var isNote = false

        static func text(_ title: String, key: String? = nil) -> Column {
            Column(key: key ?? name(of: title), title: title, isNumber: false)
        }
        static func note(_ title: String, key: String) -> Column {
            Column(key: key, title: title, isNumber: false, isNote: true)
        }
        static func number(_ title: String, key: String? = nil) -> Column {
            Column(key: key ?? name(of: title), title: title, isNumber: true)
        }

        private static func name(of title: String) -> String { title.lowercased().replacing(" ", with: "_") }
    }

    let key: String
    /// What the rows are, as the caption of the table.
    let caption: String
    let columns: [Column]
    private(set) var rows: [[ReportValue]] = []

    init(_ key: String, caption: String, _ columns: [Column]) {
        self.key = key
        self.caption = caption
        self.columns = columns
    }

    mutating func add(_ row: [ReportValue]) {
        precondition(row.count == columns.count, "a row has a value for each column")
        rows.append(row)
    }

    /// Whether no row has anything in the column.
    func isEmpty(column: Int) -> Bool { rows.allSatisfy { $0[column] == .none || $0[column] == .list([]) } }
}

/// A part of the report: some words, some tables, perhaps a plot beside a table.
struct ReportSection: Sendable, Equatable {
    let key: String
    let title: String
    /// What it is about, for people; may be empty.
    var intro: String
    var tables: [ReportTable] = []
    var plots: [LinePlot] = []
    /// Sentences below the tables.
    var remarks: [String] = []

    init(_ key: String, _ title: String, _ intro: String) {
        self.key = key
        self.title = title
        self.intro = intro
    }
}
