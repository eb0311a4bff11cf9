// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import MigratezTransform

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
                if earlier.form == link.form, case .lookup(let object, let field) = link.form {
                    report(
                        .conflict, section.position(of: "as"),
                        "\(object).\(field) is filled by the link in line \(position.line) already",
                        remedy: "Name several objects in 'to: [a, b]' of one link")
                }
            }
            links.append((link, section.position))
        }
        reportCycles(links)
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

    /// A record is loaded after those that its fields refer to, so lookups must not lead round in a circle.
    private mutating func reportCycles(_ links: [(spec: LinkSpec, position: FilePosition)]) {
        var next: [StreamName: [(to: StreamName, position: FilePosition)]] = [:]
        for (spec, position) in links {
            guard case .lookup = spec.form else { continue }
            next[spec.from, default: []] += spec.to.map { ($0, position) }
        }
        var done: Set<StreamName> = []
        for start in next.keys.sorted() where !done.contains(start) {
            var trail: [StreamName] = []
            follow(start, &trail, &done, next)
        }
    }

    private mutating func follow(
        _ stream: StreamName, _ trail: inout [StreamName], _ done: inout Set<StreamName>,
        _ next: [StreamName: [(to: StreamName, position: FilePosition)]]
    ) {
        trail.append(stream)
        for (to, position) in next[stream] ?? [] {
            if let start = trail.firstIndex(of: to) {
                let circle = (trail[start...] + [to]).map(\.text).joined(separator: " → ")
                report(
                    .linkCycle, position, "the lookups \(circle) form a circle, which is not supported yet",
                    remedy: "Leave one of them out, or load it in a second pipeline")
            } else if !done.contains(to) {
                follow(to, &trail, &done, next)
            }
        }
        trail.removeLast()
        done.insert(stream)
    }
}
