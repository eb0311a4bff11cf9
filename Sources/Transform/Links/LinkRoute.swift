// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

/// One pair of streams that a `LinkSpec` connects, with what becomes of its edges.
package struct LinkRoute: Sendable, Equatable {
    /// The stream of the edges: `contact-to-company`.
    package var stream: StreamName
    package var from: StreamName
    package var to: StreamName
    package var form: LinkSpec.Form
    package var choose: LinkSpec.Choice
    package var onMissing: LinkSpec.OnMissing
    package var map: [String: LinkSpec.EdgeAttribute]

    /// Whether the edges become a field of the from-record.
    package var isLookup: Bool { field != nil }

    /// The field of the from-record that an edge becomes.
    package var field: String? {
        if case .lookup(_, let field) = form { return field }
        return nil
    }
}

extension TransformSpec {
    /// The pairs of streams that the links connect, in the order of the pipeline file.
    package var routes: [LinkRoute] {
        links.flatMap { link in
            link.to.compactMap { to in
                StreamName.link(from: link.from, to: to).map { stream in
                    LinkRoute(
                        stream: stream, from: link.from, to: to, form: link.form, choose: link.choose,
                        onMissing: link.onMissing, map: link.map)
                }
            }
        }
    }

    /// The object streams, each after those that its lookups point to; otherwise in the order of the pipeline file.
    ///
    /// Lint refuses cycles; should there be one, its streams come last, in the order of the file.
    package var loadOrder: [StreamName] {
        let parents = Dictionary(grouping: routes.filter(\.isLookup), by: \.from).mapValues { Set($0.map(\.to)) }
        var ordered: [StreamName] = []
        var waiting = objects.map(\.stream)
        while let next = waiting.firstIndex(where: { (parents[$0] ?? []).isSubset(of: Set(ordered).union([$0])) }) {
            ordered.append(waiting.remove(at: next))
        }
        return ordered + waiting
    }
}
