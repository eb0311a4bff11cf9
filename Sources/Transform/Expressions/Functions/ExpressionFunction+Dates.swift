// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel

extension ExpressionFunction {
    static let dateFunctions: [ExpressionFunction] = [
        ExpressionFunction(
            "timestamp", .dates, [Parameter("value", .date), .optional("zone", .zone)], .date,
            "The point in time that a text means; one without a zone of its own is of the zone given, or UTC",
            example: Example("timestamp('2026-07-01 09:00', 'Europe/Berlin')", "2026-07-01T07:00:00.000Z"),
            .values { (arguments) throws(ExpressionError) in
                .instant(try arguments.reading(0).instant(in: arguments.zone(1)))
            }),
        ExpressionFunction(
            "date", .dates, [Parameter("value", .date), .optional("zone", .zone)], .date,
            "The day of a point in time, by the clocks of the zone given, or UTC",
            example: Example("date('2026-03-31T22:30:00Z', 'Europe/Berlin')", "2026-04-01"),
            .values { (arguments) throws(ExpressionError) in DateFunctions.day(try arguments.local(zone: 1)) }),
        ExpressionFunction(
            "parseDate", .dates, [Parameter("text", .text), Parameter("form", .pattern), .optional("zone", .zone)],
            .date, "The date in a text of the form given; a form without hours gives a day",
            example: Example("parseDate('31/03/2026', 'dd/MM/yyyy')", "2026-03-31"),
            .values { (arguments) throws(ExpressionError) in try DateFunctions.parsed(arguments) }),
        ExpressionFunction(
            "formatDate", .dates, [Parameter("value", .date), Parameter("form", .pattern), .optional("zone", .zone)],
            .text, "The date in the form given, by the clocks of the zone given, or UTC",
            example: Example("formatDate('2026-03-31T22:30:00Z', 'd MMM yyyy, HH:mm')", "31 Mar 2026, 22:30"),
            .values { (arguments) throws(ExpressionError) in
                .text(try arguments.pattern(1).text(ofLocal: try arguments.local(zone: 2)))
            }),
        ExpressionFunction(
            "year", .dates, [Parameter("value", .date), .optional("zone", .zone)], .number, "The year of a date",
            example: Example("year('2026-03-31')", "2026"),
            .values { (arguments) throws(ExpressionError) in
                .number(ExactNumber(Int(DateFunctions.civil(try arguments.local(zone: 1)).year)))
            }),
        ExpressionFunction(
            "month", .dates, [Parameter("value", .date), .optional("zone", .zone)], .number,
            "The month of a date, from 1 to 12",
            example: Example("month('2026-03-31')", "3"),
            .values { (arguments) throws(ExpressionError) in
                .number(ExactNumber(Int(DateFunctions.civil(try arguments.local(zone: 1)).month)))
            }),
        ExpressionFunction(
            "day", .dates, [Parameter("value", .date), .optional("zone", .zone)], .number,
            "The day of the month of a date, from 1 to 31",
            example: Example("day('2026-03-31')", "31"),
            .values { (arguments) throws(ExpressionError) in
                .number(ExactNumber(Int(DateFunctions.civil(try arguments.local(zone: 1)).day)))
            }),
        ExpressionFunction(
            "weekday", .dates, [Parameter("value", .date), .optional("zone", .zone)], .number,
            "The day of the week of a date, from 1 for Monday to 7 for Sunday",
            example: Example("weekday('2026-03-31')", "2"),
            .values { (arguments) throws(ExpressionError) in
                let days = try arguments.local(zone: 1).flooredDivision(by: DateFunctions.dayLength)
                return .number(ExactNumber(DatePattern.weekday(ofDays: days)))
            }),
        ExpressionFunction(
            "addDays", .dates, [Parameter("value", .date), Parameter("days", .number)], .date,
            "The date so many days of 24 hours later, or earlier if the number is negative",
            example: Example("addDays('2026-02-27', 3)", "2026-03-02"),
            .values { (arguments) throws(ExpressionError) in
                let days = try arguments.whole(1, in: -4_000_000...4_000_000)
                let reading = try arguments.reading(0)
                return try DateFunctions.date(
                    reading.milliseconds + Int64(days) * DateFunctions.dayLength, reading.form)
            }),
        ExpressionFunction(
            "addMonths", .dates, [Parameter("value", .date), Parameter("months", .number)], .date,
            "The same day so many months later, or the last day of a shorter month",
            example: Example("addMonths('2026-01-31', 1)", "2026-02-28"),
            .values { (arguments) throws(ExpressionError) in try DateFunctions.addingMonths(arguments) }),
        ExpressionFunction(
            "daysBetween", .dates,
            [Parameter("first", .date), Parameter("second", .date), .optional("zone", .zone)], .number,
            "How many days the second date is after the first, by the clocks of the zone given, or UTC",
            example: Example("daysBetween('2026-03-01', '2026-03-31')", "30"),
            .values { (arguments) throws(ExpressionError) in
                let first = try arguments.local(0, zone: 2).flooredDivision(by: DateFunctions.dayLength)
                let second = try arguments.local(1, zone: 2).flooredDivision(by: DateFunctions.dayLength)
                return .number(ExactNumber(Int(second - first)))
            }),
    ]
}

private enum DateFunctions {
    static let dayLength: Int64 = 86_400_000

    static func civil(_ local: Int64) -> (year: Int64, month: Int64, day: Int64) {
        Timestamp.civil(fromDays: local.flooredDivision(by: dayLength))
    }

    /// The day's text: `2026-03-31`.
    static func day(_ local: Int64) -> ExpressionValue {
        var text: [UInt8] = []
        TimestampText.appendDay(of: Timestamp(milliseconds: local), to: &text)
        return .text(String(decoding: text, as: UTF8.self))
    }

    /// What was a day stays one; a time without zone counts as UTC.
    static func date(
        _ milliseconds: Int64, _ form: TimestampText.Reading.Form
    ) throws(ExpressionError) -> ExpressionValue {
        guard TimestampText.range.contains(milliseconds) else {
            throw ExpressionError("the date would not be in the years 1 to 9999")
        }
        return form == .day ? day(milliseconds) : .instant(Timestamp(milliseconds: milliseconds))
    }

    static func parsed(_ arguments: FunctionArguments) throws(ExpressionError) -> ExpressionValue {
        let pattern = try arguments.pattern(1)
        guard let local = pattern.local(of: TextFold.trimmed(arguments.text(0))) else {
            throw ExpressionError(expected: "a date of the form given")
        }
        guard pattern.hasTime else { return day(local) }
        let reading = TimestampText.Reading(milliseconds: local, form: .local)
        return .instant(reading.instant(in: arguments.zone(2)))
    }

    static func addingMonths(_ arguments: FunctionArguments) throws(ExpressionError) -> ExpressionValue {
        let months = try arguments.whole(1, in: -120_000...120_000)
        let reading = try arguments.reading(0)
        let days = reading.milliseconds.flooredDivision(by: dayLength)
        let (year, month, day) = Timestamp.civil(fromDays: days)
        let total = year * 12 + month - 1 + Int64(months)
        let (newYear, newMonth) = (total.flooredDivision(by: 12), total - total.flooredDivision(by: 12) * 12 + 1)
        guard (1...9999).contains(newYear) else {
            throw ExpressionError("the date would not be in the years 1 to 9999")
        }
        let next = newMonth == 12 ? (newYear + 1, 1) : (newYear, newMonth + 1)
        let first = Timestamp.days(year: newYear, month: newMonth, day: 1)
        let length = Timestamp.days(year: next.0, month: next.1, day: 1) - first
        let newDays = first + min(day, length) - 1
        return try date(newDays * dayLength + reading.milliseconds - days * dayLength, reading.form)
    }
}
