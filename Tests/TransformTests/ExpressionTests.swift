// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import MigratezTransform
import Testing

@Suite struct `Expressions` {
    private static let record =
        #"{"properties":{"first":"Ada","last":"","n":"10","m":9,"email":"Ada@X.test","at":"2021-05-01T10:00:00+02:00","#
        + #""tags":"a; b;c","t":"true","nothing":null},"archived":false}"#

    private func result(_ source: String) throws -> String {
        let field = FieldSpec(target: "T", origin: .expression(try RecordExpression(parsing: source)))
        let mapper = try MappingFixtures.mapper([field], vars: ["x": "hello"])
        let (outcome, text) = try MappingFixtures.map(Self.record, by: mapper)
        guard case .rejected(let rejection) = outcome else { return String(text.dropFirst(5).dropLast()) }
        return "\(rejection.code)"
    }

    @Test(arguments: [
        ("first", #""Ada""#), ("last", ""), ("absent", ""), ("'a' + 'b'", #""ab""#), ("1 + 2", "3"), ("m - 0.5", "8.5"),
        ("n + m", #""109""#), ("number(n) + m", "19"), ("-m", "-9"), ("n > m", "true"), ("n == 10", "true"),
        ("first < 'Bob'", "true"), ("last == null", "true"), ("absent == ''", "true"), ("nothing != null", "false"),
        ("!archived", "true"), ("t && true", "true"), ("t == true", "true"), ("has(first)", "true"),
        ("has(last)", "false"),
        ("has(absent) ? 1 : 2", "2"), ("vars.x", #""hello""#), ("'b' in tags", "true"), ("'d' in tags", "false"),
        ("first in ['Bob', 'Ada']", "true"), ("m in [1, 9]", "true"), ("true || absent > 1", "true"),
        ("1 + 2 == 3 && 2 < 1 || true", "true"), ("!(1 == 2)", "true"),
        ("at == timestamp('2021-05-01T08:00:00Z')", "true"), ("at < timestamp('2021-05-01T08:00:00.001Z')", "true"),
        ("timestamp('1619827200000') == timestamp('2021-05-01')", "true"),
        ("absent < timestamp('2021-05-01')", "false"),
        ("timestamp('soon')", "MZ-MAP-01"), ("first > timestamp('2021-05-01')", "MZ-MAP-01"), ("first + 1", #""Ada1""#),
        ("first - 1", "MZ-MAP-01"), ("first && true", "MZ-MAP-01"), ("m < first", "MZ-MAP-01"),
    ]) func `have the value that they say`(_ source: String, _ wanted: String) throws {
        #expect(try result(source) == wanted)
    }

    @Test(arguments: [
        ("timestamp(at)", #""2021-05-01T08:00:00.000Z""#), ("date(at)", #""2021-05-01""#), ("lower(first)", #""ada""#),
        ("upper(first)", #""ADA""#), ("trim('  a ')", #""a""#), ("emailLocal(email)", #""ada""#),
        ("emailDomain(email)", #""x.test""#), ("emailLocal(first)", ""), ("coalesce(last, nothing, first)", #""Ada""#),
        ("concat(first, ' ', last, m)", #""Ada 9""#), ("contains(first, 'd')", "true"),
        ("contains(first, '')", "false"),
        ("startsWith(first, 'A')", "true"), ("endsWith(first, 'a')", "true"), ("endsWith(first, 'Ada!')", "false"),
        ("size(first)", "3"), ("size([1, 2])", "2"), ("size(absent)", "0"), ("string(m)", #""9""#), ("number(n)", "10"),
        ("number(first)", "MZ-MAP-01"), ("lower(absent)", ""),
    ]) func `have functions that give what they promise`(_ source: String, _ wanted: String) throws {
        #expect(try result(source) == wanted)
    }

    @Test(arguments: [
        ("", 0), ("a &&", 4), ("a = b", 2), ("(a", 2), ("'open", 0), ("f(a)", 0), ("size()", 0), ("a b", 2),
        ("a ? b", 5),
        ("run.dat", 4), ("vars.", 5), ("[1, ", 4), ("1.2.3", 0), (#"'\q'"#, 1), ("a in", 4), ("has(1)", 0),
        ("a.", 2), ("a[1", 3), ("a * ", 4), ("record[", 7), ("has(a + 1)", 0),
    ]) func `that are none say where`(_ source: String, _ offset: Int) {
        #expect { try RecordExpression(parsing: source) } throws: { ($0 as? ExpressionFailure)?.offset == offset }
    }

    @Test(arguments: [63, 64, 5000]) func `nest only so deep`(_ depth: Int) {
        let source = String(repeating: "(", count: depth) + "a" + String(repeating: ")", count: depth)
        #expect(((try? RecordExpression(parsing: source)) != nil) == (depth < 32))
        #expect((try? RecordExpression(parsing: "((((a))))")) != nil)
    }

    @Test func `name the fields and variables that they read`() throws {
        let expression = try RecordExpression(parsing: "has(a) ? b + a : coalesce(c, vars.x)")
        #expect(expression.fieldNames == ["a", "b", "c"])
        #expect(expression.variables.map(\.name) == ["x"])
        #expect(expression.variables.map(\.offset) == [34])
    }

    @Test func `suggest the function that was meant`() {
        #expect { try RecordExpression(parsing: "timstamp(a)") } throws: {
            ($0 as? ExpressionFailure)?.suggestion == "timestamp"
        }
    }
}
