// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel

/// Finds the place in the file of a character of a scalar, so that a message can point into an expression.
struct ScalarText: Sendable {
    private let lines: [[Unicode.Scalar]]

    init(_ text: String) {
        lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { Array($0.unicodeScalars) }
    }

    /// The place of the character number `offset` (from 0) of the scalar that begins at `start`.
    ///
    /// Exact for scalars on one line and for literal blocks; for folded text it is the beginning of the scalar.
    func position(of offset: Int, inScalarAt start: FilePosition) -> FilePosition {
        guard lines.indices.contains(start.line - 1) else { return start }
        let line = lines[start.line - 1]
        let column = start.column - 1
        guard line.indices.contains(column) else { return start }
        switch line[column] {
        case "'": return quoted(line, from: column + 1, start, offset) { $0 == "'" ? 2 : 1 }
        case "\"": return quoted(line, from: column + 1, start, offset, width: escapeWidth)
        case "|": return block(after: start, offset)
        case ">": return start
        default:
            let isInside = column + offset <= line.count
            return isInside ? FilePosition(line: start.line, column: start.column + offset) : start
        }
    }

    private func escapeWidth(_ scalar: Unicode.Scalar) -> Int { scalar == "\\" ? 2 : 1 }

    private func quoted(
        _ line: [Unicode.Scalar], from first: Int, _ start: FilePosition, _ offset: Int,
        width: (Unicode.Scalar) -> Int
    ) -> FilePosition {
        var column = first
        for _ in 0..<offset {
            guard line.indices.contains(column) else { return start }
            column += width(line[column])
        }
        return FilePosition(line: start.line, column: column + 1)
    }

    private func block(after start: FilePosition, _ offset: Int) -> FilePosition {
        let content = lines.indices.dropFirst(start.line)
        guard let first = content.first(where: { lines[$0].contains { $0 != " " } }) else { return start }
        let indentation = lines[first].prefix { $0 == " " }.count
        var rest = offset
        for number in first..<lines.count {
            let length = max(0, lines[number].count - indentation)
            if rest <= length { return FilePosition(line: number + 1, column: indentation + rest + 1) }
            rest -= length + 1
        }
        return start
    }
}
