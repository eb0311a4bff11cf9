// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// `+ - * / %`, on exact numbers. With nothing on one side there is nothing to calculate: the result is nothing.
enum ExpressionArithmetic {
    /// Two numbers are added; anything else is joined as text, in which nothing is an empty text.
    ///
    /// A number and nothing give nothing: a sum that silently left out a missing amount would be a wrong sum.
    static func sum(
        _ a: ExpressionValue, _ b: ExpressionValue, in record: RecordBytes
    ) throws(ExpressionError) -> ExpressionValue {
        if a.isNumber || b.isNumber {
            if a.isNumber, b.isNumber {
                guard let x = a.number(in: record), let y = b.number(in: record) else { throw .tooLarge }
                return try FunctionArguments.bounded(x.adding(y))
            }
            if a.isNothing(in: record) || b.isNothing(in: record) { return .null }
        }
        return try FunctionArguments.bounded(a.text(in: record) + b.text(in: record))
    }

    static func result(
        of symbol: RecordExpression.Operator, _ a: ExpressionValue, _ b: ExpressionValue, in record: RecordBytes
    ) throws(ExpressionError) -> ExpressionValue {
        if a.isBlank(in: record) || b.isBlank(in: record) { return .null }
        guard let x = a.number(in: record), let y = b.number(in: record) else {
            throw ExpressionError(expected: "a number")
        }
        switch symbol {
        case .minus: return try FunctionArguments.bounded(x.subtracting(y))
        case .times: return try FunctionArguments.bounded(x.multiplied(by: y))
        default:
            guard !y.isZero else { throw ExpressionError("division by zero") }
            return try FunctionArguments.bounded(symbol == .divided ? x.divided(by: y) : x.remainder(by: y))
        }
    }
}

extension ExpressionValue {
    /// Absent or null, or an empty text of the record; an empty text of the file is a text.
    fileprivate func isNothing(in record: RecordBytes) -> Bool {
        if case .text = self { false } else { isBlank(in: record) }
    }
}
