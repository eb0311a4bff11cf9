// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// One finding about a file that a person wrote, with its place in it.
package struct Diagnostic: Sendable, Equatable, CustomStringConvertible {
    package enum Severity: String, Sendable, Equatable, CaseIterable {
        /// The file cannot be used.
        case error
        /// It can be used, but is probably not as it was meant.
        case warning
    }

    package var file: String
    package var position: FilePosition
    package var severity: Severity
    package var code: ErrorCode
    /// What is wrong, lower case, no full stop.
    package var message: String
    /// What may have been meant (a name, asked as a question).
    package var suggestion: String?
    /// What to do, a sentence without its full stop.
    package var remedy: String?

    package init(
        file: String, position: FilePosition, severity: Severity, code: ErrorCode, message: String,
        suggestion: String? = nil, remedy: String? = nil
    ) {
        self.file = file
        self.position = position
        self.severity = severity
        self.code = code
        self.message = message
        self.suggestion = suggestion
        self.remedy = remedy
    }

    /// `FILE:LINE:COLUMN: error MZ-CFG-14: unknown field 'emial' in contact. Did you mean 'email'?`
    package var description: String {
        "\(file):\(position.line):\(position.column): \(severity.rawValue) \(code): \(explanation)"
    }

    /// What is wrong, what may have been meant, and what to do.
    package var explanation: String {
        var text = message
        if let suggestion { text += ". Did you mean '\(suggestion)'?" }
        if let remedy { text += suggestion == nil ? ". \(remedy)" : " \(remedy)" }
        return text
    }
}

extension [Diagnostic] {
    /// In the order of the file.
    package var inFileOrder: [Diagnostic] {
        enumerated().sorted { ($0.element.position, $0.offset) < ($1.element.position, $1.offset) }.map(\.element)
    }

    /// Whether the file must not be used.
    package var hasErrors: Bool { contains { $0.severity == .error } }
}
