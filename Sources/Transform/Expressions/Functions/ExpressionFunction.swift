// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// One function of the expression language: everything there is to know about it, in one place.
///
/// The parser, the type check, the compiler, `migratez functions` and the documentation are all made from this table,
/// and each example is a test.
package struct ExpressionFunction: Sendable {
    package let name: String
    package let group: Group
    package let parameters: [Parameter]
    package let result: ExpressionType
    /// One line, without a full stop.
    package let summary: String
    package let example: Example
    let work: Work

    package struct Example: Sendable {
        package let expression: String
        /// The text that it gives; `nil` = nothing.
        package let result: String?

        init(_ expression: String, _ result: String?) {
            self.expression = expression
            self.result = result
        }
    }

    /// How the documentation is divided.
    package enum Group: String, Sendable, CaseIterable {
        case presence = "Presence"
        case texts = "Texts"
        case numbers = "Numbers"
        case dates = "Dates and times"
        case contacts = "Telephone, e-mail, web"
        case markup = "Markup and hashes"
        case lists = "Lists"
    }

    package struct Parameter: Sendable {
        package let name: String
        package let type: ExpressionType
        package var isOptional = false
        /// As many more of the kind as are wanted.
        package var isRepeated = false
        /// If not empty, the only texts that are understood.
        package var words: [String] = []

        init(_ name: String, _ type: ExpressionType, words: [String] = []) {
            self.name = name
            self.type = type
            self.words = words
        }

        /// It may be left out.
        static func optional(_ name: String, _ type: ExpressionType, words: [String] = []) -> Parameter {
            var parameter = Parameter(name, type, words: words)
            parameter.isOptional = true
            return parameter
        }

        /// It may be repeated.
        static func several(_ name: String, _ type: ExpressionType) -> Parameter {
            var parameter = Parameter(name, type)
            parameter.isRepeated = true
            return parameter
        }
    }

    /// What happens when it is called.
    enum Work: Sendable {
        /// Whether the field in the argument is there and not empty.
        case presence
        /// The first argument that is something; those after it are not worked out.
        case firstPresent
        /// Worked out from its arguments. If the first of them, a number or a date is nothing, so is the result.
        case values(Body)
        /// The same, but nothing is an argument like any other.
        case valuesOrNothing(Body)
    }

    typealias Body = @Sendable (FunctionArguments) throws(ExpressionError) -> ExpressionValue

    init(
        _ name: String, _ group: Group, _ parameters: [Parameter], _ result: ExpressionType, _ summary: String,
        example: Example, _ work: Work
    ) {
        self.name = name
        self.group = group
        self.parameters = parameters
        self.result = result
        self.summary = summary
        self.example = example
        self.work = work
    }

    /// How many arguments it takes.
    package var argumentCount: ClosedRange<Int> {
        let most = parameters.last?.isRepeated == true ? 16 : parameters.count
        return parameters.count { !$0.isOptional }...most
    }

    /// What is expected of an argument.
    func parameter(_ number: Int) -> Parameter { parameters[min(number, parameters.count - 1)] }

    /// `substring(text, start, length?) → text`
    package var signature: String {
        let list = parameters.map { parameter in
            parameter.name + (parameter.isOptional ? "?" : parameter.isRepeated ? ", …" : "")
        }
        return "\(name)(\(list.joined(separator: ", "))) → \(result.name)"
    }

    /// All functions, by group and in the order in which people learn them.
    package static let all: [ExpressionFunction] =
        presenceFunctions + textFunctions + numberFunctions + dateFunctions + contactFunctions + markupFunctions
        + listFunctions

    private static let byName = Dictionary(all.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })

    package static func named(_ name: String) -> ExpressionFunction? { byName[name] }
}

/// What the type check knows of a value before there is a record.
package enum ExpressionType: String, Sendable {
    /// Anything; only the record can tell.
    case any
    case text, number, bool
    /// A day or a point in time.
    case date
    case list
    /// The name of a field, for `has()`.
    case field
    /// The name of a time zone, the same for every record.
    case zone
    /// The form of a date, the same for every record.
    case pattern

    /// The word in signatures.
    package var name: String {
        switch self {
        case .any: "value"
        case .bool: "true or false"
        default: rawValue
        }
    }

    /// What a value of the type is: `amount (a number)`.
    package var noun: String { self == .bool ? "a truth value" : description }

    /// What is expected, in messages: `needs true or false`.
    var description: String {
        switch self {
        case .any: "a value"
        case .text: "a text"
        case .number: "a number"
        case .bool: "true or false"
        case .date: "a date"
        case .list: "a list"
        case .field: "the name of a field"
        case .zone: "the name of a time zone such as 'Europe/Berlin'"
        case .pattern: "the form of a date such as 'dd.MM.yyyy'"
        }
    }
}
