// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezTransform
import Testing

@Suite struct `Mapping a record` {
    private typealias F = MappingFixtures

    @Test(arguments: [
        #""Ada""#, #""a\u00e9\n\"b\"""#, "1.0", "1e400", "-0", "true", "[1, 2]", #"{"a": null}"#, #"" ""#, #""😀""#,
    ]) func `copies what no rule touches byte for byte`(_ value: String) throws {
        #expect(try F.map(value, by: F.field("T", from: "f")) == #"{"T":\#(value)}"#)
    }

    @Test(arguments: ["null", #""""#]) func `leaves out what is empty`(_ value: String) throws {
        #expect(try F.map(value, by: F.field("T", from: "f")) == "{}")
        #expect(try F.map(value, by: F.field("T", from: "absent")) == "{}")
    }

    @Test func `puts the default in place of an empty value only`() throws {
        let field = F.field("T", from: "f") {
            $0.fallback = TextTemplate(parts: [.literal("on "), .run(.date)])
            $0.isTrimmed = true
        }
        #expect(try F.map(#""  ""#, by: field) == #"{"T":"on 2026-11-23"}"#)
        #expect(try F.map(#"" x ""#, by: field) == #"{"T":"x"}"#)
    }

    @Test func `rejects a record without a required value`() throws {
        let field = F.field("T", from: "f") { $0.isRequired = true }
        #expect(try F.map("null", by: field) == #"MZ-REQ-01 ["T"]"#)
    }

    @Test(arguments: [
        ("true", "true"), (#""YES""#, "true"), (#""1""#, "true"), ("0", "false"), (#""off""#, "false"),
        (#""perhaps""#, #"MZ-TYPE-01 ["T"]"#),
    ]) func `understands truth values`(_ value: String, _ wanted: String) throws {
        try expect(value, .bool, wanted)
    }

    @Test(arguments: [
        (#""1.0""#, "1.0"), (#""-12.50e3""#, "-12.50e3"), ("7", "7"), (#""007""#, "MZ"), (#""1,5""#, "MZ"),
        (#"".5""#, "MZ"),
        (#""1.""#, "MZ"), (#""-""#, "MZ"), (#""0""#, "0"), (#""0.0""#, "0.0"), (#""NaN""#, "MZ"),
    ]) func `writes decimals with their own digits`(_ value: String, _ wanted: String) throws {
        try expect(value, .decimal, wanted)
    }

    @Test(arguments: [(#""12""#, "12"), (#""12.00""#, "12"), (#""12.5""#, "MZ"), (#""1e3""#, "MZ"), ("-3", "-3")])
    func `writes integers without a fraction`(_ value: String, _ wanted: String) throws {
        try expect(value, .integer, wanted)
    }

    @Test(arguments: [
        (#""2021-05-01""#, #""2021-05-01""#), (#""2021-05-01T23:30:00-02:00""#, #""2021-05-02""#),
        (#""1619827200000""#, #""2021-05-01""#), ("1619827200000", #""2021-05-01""#),
        (#""19081209""#, #""1908-12-09""#),
        (#""19990231""#, "MZ"), (#""tomorrow""#, "MZ"), (#""2021-02-29""#, "MZ"), (#""2020-02-29""#, #""2020-02-29""#),
        (#""99999999999999999""#, "MZ"),
    ]) func `brings days into one form`(_ value: String, _ wanted: String) throws {
        try expect(value, .date, wanted)
    }

    @Test(arguments: [
        (#""2021-05-01T10:00:00+02:00""#, #""2021-05-01T08:00:00.000Z""#),
        (#""2021-05-01 10:00""#, #""2021-05-01T10:00:00.000Z""#),
        (#""2021-05-01T10:00:00.1239Z""#, #""2021-05-01T10:00:00.123Z""#),
        (#""-1000""#, #""1969-12-31T23:59:59.000Z""#),
        (#""2021-05-01T25:00Z""#, "MZ"), (#""2021-05-01T10:00:00.Z""#, "MZ"),
    ]) func `brings instants into one form`(_ value: String, _ wanted: String) throws {
        try expect(value, .dateTime, wanted)
    }

    @Test(arguments: [
        ("a@b.test", true), ("a@b", false), ("@b.test", false), ("a b@c.test", false), ("a@b..test", false),
        ("a@b.test.", false), ("a@b@c.test", false), ("ö@ü.test", true), ("a@b.test, c@d.test", false),
    ]) func `tells addresses from other text`(_ address: String, _ isValid: Bool) throws {
        try expect("\"\(address)\"", .email, isValid ? "\"\(address)\"" : "MZ")
    }

    private func expect(_ value: String, _ type: FieldSpec.ValueType, _ wanted: String) throws {
        let found = try F.map(value, by: F.field("T", from: "f") { $0.type = type })
        #expect(wanted.hasPrefix("MZ") ? found.hasPrefix("MZ-TYPE-01") : found == #"{"T":\#(wanted)}"#)
    }

    @Test func `lets a value that does not fit count as empty if told so`() throws {
        let field = F.field("T", from: "f") {
            $0.type = .integer
            $0.onError = .null
            $0.fallback = TextTemplate("0")
        }
        #expect(try F.map(#""many""#, by: field) == #"{"T":0}"#)
    }

    @Test(arguments: [
        ("abcde", 5, "abcde"), ("abcde", 4, "abcd"), ("a😀b", 4, "a😀b"), ("a😀b", 3, "a😀"), ("a😀b", 2, "a"),
        ("e\u{301}x", 1, ""),
    ]) func `cuts text between characters`(_ text: String, _ length: Int, _ wanted: String) throws {
        let cut = F.field("T", from: "f") {
            $0.charactersMax = length
            $0.isTruncated = true
        }
        #expect(try F.map("\"\(text)\"", by: cut) == #"{"T":"\#(wanted)"}"#)
        let strict = F.field("T", from: "f") { $0.charactersMax = length }
        #expect(try F.map("\"\(text)\"", by: strict).hasPrefix("MZ-LEN-01") == (text != wanted))
    }

    @Test(arguments: [
        ("a", ValueMapSpec.Otherwise.quarantine, #"{"T":"one"}"#), ("b", .quarantine, #"MZ-PICK-02 ["T"]"#),
        ("b", .keep, #"{"T":"b"}"#), ("b", .drop, "{}"), ("b", .use("other"), #"{"T":"other"}"#),
    ]) func `translates values by their map`(
        _ value: String, _ otherwise: ValueMapSpec.Otherwise, _ wanted: String
    ) throws {
        let field = F.field("T", from: "f") { $0.valueMap = "m" }
        let map = ValueMapSpec(entries: ["a": "one"], otherwise: otherwise)
        #expect(try F.map("\"\(value)\"", by: field, values: ["m": map]) == wanted)
    }

    @Test func `finds people by their address, and gives the rest to the substitute`() throws {
        let spec = PeopleSpec(
            entries: ["old@a.test": "new@a.test"], unmatched: .assign(email: "etl@a.test", tag: nil))
        let source = [
            Person(id: "1", email: "Ada@A.test", isActive: true), Person(id: "2", email: "old@a.test", isActive: false),
            Person(id: "3", email: "gone@a.test", isActive: true),
        ]
        let destination = [
            Person(id: "U1", email: "ada@a.test", isActive: true),
            Person(id: "U2", email: "new@a.test", isActive: true),
            Person(id: "U3", email: "gone@a.test", isActive: false),
            Person(id: "U4", email: "etl@a.test", isActive: true),
        ]
        let people = try PeopleMap(spec, source: source, destination: destination)
        let mapper = try F.mapper([F.field("OwnerId", from: "o") { $0.isPerson = true }], people: people)
        for (id, wanted) in [("1", "U1"), ("2", "U2"), ("3", "U4"), ("99", "U4")] {
            #expect(try F.map(#"{"properties":{"o":"\#(id)"}}"#, by: mapper).text == #"{"OwnerId":"\#(wanted)"}"#)
        }
        #expect(mapper.tally.entries.map(\.count) == [2])
        #expect(throws: MigratezError.self) {
            try PeopleMap(spec, source: source, destination: destination.dropLast())
        }
    }

    @Test func `leaves out what the filter does not take, and rejects what it cannot judge`() throws {
        let mapper = try F.mapper(
            [F.field("T", from: "f")], where: "createdate >= timestamp(vars.cutoff) && !archived",
            vars: ["cutoff": "2019-01-01T00:00:00Z"])
        func outcome(_ record: String) throws -> MappingOutcome { try F.map(record, by: mapper).outcome }
        #expect(try outcome(#"{"properties":{"createdate":"2019-01-01T00:00:00Z"},"archived":false}"#) == .mapped)
        #expect(try outcome(#"{"properties":{"createdate":"1546300800000"},"archived":false}"#) == .mapped)
        #expect(try outcome(#"{"properties":{"createdate":"2018-12-31T23:59:59.999Z"}}"#) == .filtered)
        #expect(try outcome(#"{"properties":{"createdate":"2020-01-01"},"archived":true}"#) == .filtered)
        #expect(try outcome(#"{"properties":{}}"#) == .filtered)
        #expect(
            try outcome(#"{"properties":{"createdate":"soon"}}"#)
                == .rejected(
                    Rejection(.mappingFailed, fields: ["where"], reason: "expected a date")))
    }

    @Test func `refuses a default that is not of the field's type`() {
        #expect(throws: MigratezError.self) {
            try F.mapper([
                F.field("T", from: "f") {
                    $0.type = .bool
                    $0.fallback = TextTemplate("perhaps")
                }
            ])
        }
    }
}
