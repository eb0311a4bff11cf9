// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import MigratezTransform
import MigratezYAML

/// `links:`.
extension PlanReader {
    mutating func readLinks(_ top: Section, objects: [ObjectSpec]) -> [LinkSpec] {
        var links: [(spec: LinkSpec, position: FilePosition)] = []
        for (number, node) in elements(top, "links").enumerated() {
            guard let section = section(node, number, of: top, "links"),
                let link = readLink(section, objects: objects)
            else { continue }
            for (earlier, position) in links {
                for stream in link.streams where earlier.streams.contains(stream) {
                    report(
                        .notSupported, section.position(of: "to"),
                        "the links \(stream) are taken in line \(position.line) already",
                        remedy: "Each pair of objects can be linked in one way")
                }
                if earlier.from == link.from, earlier.form == link.form, case .lookup(let object, let field) = link.form
                {
                    report(
                        .conflict, section.position(of: "as"),
                        "\(object).\(field) is filled by the link in line \(position.line) already",
                        remedy: "Name several objects in 'to: [a, b]' of one link")
                }
            }
            links.append((link, section.position))
        }
        reportCircles(links, objects)
        return links.map(\.spec)
    }

    private mutating func readLink(_ section: Section, objects: [ObjectSpec]) -> LinkSpec? {
        let from = declared(section, "from", objects: objects).first
        let to = declared(section, "to", objects: objects)
        guard let from, !to.isEmpty, let form = readForm(section, from: from) else { return nil }
        for object in to where StreamName.link(from: from.stream, to: object.stream) == nil {
            report(
                .impossibleLink, section.position,
                "the names '\(from.stream)' and '\(object.stream)' are too long together for a link")
        }
        var isLookup = false
        if case .lookup = form { isLookup = true }
        let choose = choice(section, "choose", LinkSpec.Choice.self) ?? (isLookup ? .primary : .all)
        if isLookup, choose == .all {
            report(
                .impossibleLink, section.position(of: "choose"), "a field holds one link, not all",
                remedy: "Choose 'primary' or 'first'")
        }
        var map: [String: LinkSpec.EdgeAttribute] = [:]
        if let mapping = self.section(section, "map") {
            if isLookup {
                report(.impossibleLink, mapping.position, "a lookup has no fields of its own to map the link to")
            }
            for member in mapping.members {
                map[member.key] = choice(mapping, member.key, LinkSpec.EdgeAttribute.self)
            }
        }
        return LinkSpec(
            from: from.stream, to: to.map(\.stream), form: form, choose: choose,
            onMissing: choice(section, "on_missing", LinkSpec.OnMissing.self) ?? .quarantine, map: map)
    }

    /// The declared objects that a key names.
    private mutating func declared(_ section: Section, _ key: String, objects: [ObjectSpec]) -> [ObjectSpec] {
        elements(section, key).compactMap { node in
            guard let name = scalar(node, section.name(of: key)) else { return nil }
            if let object = objects.first(where: { $0.stream.text == name }) { return object }
            report(
                .unknownObject, node.position, "'\(name)' is not one of the objects of this pipeline",
                suggestion: closest(to: name, among: objects.map(\.stream.text)))
            return nil
        }
    }

    private mutating func readForm(_ section: Section, from: ObjectSpec) -> LinkSpec.Form? {
        guard let text = text(section, "as") else { return nil }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard parts.count <= 2, parts.allSatisfy({ !$0.isEmpty }) else {
            report(
                .wrongForm, section.position(of: "as"),
                "\(section.name).as must be Object.Field or Object, not '\(text)'")
            return nil
        }
        guard parts.count == 2 else { return .junction(object: parts[0]) }
        if parts[0] != from.target, !from.target.isEmpty {
            report(
                .impossibleLink, section.position(of: "as"),
                "\(text) is a field of \(parts[0]), but \(from.stream) becomes \(from.target)",
                suggestion: "\(from.target).\(parts[1])")
            return nil
        }
        if from.field(parts[1]) != nil {
            report(
                .conflict, section.position(of: "as"),
                "\(text) is mapped under objects.\(from.stream).fields already")
        }
        return .lookup(object: parts[0], field: parts[1])
    }

    /// A lookup that closes a circle is written after the records. Where its field may hold links to several objects,
    /// which of them it holds would be decided twice.
    private mutating func reportCircles(_ links: [(spec: LinkSpec, position: FilePosition)], _ objects: [ObjectSpec]) {
        let spec = TransformSpec(objects: objects, links: links.map(\.spec))
        for (link, position) in links where link.to.count > 1 {
            let routes = spec.routes.filter { $0.from == link.from && $0.form == link.form }
            guard let closing = routes.first(where: \.isDeferred) else { continue }
            report(
                .linkCycle, position,
                "the lookup from '\(link.from)' to '\(closing.to)' leads back to where it starts, "
                    + "which is not supported yet for a field that may hold links to several objects",
                remedy: "Name one object in 'to:'")
        }
    }
}
