// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

// The same functions for whoever holds an array: a body of an answer, a line of a file.

extension JSONScanner {
    /// Checks that the bytes are one JSON value in valid UTF-8 and within the limits.
    package static func validate(_ document: [UInt8], limits: JSONLimits = .record) throws(JSONFailure) {
        try document.withUnsafeBufferPointer { (bytes) throws(JSONFailure) in try validate(bytes, limits: limits) }
    }
}

/// Ranges of the elements of the array under `path` in a validated document; `nil` if there is no array.
package func elementRanges(at path: [String], in document: [UInt8]) -> [Range<Int>]? {
    document.withUnsafeBufferPointer { elementRanges(at: path, in: $0) }
}

/// The value under `path` in a validated document.
package func member(at path: [String], in document: [UInt8]) -> JSONSlice? {
    document.withUnsafeBufferPointer { member(at: path, in: $0) }
}

/// Appends a record of validated bytes as one NDJSON line.
package func appendLine(_ record: ArraySlice<UInt8>, to lines: inout [UInt8]) {
    record.withUnsafeBufferPointer { appendLine($0, to: &lines) }
}
