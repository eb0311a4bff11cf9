// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezModel
import MigratezTestKit
import MigratezTransform
import Testing

/// What an expression makes of a record.
private enum Evaluation {
    /// The JSON value, `""` for nothing, or code and reason of the rejection.
    static func result(_ source: String, of record: String = "{}", vars: [String: String] = [:]) throws -> String {
        let field = FieldSpec(target: "T", origin: .expression(try RecordExpression(parsing: source)))
        let (outcome, text) = try MappingFixtures.map(record, by: try MappingFixtures.mapper([field], vars: vars))
        guard case .rejected(let rejection) = outcome else { return String(text.dropFirst(5).dropLast()) }
        return "\(rejection.code) \(rejection.fields) \(rejection.reason ?? "-")"
    }
}

@Suite struct `The functions of expressions` {
    @Test(arguments: ExpressionFunction.all.map(\.name)) func `give what their documentation shows`(
        _ name: String
    ) throws {
        let function = try #require(ExpressionFunction.named(name))
        let expression = try RecordExpression(parsing: function.example.expression)
        let found = try Evaluation.result(function.example.expression)
        let text = found.hasPrefix("\"") ? String(found.dropFirst().dropLast()) : found
        #expect(text == function.example.result ?? "", "\(function.example.expression)")
        #expect(function.example.expression.contains("\(name)("))
        #expect(ExpressionCheck.failures(in: expression, for: .value, vars: [:]) == [])
    }

    @Test func `have names of their own, one line of documentation and a group`() {
        #expect(ExpressionFunction.all.count >= 45)
        #expect(Set(ExpressionFunction.all.map(\.name)).count == ExpressionFunction.all.count)
        for function in ExpressionFunction.all {
            #expect((15...110).contains(function.summary.count), "\(function.name)")
            #expect(function.summary.first?.isUppercase == true && !function.summary.hasSuffix("."), "\(function.name)")
            #expect(!function.parameters.isEmpty, "\(function.name)")
        }
    }

    @Test(arguments: ExpressionFunction.all.map(\.name)) func `give nothing for nothing, unless they say otherwise`(
        _ name: String
    ) throws {
        let function = try #require(ExpressionFunction.named(name))
        let rest = function.parameters.dropFirst().filter { !$0.isOptional }.map { parameter in
            switch parameter.type {
            case .number: "1"
            case .pattern: "'yyyy-MM-dd'"
            default: "'2026-01-01'"
            }
        }
        let found = try Evaluation.result("\(name)(\((["absent"] + rest).joined(separator: ", ")))")
        let otherwise = ["has": "false", "isBlank": "true", "size": "0", "contains": "false"]
        let ends = ["startsWith": "false", "endsWith": "false"]
        #expect(found == otherwise[name] ?? ends[name] ?? "", "\(name)")
    }

    @Test(arguments: [
        ("timestamp('2026-01-15 09:00', 'Europe/Berlin')", "2026-01-15T08:00:00.000Z"),
        ("timestamp('2026-07-15 09:00', 'America/New_York')", "2026-07-15T13:00:00.000Z"),
        // Of an hour that the clocks show twice the first is meant; one that they skip is taken as if they had not.
        ("timestamp('2026-10-25 02:30', 'Europe/Berlin')", "2026-10-25T00:30:00.000Z"),
        ("timestamp('2026-03-29 02:30', 'Europe/Berlin')", "2026-03-29T01:30:00.000Z"),
        // The zone changed its standard time, not only for the summer.
        ("timestamp('2014-10-25 12:00', 'Europe/Moscow')", "2014-10-25T08:00:00.000Z"),
        ("timestamp('2014-10-27 12:00', 'Europe/Moscow')", "2014-10-27T09:00:00.000Z"),
        ("timestamp('2026-07-15T09:00:00Z', 'Europe/Berlin')", "2026-07-15T09:00:00.000Z"),
        ("timestamp('2026-07-15 09:00')", "2026-07-15T09:00:00.000Z"),
        ("timestamp(1619827200000, 'Europe/Berlin')", "2021-05-01T00:00:00.000Z"),
        ("date('2026-07-15', 'America/New_York')", "2026-07-15"),
        ("date('2026-07-15T03:00:00Z', 'America/New_York')", "2026-07-14"),
        (
            "formatDate('2026-07-15T03:00:00Z', 'EEEE, d MMMM yyyy h:mm a', 'America/New_York')",
            "Tuesday, 14 July 2026 11:00 PM"
        ),
        ("formatDate('2026-07-05', 'dd.MM.yy')", "05.07.26"), ("formatDate('2026-07-05', \"yyyy'Q'MM\")", "2026Q07"),
        ("parseDate('5 Jul 26', 'd MMM yy')", "2026-07-05"), ("parseDate('12/31/1999', 'MM/dd/yyyy')", "1999-12-31"),
        ("parseDate('31.12.2026 23:30', 'dd.MM.yyyy HH:mm', 'Europe/Berlin')", "2026-12-31T22:30:00.000Z"),
        ("parseDate('12/31/1999 12:05 am', 'MM/dd/yyyy hh:mm a')", "1999-12-31T00:05:00.000Z"),
        ("addMonths('2024-02-29', 12)", "2025-02-28"),
        ("addMonths('2026-03-31T10:00:00Z', -1)", "2026-02-28T10:00:00.000Z"),
        ("addDays('2026-03-01T00:30:00Z', -1)", "2026-02-28T00:30:00.000Z"),
        ("daysBetween('2026-03-28T23:30:00Z', '2026-03-29T00:30:00Z', 'Europe/Berlin')", "0"),
    ]) func `know days, clocks and time zones`(_ source: String, _ wanted: String) throws {
        #expect(try Evaluation.result(source).replacing("\"", with: "") == wanted)
    }

    @Test(arguments: [
        ("date('2021-02-29')", "date() expected"), ("parseDate('31/02/2026', 'dd/MM/yyyy')", "of the form given"),
        ("addDays('9999-12-31', 1)", "the years 1 to 9999"), ("addMonths('2026-01-01', 120000)", "the years 1 to 9999"),
        ("1 / 0", "division by zero"), ("5 % 0", "division by zero"),
        ("9999999999999999999999999999999999 + 1", "more than 34 digits"), ("number('x')", "a number in number()"),
        ("round(1, 'x')", "a whole number from -20 to 20 in round()"), ("substring('a', 1.5)", "a whole number"),
        ("padLeft('a', 1001, ' ')", "from 0 to 1000"), ("first('a')", "a list in first()"), ("'a'.b", "no 'b'"),
        ("phone('1', 'XX')", "a region: US, CA"), ("5[0]", "expected a list"), ("[1]['a']", "there is no 'a'"),
        ("timestamp(1, 'Nowhere/Else')", "the name of a time zone"),
    ]) func `reject what they cannot do, with the reason`(_ source: String, _ reason: String) throws {
        let found = try Evaluation.result(source)
        #expect(found.hasPrefix("MZ-MAP-01 [\"T\"] "), "\(found)")
        #expect(found.contains(reason.replacing("date() expected", with: "expected a date in date()")), "\(found)")
    }

    @Test func `never make a text larger than a record can be`() throws {
        let doubled = "replace(replace(replace(replace(x, 'a', x), 'a', x), 'a', x), 'a', x)"
        let record = #"{"x":"\#(String(repeating: "a", count: 500))"}"#
        #expect(try Evaluation.result(doubled, of: record).contains("longer than 16 MiB"))
    }
}

@Suite struct `Expressions over a record` {
    private static let record = """
        {"properties":{"amount":"12.50","count":3,"tags":["red","green"],"First Name":"Ada","note":null,
        "address":{"city":"London","lines":["12 Main St","Flat 2"],"zip code":"N1"},"since":"2021-05-01T10:00:00+02:00",
        "until":"2021-05-01","choices":"a; b"},"archived":false}
        """

    @Test(arguments: [
        ("address.city", #""London""#), ("address['zip code']", #""N1""#), ("address.lines[0]", #""12 Main St""#),
        ("address.lines[-1]", #""Flat 2""#), ("address.lines[7]", ""), ("address.country.code", ""),
        ("absent.city", ""), ("absent[0]", ""), ("address.lines", #"["12 Main St","Flat 2"]"#),
        ("has(address.city)", "true"), ("has(address.country)", "false"), ("record['First Name']", #""Ada""#),
        ("'green' in tags", "true"), ("'blue' in tags", "false"), ("size(tags)", "2"),
        ("join(tags, '+')", #""red+green""#),
        ("'b' in choices", "true"), ("count in [1, 2, 3]", "true"), ("first(split(choices, ';'))", #""a""#),
        ("distinct(tags)", #""red;green""#),
    ]) func `reach inside it`(_ source: String, _ wanted: String) throws {
        #expect(try Evaluation.result(source, of: Self.record) == wanted)
    }

    @Test(arguments: [
        ("0.1 + 0.2", "0.3"), ("count * 1.1", "3.3"), ("amount * 2", "25"), ("amount - 0.50", "12"), ("10 / 4", "2.5"),
        ("1 / 3", "0.333333333333333333"), ("2 / 3 * 3", "2.000000000000000001"), ("7 % 3", "1"), ("-7 % 3", "-1"),
        ("5.5 % 2", "1.5"), ("2 + 3 * 4", "14"), ("(2 + 3) * 4", "20"), ("10 - 4 - 3", "3"), ("100 / 10 / 2", "5"),
        ("-count", "-3"), ("round(-0.5)", "-1"), ("round(1234.5, -2)", "1200"), ("ceil(-2.1)", "-2"),
        ("floor(2.99, 1)", "2.9"), ("number('1e3')", "1000"), ("1.50", "1.5"), ("count + amount", #""312.50""#),
        ("count + number(amount)", "15.5"), ("string(count) + 1", #""31""#),
    ]) func `calculate exactly`(_ source: String, _ wanted: String) throws {
        #expect(try Evaluation.result(source, of: Self.record) == wanted)
    }

    /// Absent, null and empty are all nothing.
    @Test(arguments: [
        ("note + 1", ""), ("note * 2", ""), ("-note", ""), ("note == null", "true"), ("note != 'x'", "true"),
        ("note < 1", "false"), ("note >= 1", "false"), ("!note", "true"), ("note && true", "false"),
        ("note || true", "true"), ("note ? 1 : 2", "2"), ("note + 'x'", #""x""#), ("note in ['x']", "false"),
        ("note in [null]", "true"), ("'' == note", "true"), ("lower(note)", ""), ("addDays(note, 1)", ""),
        ("addDays('2026-01-01', note)", ""), ("replace('aba', 'b', note)", #""aa""#), ("coalesce(note, absent)", ""),
        ("[note, 'a'][0]", ""), ("null", ""), ("min(note, absent)", ""),
    ]) func `treat nothing as documented`(_ source: String, _ wanted: String) throws {
        #expect(try Evaluation.result(source, of: Self.record) == wanted)
    }

    @Test(arguments: [
        ("since > until", "true"), ("since >= '2021-05-01T08:00:00Z'", "true"),
        ("'2021-05-01T08:00Z' < since", "false"),
        ("since == timestamp('2021-05-01T08:00:00Z')", "true"), ("'10' > '9'", "true"), ("'b' > 'a'", "true"),
        ("'é' == 'e\u{301}'", "true"), ("amount == 12.5", "true"), ("amount == '12.5'", "false"),
    ]) func `compare texts by what both of them are`(_ source: String, _ wanted: String) throws {
        #expect(try Evaluation.result(source, of: Self.record) == wanted)
    }

    @Test func `know the run and the file's constants`() throws {
        #expect(try Evaluation.result("run.date + ' ' + run.id + ' ' + run.name") == #""2026-11-23 7f3a0000 test""#)
        #expect(
            try Evaluation.result(
                "vars.zone == 'UTC' && date('2026-01-01', vars.zone) == '2026-01-01'", vars: ["zone": "UTC"]) == "true")
    }

    @Test func `are refused when they are too long or too deep, and at once`() {
        for source in [
            String(repeating: "a+", count: 1900) + "a", String(repeating: "a", count: 4001),
            "a" + String(repeating: ".b", count: 250), "a" + String(repeating: "[0]", count: 250),
            String(repeating: "!", count: 100) + "a",
            String(repeating: "[", count: 100) + String(repeating: "]", count: 100),
            String(repeating: "a?b:", count: 100) + "c",
            String(repeating: "lower(", count: 100) + String(repeating: ")", count: 100),
        ] {
            #expect(throws: ExpressionFailure.self) { try RecordExpression(parsing: source) }
        }
        #expect((try? RecordExpression(parsing: String(repeating: "a||", count: 150) + "a")) != nil)
    }
}

@Suite struct `Checking expressions before there is a record` {
    private static let fields: [String: FieldSchema] = {
        let fields = [
            FieldSchema(name: "createdate", label: "", kind: .dateTime),
            FieldSchema(name: "closedate", label: "", kind: .date),
            FieldSchema(name: "amount", label: "", kind: .decimal), FieldSchema(name: "tax", label: "", kind: .integer),
            FieldSchema(name: "name", label: "", kind: .text),
            FieldSchema(name: "optout", label: "", kind: .bool),
            FieldSchema(
                name: "stage", label: "", kind: .choice,
                options: [
                    .init(value: "closedwon", label: "Closed Won"), .init(value: "closedlost", label: "Closed Lost"),
                ]),
        ]
        return Dictionary(uniqueKeysWithValues: fields.map { ($0.name, $0) })
    }()

    private func failures(_ source: String, _ purpose: ExpressionCheck.Purpose = .value) throws -> [String] {
        let expression = try RecordExpression(parsing: source)
        return ExpressionCheck.failures(in: expression, for: purpose, vars: ["day": "2026-01-01", "word": "soon"]) {
            Self.fields[$0]
        }.map { "\($0.offset): \($0.message)\($0.suggestion.map { " → \($0)" } ?? "")" }
    }

    @Test(arguments: [
        (
            "createdate >= 2019", "14: createdate (a date) cannot be compared with 2019 (a number)",
            "timestamp('2019-01-01')"
        ),
        (
            "1546300800000 < createdate", "0: 1546300800000 (a number) cannot be compared with createdate (a date)",
            "timestamp(1546300800000)"
        ),
        ("createdate == true", "14: createdate (a date) cannot be compared with true (a truth value)", ""),
        ("amount * 2 > !optout", "11: a number cannot be compared with a truth value", ""),
        ("amount > 'many'", "9: amount (a number) cannot be compared with 'many'", ""),
        ("closedate < 'soon'", "12: closedate (a date) cannot be compared with 'soon'", ""),
        ("closedate < vars.word", "17: closedate (a date) cannot be compared with 'soon'", ""),
        ("amount && optout", "0: && needs true or false, not amount (a number)", ""),
        ("!createdate", "1: ! needs true or false, not createdate (a date)", ""),
        ("amount ? 1 : 2", "0: ? needs true or false, not amount (a number)", ""),
        ("createdate + 30", "11: '+' does not add 30 (a number) to a date", "addDays(createdate, 30)"),
        ("closedate - createdate", "10: '-' does not work with dates", "daysBetween(createdate, closedate)"),
        ("closedate - 7", "10: '-' does not work with dates", "addDays(closedate, -7)"),
        ("amount + 1", "7: '+' joins amount letter by letter, as the source sends texts", "number(amount) + 1"),
        (
            "tax + amount", "4: '+' joins tax and amount letter by letter, as the source sends texts",
            "number(tax) + number(amount)"
        ),
        (
            "amount != tax", "7: '!=' compares amount and tax letter by letter, as the source sends texts",
            "number(amount) != number(tax)"
        ),
        (
            "closedate == createdate",
            "10: '==' compares closedate and createdate letter by letter, as the source sends texts",
            "timestamp(closedate) == timestamp(createdate)"
        ),
        ("optout + 1", "7: '+' does not work with optout (a truth value)", "string(optout)"),
        ("name * 'x'", "7: * needs a number, not 'x' (a text)", ""),
        ("stage == 'closedwin'", "9: 'closedwin' is not a value of stage", "closedwon"),
        ("stage == 'Closed Won'", "9: 'Closed Won' is not a value of stage", "closedwon"),
        ("stage in ['closedwon', 'lost']", "23: 'lost' is not a value of stage", ""),
        ("name == ['a']", "5: a list cannot be compared with '=='", "in"),
        ("name in 5", "5: 'in' needs a list or a text of choices, not 5 (a number)", ""),
        ("amount.cents", "6: amount (a number) has no 'cents'", ""),
        ("amount[0]", "6: amount (a number) has no elements", ""),
        ("addDays(optout, 1)", "8: addDays() needs a date, not optout (a truth value)", ""),
        ("round(createdate)", "6: round() needs a number, not createdate (a date)", ""),
        ("year('soon')", "5: year() needs a date, not 'soon' (a text)", ""),
        ("date(name, 'Berlin')", "11: there is no time zone 'Berlin'", "Europe/Berlin"),
        ("date(name, 'Europe/Berln')", "11: there is no time zone 'Europe/Berln'", "Europe/Berlin"),
        (
            "date(name, name)",
            "11: date() needs the name of a time zone such as 'Europe/Berlin' here, the same for every record", ""
        ),
        ("phone(name, 'USA')", "12: phone() knows 'US', 'CA', not 'USA'", "US"),
        ("1 / 0", "2: this has no value for any record: division by zero", ""),
        ("join(name, ',')", "5: join() needs a list, not name (a text)", ""),
    ]) func `finds what cannot work`(_ source: String, _ wanted: String, _ suggestion: String) throws {
        #expect(try failures(source) == [suggestion.isEmpty ? wanted : "\(wanted) → \(suggestion)"])
    }

    @Test(arguments: ["amount", "createdate", "'yes'", "[true]", "1 + 1"]) func `wants true or false of a filter`(
        _ source: String
    ) throws {
        #expect(try failures(source, .filter).count == 1)
    }

    @Test(arguments: [
        "createdate >= timestamp(vars.day) && !archived", "createdate > closedate", "closedate >= vars.day", "name > 5",
        "amount > '5'", "stage == 'closedwon' || stage == ''", "stage == null", "amount == 12.5",
        "number(amount) + 1 > tax", "'#' + amount == '#1'", "optout", "optout == 'true'",
        "anything.at.all > 5", "createdate != null", "date(createdate) == '2026-01-01'",
        "has(name) ? name == 'x' : optout",
    ]) func `finds nothing in what can`(_ source: String) throws {
        #expect(try failures(source, .filter) == [])
    }

    @Test func `knows the type of the whole`() throws {
        for (source, type) in [
            ("amount * 2", ExpressionType.number), ("name + '!'", .text), ("coalesce(closedate, createdate)", .date),
            ("optout ? amount : name", .any), ("amount > 1", .bool), ("split(name, ' ')", .list),
        ] {
            let expression = try RecordExpression(parsing: source)
            #expect(ExpressionCheck.type(of: expression, vars: [:]) { Self.fields[$0] } == type, "\(source)")
        }
    }
}
