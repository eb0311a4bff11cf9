// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit

/// A draft as the text of a pipeline file, with comments that say what to look at.
struct DraftText {
    let draft: PipelineDraft
    let mapping: DraftMapping?

    var whole: String {
        guard let mapping else { return header }
        return [header, people(mapping), values(mapping), objects(mapping), links(mapping)].joined()
    }

    /// Everything but the mapping.
    var header: String {
        """
        # From \(draft.source) to \(draft.target), proposed by `migratez init`: look at every line before you trust it.
        #   migratez lint FILE --connect   checks it against both sides
        #   migratez plan FILE             tells what a run would do, and writes nothing
        #   migratez sample FILE           moves a few records to look at
        migratez: 1
        name: \(draft.source)-to-\(draft.target)
        source:
          connector: \(draft.source)
        \(settings(draft.sourceSettings))target:
          connector: \(draft.target)
        \(settings(draft.targetSettings))staging: { dir: ./staging }

        """
    }

    /// Dotted paths as nested mappings.
    private func settings(_ settings: [String: String]) -> String {
        var text = ""
        var open: [String] = []
        for (path, value) in settings.sorted(by: { $0.key < $1.key }) {
            let parts = path.split(separator: ".").map(String.init)
            let above = Array(parts.dropLast())
            var shared = 0
            while shared < min(open.count, above.count), open[shared] == above[shared] { shared += 1 }
            for (depth, name) in above.enumerated().dropFirst(shared) {
                text += String(repeating: " ", count: 2 + depth * 2) + YAMLText.scalar(name) + ":\n"
            }
            open = above
            text += String(repeating: " ", count: 2 + above.count * 2)
            text += "\(YAMLText.scalar(parts.last ?? path)): \(YAMLText.scalar(value))\n"
        }
        return text
    }

    private func people(_ mapping: DraftMapping) -> String {
        guard mapping.mapsPeople else { return "" }
        return """
            people:
              match: email                 # owners are found by their address
              # file: maps/owners.csv      # columns from,to; wins over match
              # unmatched: { assign: somebody@example.com, tag: owner-unmatched }   # without it: quarantine

            """
    }

    private func values(_ mapping: DraftMapping) -> String {
        guard !mapping.values.isEmpty else { return "" }
        var text = "values:\n"
        for map in mapping.values {
            text += "  \(map.name):\n    map:\n"
            for entry in map.entries {
                text += "      \(key(entry.from)): \(YAMLText.scalar(entry.to))\n"
            }
            for option in map.open {
                let label = option.label == option.value ? "" : "   (\(Self.comment(option.label)))"
                text += "      # \(key(option.value)):\(label)\n"
            }
            text += "    otherwise: \(map.otherwise)\(map.open.isEmpty ? "" : "   # what has no counterpart above")\n"
        }
        return text
    }

    private func objects(_ mapping: DraftMapping) -> String {
        var text = "objects:\n"
        for object in mapping.objects {
            text += "  \(object.stream):\n"
            if let origin = object.origin { text += "    from: \(YAMLText.scalar(origin))\n" }
            text += "    to: \(YAMLText.scalar(object.target))\n"
            if let content = object.content { text += "    content: \(YAMLText.scalar(content))\n" }
            if let filter = object.filter { text += "    where: '\(filter)'\n" }
            text += "    fields:\n"
            for field in object.fields {
                let line = "      \(key(field.target)): \(field.rule)"
                text += field.remark.map { "\(line)   # \(Self.comment($0))\n" } ?? line + "\n"
            }
            if !object.unmapped.isEmpty {
                text += "      # Not mapped:\n"
                for field in object.unmapped {
                    let label = field.label == field.name ? "" : Self.comment(field.label) + ", "
                    text += "      #   \(field.name)   (\(label)\(field.kind.rawValue))\n"
                }
            }
            if let merge = object.mergeKeys.first, let match = object.matchKeys.first {
                text += """
                        # dedupe:
                        #   within: [ { keys: [\(merge)], keep: most_complete } ]                # doubles in the source
                        #   against_target: [ { keys: [\(match)], on_match: fill_blanks } ]      # records there already

                    """
            }
        }
        return text
    }

    private func links(_ mapping: DraftMapping) -> String {
        guard !mapping.links.isEmpty else { return "" }
        return "links:\n"
            + mapping.links.map { link in
                let names = link.to.map { "\($0)" }.joined(separator: ", ")
                let to = link.to.count == 1 ? names : "[\(names)]"
                return "  - { from: \(link.from), to: \(to), as: \(link.form)\(link.options) }\n"
            }.joined()
    }

    /// A key of a mapping: numbers and words that YAML has a meaning for are quoted.
    private func key(_ text: String) -> String { YAMLText.scalar(text, inFlow: true) }

    /// Text for a comment: nothing may end the line.
    static func comment(_ text: String) -> String { String(text.map { $0.isNewline ? " " : $0 }) }
}
