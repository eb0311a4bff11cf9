// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

extension JSONValue {
    /// JSON as people read it: two spaces a level, one member a line, a line break at the end.
    package func laidOut() -> String {
        var text = ""
        layOut(self, "", &text)
        return text + "\n"
    }

    private func layOut(_ value: JSONValue, _ indentation: String, _ text: inout String) {
        let inner = indentation + "  "
        switch value {
        case .array(let elements) where !elements.isEmpty:
            text += "[\n"
            for (number, element) in elements.enumerated() {
                text += inner
                layOut(element, inner, &text)
                text += number == elements.count - 1 ? "\n" : ",\n"
            }
            text += indentation + "]"
        case .object(let members) where !members.isEmpty:
            text += "{\n"
            for (number, member) in members.enumerated() {
                text += inner + String(decoding: JSONValue.string(member.key).serialized(), as: UTF8.self) + ": "
                layOut(member.value, inner, &text)
                text += number == members.count - 1 ? "\n" : ",\n"
            }
            text += indentation + "}"
        default: text += String(decoding: value.serialized(), as: UTF8.self)
        }
    }
}
