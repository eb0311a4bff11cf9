// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// What may stand as the value of a key of a definition. The check, its suggestions, the editors' schema and the table
/// of the documentation are all made from these.
package indirect enum DefinitionForm: Sendable {
    /// Any text; numbers and truth values are texts, too.
    case text
    case bool
    /// A whole number of at least so much.
    case count(least: Int)
    /// `100/10s`
    case rate
    case words([String])
    /// A `RecordPath`.
    case path
    /// One path or several.
    case paths
    /// A `TextTemplate`.
    case template
    /// One template or several.
    case templates
    /// Any JSON value, written as YAML, with templates in it.
    case body
    /// One text or several.
    case texts
    /// A text, or what `section` allows.
    case short(DefinitionForm, DefinitionSection)
    case section(DefinitionSection)
    /// One section, or a list of them.
    case sections(DefinitionSection)
    /// A mapping with names of one's own.
    case entries(DefinitionForm)

    /// What the form is called in messages and in the documentation.
    package var description: String {
        switch self {
        case .text: "a text"
        case .bool: "true or false"
        case .count(let least): "a number of at least \(least)"
        case .rate: "a rate such as 100/10s"
        case .words(let words): words.joined(separator: ", ")
        case .path: "a path"
        case .paths: "a path, or a list of paths"
        case .template: "a text with {placeholders}"
        case .templates: "a text with {placeholders}, or a list of them"
        case .body: "any value with {placeholders}"
        case .texts: "a text, or a list of texts"
        case .short(let form, _): "\(form.description), or a mapping"
        case .section: "a mapping"
        case .sections: "a mapping, or a list of mappings"
        case .entries(let form): "a mapping of names to \(form.plural)"
        }
    }

    private var plural: String {
        switch self {
        case .template, .text: "texts"
        case .section, .sections: "mappings"
        case .short: "mappings or words"
        default: "values"
        }
    }

    /// The form of one element, where one or several may be given.
    var element: DefinitionForm {
        switch self {
        case .paths: .path
        case .templates: .template
        case .texts: .text
        default: self
        }
    }

    /// The section that a value of this form is or is made of.
    package var section: DefinitionSection? {
        switch self {
        case .section(let section), .sections(let section), .short(_, let section): section
        case .entries(let form): form.section
        default: nil
        }
    }
}

/// A mapping of a definition with the keys that it may have, in the order in which people write them.
package struct DefinitionSection: Sendable {
    /// What the documentation calls it.
    package var name: String
    package var keys: [DefinitionKey]

    subscript(name: String) -> DefinitionKey? { keys.first { $0.name == name } }
}

/// One key of a mapping.
package struct DefinitionKey: Sendable {
    package var name: String
    package var form: DefinitionForm
    package var isRequired: Bool
    /// One line for people, without a full stop.
    package var summary: String

    init(_ name: String, _ form: DefinitionForm, isRequired: Bool = false, _ summary: String) {
        self.name = name
        self.form = form
        self.isRequired = isRequired
        self.summary = summary
    }
}
