// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// What may stand as the value of a key of the pipeline file.
///
/// The reader, its suggestions and the JSON Schema are all made from these, so that none of them can say something else.
indirect enum FileForm: Sendable {
    /// Any text; numbers and truth values are texts, too.
    case text
    /// A text with `${run.…}` and `${vars.…}`.
    case template
    /// An expression over a record.
    case expression
    case bool
    /// A number of at least so much, such as `200` or `50k`.
    case count(least: Int)
    /// Bytes: `16MiB`.
    case size
    /// A span of time: `30d`.
    case span
    /// `70%`.
    case share
    /// A text of a grammar of its own: the words for it in messages, and a regular expression (ECMA 262) for editors.
    case grammar(String, pattern: String)
    case words([String])
    /// One reference to something that must not stand in the file.
    case secret
    /// Several; one alone may stand without brackets.
    case list(FileForm)
    case section(FileSection)
    /// A mapping with names of the user's own.
    case entries(FileForm)
    case any([FileForm])
    /// Anything at all: a value of a record.
    case value
    /// `source:` and `target:`, whose settings are those of the connector.
    case connection(PlanReader.Side)

    /// The words of an enumeration.
    static func choice<T: RawRepresentable & CaseIterable>(_ type: T.Type) -> FileForm where T.RawValue == String {
        .words(T.allCases.map(\.rawValue))
    }

    /// What a reader of values expects to find in the table.
    enum Kind {
        case template, expression, bool, count, size, span, share, grammar, words, secret
    }

    /// Whether values of that kind may stand here.
    func allows(_ kind: Kind) -> Bool {
        switch (self, kind) {
        case (.template, .template), (.expression, .expression), (.bool, .bool), (.count, .count), (.size, .size),
            (.span, .span), (.share, .share), (.grammar, .grammar), (.words, .words), (.secret, .secret):
            true
        case (.any(let forms), _): forms.contains { $0.allows(kind) }
        default: false
        }
    }

    /// The section that a value of this form is or is made of.
    var section: FileSection? {
        switch self {
        case .section(let section): section
        case .list(let form): form.section
        case .any(let forms): forms.lazy.compactMap(\.section).first
        default: nil
        }
    }

    /// The form of a mapping with this form: the section, or the names of the user's own.
    var mapping: FileForm {
        switch self {
        case .section, .entries: return self
        case .list(let form): return form.mapping
        case .any(let forms):
            for form in forms {
                if case .section = form { return form }
                if case .entries = form { return form }
            }
            return self
        default: return self
        }
    }

    /// The form of one element of a list.
    var element: FileForm {
        if case .list(let form) = self { form } else { self }
    }

    /// The least number that may be given.
    var countMin: Int {
        switch self {
        case .count(let least): least
        case .any(let forms): forms.map(\.countMin).max() ?? 0
        default: 0
        }
    }

    /// The words that may be written.
    var words: [String] {
        switch self {
        case .words(let words): words
        case .list(let form): form.words
        case .any(let forms): forms.flatMap(\.words)
        default: []
        }
    }

    /// What the form is called in messages: `must be …`.
    var description: String {
        switch self {
        case .text, .template, .value: "a text"
        case .expression: "an expression"
        case .bool: "true or false"
        case .count(let least): "a number of at least \(least), such as 200 or 50k"
        case .size: "a size such as 16MiB"
        case .span: "a span of time such as 30d"
        case .share: "a share such as 70%"
        case .grammar(let description, _): description
        case .words(let words): listed(words)
        case .secret: "one reference: ${env:…}, ${file:…}, ${cmd:…} or ${cred:…}"
        case .list: "a list"
        case .section, .entries, .connection: "a mapping"
        case .any(let forms): forms.map(\.description).joined(separator: " or ")
        }
    }
}

/// A mapping of the pipeline file with the keys that it may have, in the order in which people write them.
struct FileSection: Sendable {
    var keys: [FileKey]
    /// Of each of these groups exactly one key must be given.
    var alternatives: [[String]] = []
    /// Of each of these groups at least one key must be given.
    var needed: [[String]] = []

    subscript(name: String) -> FileKey? { keys.first { $0.name == name } }
}

/// One key of a mapping.
struct FileKey: Sendable {
    var name: String
    var form: FileForm
    var isRequired: Bool
    /// One line for people, without a full stop.
    var summary: String
    /// A key that must be given, too, if this one is.
    var needs: String?

    init(
        _ name: String, _ form: FileForm, isRequired: Bool = false, needs: String? = nil, _ summary: String
    ) {
        self.name = name
        self.form = form
        self.isRequired = isRequired
        self.needs = needs
        self.summary = summary
    }
}

/// `a, b or c`
func listed(_ words: [String], _ conjunction: String = "or") -> String {
    guard words.count > 1, let last = words.last else { return words.first ?? "" }
    return words.dropLast().joined(separator: ", ") + " \(conjunction) " + last
}
