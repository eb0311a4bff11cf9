// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezTransform
import MigratezYAML

/// `tests:`.
extension PlanReader {
    mutating func readTests(_ top: Section, objects: [ObjectSpec], source: ConnectionSpec?) -> [PipelineTest] {
        elements(top, "tests").enumerated().compactMap { number, node in
            guard let section = section(node, number, of: top, "tests"), let name = text(section, "name"),
                let objectName = text(section, "object")
            else { return nil }
            guard let object = objects.first(where: { $0.stream.text == objectName }) else {
                report(
                    .unknownObject, section.position(of: "object"),
                    "'\(objectName)' is not one of the objects of this pipeline",
                    suggestion: closest(to: objectName, among: objects.map(\.stream.text)))
                return nil
            }
            let isTyped = source.map { catalog.typedSources.contains($0.connector) } ?? false
            let given = record(entries(section, "given"), isTyped: isTyped)
            guard let want = readWant(section, object: object) else { return nil }
            return PipelineTest(
                name: name, object: objectName, given: .object(given), want: want, people: readPeople(ofTest: section),
                started: readStart(section))
        }
    }

    private mutating func readWant(_ section: Section, object: ObjectSpec) -> PipelineTest.Want? {
        guard let node = section["want"] else { return nil }
        guard case .mapping(let members) = node.content else {
            return word(section, "want").map {
                $0 == "filtered" ? .filtered : .rejected
            }
        }
        for member in members where object.field(member.key) == nil {
            report(
                .unknownField, member.keyPosition, "unknown field '\(member.key)' in objects.\(object.stream).fields",
                suggestion: closest(to: member.key, among: object.fields.map(\.target)))
        }
        return .fields(record(members, isTyped: false))
    }

    /// The moment at which the test's run begins.
    private mutating func readStart(_ section: Section) -> Timestamp {
        guard let text = text(section, "at") else { return PipelineTest.usualStart }
        if let instant = TimestampText.instant(text.utf8) { return instant }
        let form = section.form(of: "at").description
        report(.wrongForm, section.position(of: "at"), "\(section.name(of: "at")) must be \(form), not '\(text)'")
        return PipelineTest.usualStart
    }

    private mutating func readPeople(ofTest section: Section) -> [String: String] {
        var people: [String: String] = [:]
        for entry in entries(section, "people") {
            people[entry.key] = scalar(entry.value, "\(section.name).people.\(entry.key)")
        }
        return people
    }

    // MARK: Values

    /// - Parameter isTyped: whether numbers and truth values without quotes are more than texts.
    private func record(_ members: [YAMLNode.Member], isTyped: Bool) -> [JSONValue.Member] {
        members.map { JSONValue.Member($0.key, value($0.value, isTyped: isTyped)) }
    }

    private func value(_ node: YAMLNode, isTyped: Bool) -> JSONValue {
        switch node.content {
        case .mapping(let members): return .object(record(members, isTyped: isTyped))
        case .sequence(let elements): return .array(elements.map { value($0, isTyped: isTyped) })
        case .scalar(let text):
            if node.isNull { return .null }
            guard isTyped, node.isPlain else { return .string(text) }
            if text == "true" || text == "false" { return .bool(text == "true") }
            return FieldSpec.ValueType.decimal.accepts(text) ? .number(text) : .string(text)
        }
    }
}
