// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import MigratezTransform

/// `tests:`.
extension PlanReader {
    mutating func readTests(_ top: Section, objects: [ObjectSpec]) -> [PipelineTest] {
        elements(top, "tests").enumerated().compactMap { number, node in
            let known = ["name", "object", "given", "want"]
            guard
                let section = section(
                    node, path: ["tests", String(number)], name: "tests.\(number)", known: known, required: known),
                let name = text(section, "name"), let objectName = text(section, "object")
            else { return nil }
            guard let object = objects.first(where: { $0.stream.text == objectName }) else {
                report(
                    .unknownObject, section.position(of: "object"),
                    "'\(objectName)' is not one of the objects of this pipeline",
                    suggestion: closest(to: objectName, among: objects.map(\.stream.text)))
                return nil
            }
            let given = values(section, "given")
            guard let want = readWant(section, object: object) else { return nil }
            return PipelineTest(name: name, object: objectName, given: given, want: want)
        }
    }

    private mutating func readWant(_ section: Section, object: ObjectSpec) -> PipelineTest.Want? {
        guard let node = section["want"] else { return nil }
        guard case .mapping(let members) = node.content else {
            return word(section, "want", among: ["filtered", "rejected"]).map {
                $0 == "filtered" ? .filtered : .rejected
            }
        }
        for member in members where object.field(member.key) == nil {
            report(
                .unknownField, member.keyPosition, "unknown field '\(member.key)' in objects.\(object.stream).fields",
                suggestion: closest(to: member.key, among: object.fields.map(\.target)))
        }
        return .fields(values(section, "want"))
    }

    /// Fields with their texts; nothing = null.
    private mutating func values(_ section: Section, _ key: String) -> [String: String?] {
        var values: [String: String?] = [:]
        for member in entries(section, key) {
            values[member.key] =
                member.value.isNull ? .some(nil) : scalar(member.value, "\(section.name).\(key).\(member.key)")
        }
        return values
    }
}
