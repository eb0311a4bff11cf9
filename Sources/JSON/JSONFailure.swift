// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

/// Why bytes are not a JSON document; holds a position and a reason, never a value.
package struct JSONFailure: Error, Sendable, Hashable, CustomStringConvertible {
    package enum Reason: String, Sendable, CaseIterable {
        case empty = "there is no value"
        case truncated = "the document ends too early"
        case unexpectedByte = "a byte is where none or another one belongs"
        case invalidNumber = "a number is malformed"
        case invalidLiteral = "a literal is not true, false or null"
        case invalidEscape = "an escape sequence is malformed"
        case controlCharacter = "a control character stands unescaped in a string"
        case invalidUTF8 = "a string is not valid UTF-8"
        case trailingBytes = "something follows the value"
        case tooDeep = "arrays and objects nest too deep"
        case tooLarge = "the document is too long"
        case notAnObject = "the value is not an object"
    }

    /// Where, in bytes from the start of the document.
    package var offset: Int
    package var reason: Reason

    package init(offset: Int, reason: Reason) {
        self.offset = offset
        self.reason = reason
    }

    /// `JSON at byte 17: a number is malformed`
    package var description: String { "JSON at byte \(offset): \(reason.rawValue)" }

    /// The same as an operational failure: `the answer of the service: JSON at byte 17: …`.
    package func error(_ code: ErrorCode, in what: String, remedy: MigratezError.Remedy = .stop) -> MigratezError {
        MigratezError(code, "\(what): \(self)", remedy: remedy, cause: self)
    }
}
