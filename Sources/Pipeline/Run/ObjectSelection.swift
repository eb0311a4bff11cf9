// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import MigratezTransform

/// Which objects of a pipeline a run is about: `contact,deal+` without `note`.
///
/// `deal+` means deal and every object that has links to it, and so on; `+deal` means deal and every object that it has
/// links to, and so on.
package struct ObjectSelection: Sendable, Equatable {
    /// As they were written; empty = all.
    package var selected: [String]
    package var excluded: [String]

    package init(selected: [String] = [], excluded: [String] = []) {
        self.selected = selected
        self.excluded = excluded
    }

    package var isEmpty: Bool { selected.isEmpty && excluded.isEmpty }

    /// The objects that are meant.
    ///
    /// - Throws: `invalidSetting` for a name that the pipeline does not have, and if nothing is left.
    func streams(of spec: TransformSpec) throws(MigratezError) -> Set<StreamName> {
        var streams = Set(spec.objects.map(\.stream))
        if !selected.isEmpty { streams = try Self.streams(selected, spec) }
        streams.subtract(try Self.streams(excluded, spec))
        guard !streams.isEmpty else {
            throw MigratezError(
                .invalidSetting, "--select and --exclude leave no object", remedy: .fixConfiguration,
                hint: "the pipeline has \(spec.objects.map(\.stream.text).joined(separator: ", "))")
        }
        return streams
    }

    private static func streams(_ terms: [String], _ spec: TransformSpec) throws(MigratezError) -> Set<StreamName> {
        var streams: Set<StreamName> = []
        for term in terms {
            var name = Substring(term)
            let takesParents = name.hasPrefix("+")
            if takesParents { name = name.dropFirst() }
            let takesChildren = name.hasSuffix("+")
            if takesChildren { name = name.dropLast() }
            guard let stream = StreamName(String(name)), spec.object(stream) != nil else {
                let names = spec.objects.map(\.stream.text)
                let meant = closest(to: String(name), among: names).map { "did you mean '\($0)'? " } ?? ""
                throw MigratezError(
                    .invalidSetting, "the pipeline has no object '\(name)'", remedy: .fixConfiguration,
                    hint: meant + "it has \(names.joined(separator: ", "))")
            }
            streams.insert(stream)
            if takesParents { streams.formUnion(reach(from: stream, spec) { ($0.from, $0.to) }) }
            if takesChildren { streams.formUnion(reach(from: stream, spec) { ($0.to, $0.from) }) }
        }
        return streams
    }

    /// Everything that can be reached along links in one direction.
    private static func reach(
        from start: StreamName, _ spec: TransformSpec, _ step: (LinkRoute) -> (StreamName, StreamName)
    ) -> Set<StreamName> {
        var reached: Set = [start]
        var open = [start]
        while let stream = open.popLast() {
            for route in spec.routes {
                let (here, next) = step(route)
                if here == stream, reached.insert(next).inserted { open.append(next) }
            }
        }
        return reached
    }
}

extension TransformSpec {
    /// The part of the pipeline that is about these objects, and the links between them.
    ///
    /// A reference to an object that is left out stays empty where the pipeline allows that.
    /// - Throws: `invalidSetting` where it does not: every record with such a reference would be rejected or skipped.
    func restricted(to streams: Set<StreamName>) throws(MigratezError) -> TransformSpec {
        var restricted = self
        restricted.objects = objects.filter { streams.contains($0.stream) }
        restricted.links = []
        for link in links where streams.contains(link.from) {
            var kept = link
            kept.to = link.to.filter { streams.contains($0) }
            if case .lookup(let object, let field) = link.form, link.onMissing != .empty,
                let missing = link.to.first(where: { !streams.contains($0) })
            {
                throw MigratezError(
                    .invalidSetting,
                    "'\(link.from)' needs '\(missing)' for \(object).\(field) (on_missing: \(link.onMissing.rawValue))",
                    remedy: .fixConfiguration,
                    hint: "select it, too (--select +\(link.from)), or write on_missing: empty at that link")
            }
            if !kept.to.isEmpty { restricted.links.append(kept) }
        }
        return restricted
    }
}
