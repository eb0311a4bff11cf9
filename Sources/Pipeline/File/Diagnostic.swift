// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

/// One finding about a pipeline file, with its place in it.
package struct Diagnostic: Sendable, Equatable, CustomStringConvertible {
    package enum Severity: String, Sendable, Equatable, CaseIterable {
        /// The pipeline cannot run.
        case error
        /// It can run, but probably not as it was meant.
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

    /// Whether the pipeline must not run.
    package var hasErrors: Bool { contains { $0.severity == .error } }
}
