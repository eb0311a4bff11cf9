// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezConnectorKit
import MigratezModel
import MigratezTestKit
import MigratezTransform
import Testing

/// Random expressions over random records: they give a value or are refused, and never end the program. A failing run
/// names its seed; `MIGRATEZ_SEED=…` repeats it, `MIGRATEZ_FUZZ_ROUNDS=…` makes more of them.
@Suite struct `Random expressions` {
    private static let environment = ProcessInfo.processInfo.environment
    private static let seed =
        environment["MIGRATEZ_SEED"].flatMap { UInt64($0) } ?? UInt64.random(in: 1...UInt64.max)
    private static let rounds = environment["MIGRATEZ_FUZZ_ROUNDS"].flatMap { Int($0) } ?? 3000

    @Test func `never end the program, whatever the record holds`() throws {
        // Standard error, because a crash would leave no other trace of the seed.
        FileHandle.standardError.write(Data("expressions: MIGRATEZ_SEED=\(Self.seed)\n".utf8))
        var random = SeededGenerator(seed: Self.seed)
        var parsed = 0
        var valued = 0
        for _ in 0..<Self.rounds {
            var source = Self.expression(&random, depth: Int.random(in: 0...5, using: &random))
            if Int.random(in: 0..<4, using: &random) == 0 { source = Self.mutated(source, &random) }
            guard let expression = try? RecordExpression(parsing: source) else { continue }
            parsed += 1
            _ = ExpressionCheck.failures(in: expression, for: .filter, vars: ["x": "2026-01-01"]) { name in
                FieldSchema.Kind.allCases.randomElement(using: &random).map {
                    FieldSchema(name: name, label: "", kind: $0)
                }
            }
            var filtered = FieldSpec(target: "T", origin: .expression(expression))
            filtered.type = FieldSpec.ValueType.allCases.randomElement(using: &random)
            let field = Bool.random(using: &random) ? filtered : FieldSpec(target: "T", origin: .expression(expression))
            let mapper = try MappingFixtures.mapper([field], where: source, vars: ["x": "2026-01-01"])
            for _ in 0..<3 {
                let (outcome, _) = try MappingFixtures.map(Self.record(&random), by: mapper)
                if case .rejected(let rejection) = outcome {
                    #expect(rejection.fields == ["T"] || rejection.fields == ["where"], "\(Self.seed): \(source)")
                } else {
                    valued += 1
                }
            }
        }
        // A test in which nothing comes out would prove nothing.
        #expect(parsed > Self.rounds / 2, "seed \(Self.seed)")
        #expect(valued > Self.rounds / 4, "seed \(Self.seed)")
    }

    // MARK: Expressions

    private static let names = ["a", "b", "list", "object", "record['a b']", "vars.x", "run.date", "absent"]
    private static let literals = [
        "0", "1", "-1", "12.5", "99999999999999999999999999999999999", "0.000000000000000000000001", "''", "'a'",
        "'2026-03-31'", "'2026-03-31T10:00:00Z'", "'Europe/Berlin'", "'dd.MM.yyyy'", "';'", "'5'", "true", "false",
        "null",
        "'<p>x</p>'", "'ada@x.test'", "'😀e\u{301}'", "9999", "-4000000",
    ]
    private static let operators = ["||", "&&", "==", "!=", "<", "<=", ">", ">=", "in", "+", "-", "*", "/", "%"]

    private static func pick(_ texts: [String], _ random: inout SeededGenerator) -> String {
        texts[Int.random(in: 0..<texts.count, using: &random)]
    }

    private static func expression(_ random: inout SeededGenerator, depth: Int) -> String {
        guard depth > 0 else {
            return Bool.random(using: &random) ? pick(names, &random) : pick(literals, &random)
        }
        func inner() -> String { expression(&random, depth: depth - 1) }
        switch Int.random(in: 0..<9, using: &random) {
        case 0: return "!\(inner())"
        case 1: return "-\(inner())"
        case 2: return "(\(inner()) ? \(inner()) : \(inner()))"
        case 3: return "[\(inner()), \(inner())]"
        case 4: return "\(pick(names, &random))[\(inner())]"
        case 5, 6: return "(\(inner()) \(pick(operators, &random)) \(inner()))"
        default:
            let function = ExpressionFunction.all[Int.random(in: 0..<ExpressionFunction.all.count, using: &random)]
            let count = Int.random(
                in: function.argumentCount.lowerBound...min(4, function.argumentCount.upperBound), using: &random)
            let arguments = (0..<count).map { number in
                switch function.parameters[min(number, function.parameters.count - 1)].type {
                case .field: return "a"
                case .zone: return "'America/New_York'"
                case .pattern: return "'dd.MM.yyyy HH:mm'"
                default: return inner()
                }
            }
            return "\(function.name)(\(arguments.joined(separator: ", ")))"
        }
    }

    private static let signs = Array("()[]'\"\\.,?:!<>=&|+-*/%09azé\u{301}😀 \n")

    private static func mutated(_ source: String, _ random: inout SeededGenerator) -> String {
        var characters = Array(source)
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            let place = Int.random(in: 0...characters.count, using: &random)
            switch Int.random(in: 0..<3, using: &random) {
            case 0 where place < characters.count: characters.remove(at: place)
            case 1 where place < characters.count:
                characters[place] = Self.signs.randomElement(using: &random) ?? " "
            default: characters.insert(contentsOf: Array(pick(names + literals + operators, &random)), at: place)
            }
        }
        return String(characters)
    }

    // MARK: Records

    private static func record(_ random: inout SeededGenerator) -> String {
        let values = ["a", "b", "list", "object", "a b"].map { #""\#($0)":\#(value(&random, depth: 2))"# }
        return "{\(values.joined(separator: ","))}"
    }

    private static func value(_ random: inout SeededGenerator, depth: Int) -> String {
        let scalars = [
            "null", "true", "false", "0", "-1.5e300", "1e-300", "12.50", #""""#, #""ada""#,
            #""2026-03-31T10:00:00+14:00""#,
            #""0001-01-01""#, #""9999-12-31T23:59:59.999Z""#, #""-62135596800000""#, #""\u0000\ud800 \n""#, #""12,5""#,
            #""a;b;c""#, #""true""#, "123456789012345678901234567890123456789", #""<b><script>""#, #""(415) 555-0123""#,
        ]
        guard depth > 0, Int.random(in: 0..<4, using: &random) == 0 else { return pick(scalars, &random) }
        let inner = (0..<Int.random(in: 0...3, using: &random)).map { _ in value(&random, depth: depth - 1) }
        guard Bool.random(using: &random) else { return "[\(inner.joined(separator: ","))]" }
        return "{\(inner.enumerated().map { #""\#(["a", "b", "1"][$0])":\#($1)"# }.joined(separator: ","))}"
    }
}
