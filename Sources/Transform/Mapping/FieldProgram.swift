// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel

/// The rule of one field made ready: everything that does not depend on the record is worked out.
///
/// A class, so that going through the fields of a record copies a reference and not a dozen members.
final class FieldProgram: Sendable {
    private enum Origin: Sendable {
        case field(String)
        /// A JSON value.
        case constant([UInt8])
        case expression(CompiledExpression)
    }

    private struct ValueMap: Sendable {
        private let entries: [String: String]
        /// The same as bytes, if they are few and their keys nothing but ASCII: a value in ASCII is then equal to a key if
        /// its bytes are, and becomes no `String`. Of other texts different bytes may be the same characters.
        private let few: [(key: [UInt8], value: [UInt8])]?
        let otherwise: ValueMapSpec.Otherwise
        private static let fewMax = 32

        init(_ spec: ValueMapSpec) {
            entries = spec.entries
            otherwise = spec.otherwise
            let isFew = entries.count <= Self.fewMax && entries.keys.allSatisfy { $0.utf8.allSatisfy { $0 < 0x80 } }
            few = isFew ? entries.map { (Array($0.key.utf8), Array($0.value.utf8)) } : nil
        }

        /// The value for a text, in UTF-8.
        func value(for text: [UInt8]) -> [UInt8]? {
            if let few, text.allSatisfy({ $0 < 0x80 }) { return few.first { $0.key == text }?.value }
            return entries[String(decoding: text, as: UTF8.self)].map { Array($0.utf8) }
        }
    }

    private let number: Int
    private let spec: FieldSpec
    /// The name of the destination's field, ready to be written.
    private let key: [UInt8]
    private let origin: Origin
    /// A JSON value.
    private let fallback: [UInt8]?
    private let valueMap: ValueMap?
    private let people: PeopleMap
    private let isRequired: Bool
    /// The source's bytes are copied as they are.
    private let isPassedThrough: Bool
    /// A text stays as it is, unless there is something to be trimmed or cut off.
    private let keepsText: Bool

    /// - Throws: `invalidPipeline` if a default or constant is not of the field's type.
    init(
        _ spec: FieldSpec, number: Int, isRequired: Bool, context: MappingContext
    ) throws(MigratezError) {
        self.number = number
        self.spec = spec
        key = JSONWriter.preparedKey(spec.target)
        self.isRequired = isRequired
        people = context.people
        valueMap = spec.valueMap.flatMap { context.spec.values[$0] }
            .map { ValueMap($0) }
        switch spec.origin {
        case .field(let name): origin = .field(name)
        case .constant(let template): origin = .constant(try Self.render(template, spec, context))
        case .expression(let expression):
            origin = .expression(CompiledExpression(expression, vars: context.spec.vars, run: context.run))
        }
        let fallbackText = spec.fallback?.filled(run: context.run, vars: context.spec.vars) ?? ""
        fallback = fallbackText.isEmpty ? nil : try Self.render(TextTemplate(fallbackText), spec, context)
        keepsText =
            spec.letterCase == nil && (spec.type == nil || spec.type == .text) && spec.phoneRegion == nil
            && spec.html == nil && valueMap == nil && !spec.isPerson
        isPassedThrough = keepsText && !spec.isTrimmed && spec.charactersMax == nil && spec.type == nil
    }

    /// The destination's field.
    var target: String { spec.target }

    /// The source's own value, a JSON value, if the field is made of one field.
    func sourceValue(_ index: borrowing RecordIndex, _ record: RecordBytes) -> [UInt8]? {
        guard case .field(let name) = origin, let slice = index.slice(name), !slice.isBlank else { return nil }
        return Array(record[slice.range])
    }

    private static func render(
        _ template: TextTemplate, _ spec: FieldSpec, _ context: MappingContext
    ) throws(MigratezError) -> [UInt8] {
        let text = template.filled(run: context.run, vars: context.spec.vars)
        if let value = TypedValue.rendered(text, as: spec.type) { return value }
        throw MigratezError(
            .invalidPipeline, "the text given for \(spec.target) is not of the type \(spec.type?.rawValue ?? "text")",
            remedy: .fixConfiguration)
    }

    /// Writes the field with its value, or nothing if it has none; `scratch` is working space.
    func write(
        _ index: borrowing RecordIndex, _ record: RecordBytes, into writer: inout JSONWriter, scratch: inout [UInt8],
        marks: inout MappingMarks
    ) throws(Rejection) {
        switch origin {
        case .constant(let value):
            marks.mark(.sourceFilled, field: number)
            writeKey(into: &writer, &marks)
            writer.raw(value)
        case .field(let name):
            guard let slice = index.slice(name), !slice.isBlank else {
                return try writeFallback(into: &writer, marks: &marks)
            }
            marks.mark(.sourceFilled, field: number)
            try write(slice, record, into: &writer, scratch: &scratch, marks: &marks)
        case .expression(let expression):
            let value: ExpressionValue
            do { value = try expression.value(of: index, in: record) } catch {
                guard spec.onError == .null else { throw rejection(.mappingFailed, error.description) }
                return try writeNulled(into: &writer, marks: &marks)
            }
            if value.isBlank(in: record) { return try writeFallback(into: &writer, marks: &marks) }
            marks.mark(.sourceFilled, field: number)
            if case .raw(let slice) = value {
                return try write(slice, record, into: &writer, scratch: &scratch, marks: &marks)
            }
            scratch.removeAll(keepingCapacity: true)
            scratch.append(contentsOf: value.text(in: record).utf8)
            var form = TypedValue.Form.string
            switch value {
            case .bool, .number: form = .literal
            default: break
            }
            try finish(&scratch, form, into: &writer, marks: &marks)
        }
    }

    private func write(
        _ slice: JSONSlice, _ record: RecordBytes, into writer: inout JSONWriter, scratch: inout [UInt8],
        marks: inout MappingMarks
    ) throws(Rejection) {
        if isPassedThrough || keepsText && isKept(slice, record) {
            writeKey(into: &writer, &marks)
            writer.raw(UnsafeBufferPointer(rebasing: record[slice.range]))
            return
        }
        scratch.removeAll(keepingCapacity: true)
        JSONText.append(slice, of: record, to: &scratch)
        try finish(&scratch, slice.kind == .string ? .string : .literal, into: &writer, marks: &marks)
    }

    /// Whether a text has nothing that a rule which keeps texts would change; it is then never decoded.
    private func isKept(_ slice: JSONSlice, _ record: RecordBytes) -> Bool {
        guard slice.kind == .string, let text = JSONText.unescaped(slice, of: record) else { return false }
        // No more UTF-16 code units than bytes.
        if let charactersMax = spec.charactersMax, text.count > charactersMax { return false }
        return !spec.isTrimmed || TextSteps.isTrimmed(text)
    }

    // MARK: Steps

    /// Takes the decoded text through the steps of the rule and writes what comes out.
    private func finish(
        _ text: inout [UInt8], _ form: TypedValue.Form, into writer: inout JSONWriter, marks: inout MappingMarks
    ) throws(Rejection) {
        var form = form
        if spec.isTrimmed { TextSteps.trim(&text) }
        if let letterCase = spec.letterCase { TextSteps.change(&text, to: letterCase) }
        switch spec.html {
        case .sanitize: TextSteps.replace(&text) { HTMLSanitizer.sanitized($0) }
        case .text: TextSteps.replace(&text) { HTMLSanitizer.plainText($0) }
        case nil: break
        }
        if text.isEmpty { return try writeFallback(into: &writer, marks: &marks) }
        if let region = spec.phoneRegion { normalizePhone(&text, region, &form, &marks) }
        if let valueMap {
            guard try translate(&text, valueMap, &marks) else { return try writeFallback(into: &writer, marks: &marks) }
            form = .string
        }
        if spec.isPerson {
            try replacePerson(&text, &marks)
            form = .string
        }
        if let type = spec.type {
            guard let typed = TypedValue.convert(&text, to: type) else {
                guard spec.onError == .null else { throw rejection(.wrongType) }
                return try writeNulled(into: &writer, marks: &marks)
            }
            form = typed
        }
        if let charactersMax = spec.charactersMax, TextSteps.length(of: text) > charactersMax {
            guard spec.isTruncated else {
                guard spec.onError == .null else { throw rejection(.tooLong) }
                return try writeNulled(into: &writer, marks: &marks)
            }
            TextSteps.cut(&text, to: charactersMax)
            marks.mark(.valueTruncated, field: number)
        }
        writeKey(into: &writer, &marks)
        switch form {
        case .string: text.withUnsafeBufferPointer { writer.string($0) }
        case .literal: text.withUnsafeBufferPointer { writer.raw($0) }
        }
    }

    private func normalizePhone(
        _ text: inout [UInt8], _ region: String, _ form: inout TypedValue.Form, _ marks: inout MappingMarks
    ) {
        guard PhoneNumber.normalize(&text, region: region) else { return marks.mark(.phoneKept, field: number) }
        form = .string
    }

    /// Puts the value map's value in place; false if there is none and none is to be written.
    private func translate(
        _ text: inout [UInt8], _ map: ValueMap, _ marks: inout MappingMarks
    ) throws(Rejection) -> Bool {
        if let value = map.value(for: text) {
            text.replaceSubrange(text.indices, with: value)
            return !value.isEmpty
        }
        switch map.otherwise {
        case .quarantine: throw rejection(.valueNotMapped)
        case .keep: marks.mark(.valueKept, field: number)
        case .drop:
            marks.mark(.valueDropped, field: number)
            return false
        case .use(let value):
            marks.mark(.valueReplaced, field: number)
            text.replaceSubrange(text.indices, with: value.utf8)
        }
        return true
    }

    private func replacePerson(_ text: inout [UInt8], _ marks: inout MappingMarks) throws(Rejection) {
        if let id = people.targets[String(decoding: text, as: UTF8.self)] {
            text.replaceSubrange(text.indices, with: id.utf8)
        } else if let id = people.substitute {
            marks.mark(.personReplaced, field: number)
            text.replaceSubrange(text.indices, with: id.utf8)
        } else {
            throw rejection(.ownerUnmatched)
        }
    }

    // MARK: Empty values

    private func writeNulled(into writer: inout JSONWriter, marks: inout MappingMarks) throws(Rejection) {
        marks.mark(.valueNulled, field: number)
        try writeFallback(into: &writer, marks: &marks)
    }

    private func writeFallback(into writer: inout JSONWriter, marks: inout MappingMarks) throws(Rejection) {
        if let fallback {
            marks.mark(.defaultUsed, field: number)
            writeKey(into: &writer, &marks)
            writer.raw(fallback)
        } else if isRequired {
            throw rejection(.requiredFieldMissing)
        }
    }

    private func writeKey(into writer: inout JSONWriter, _ marks: inout MappingMarks) {
        marks.mark(.filled, field: number)
        writer.key(prepared: key)
    }

    private func rejection(_ code: ErrorCode, _ reason: String? = nil) -> Rejection {
        Rejection(code, fields: [spec.target], reason: reason)
    }
}
