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

    /// Whether the edges become a field of records that are loaded already, because the lookup leads back to where it
    /// starts, directly or through others: such links are written after all records, each by itself.
    package var isDeferred = false

    /// Whether only some of the source's records are read: what an edge leads to may then exist all the same.
    package var isLimited = false

    /// What becomes of an edge whose other record was not among those that were read. A limit is nobody's mistake, so
    /// nothing is rejected for it.
    var fateOfMissing: (outcome: Outcome, code: ErrorCode) {
        if isLimited { return (.skipped, .parentNotRead) }
        return (onMissing == .quarantine ? .rejected : .skipped, .parentMissing)
    }

    /// Whether the edges become a field that is written together with the from-record.
    package var isLookup: Bool { field != nil && !isDeferred }

    /// The field of the from-record that an edge becomes.
    package var field: String? {
        if case .lookup(_, let field) = form { return field }
        return nil
    }
}

extension TransformSpec {
    /// The pairs of streams that the links connect, in the order of the pipeline file.
    package var routes: [LinkRoute] { LoadSequence(objects.map(\.stream), declaredRoutes).routes }

    /// The object streams, each after those that its lookups point to, apart from the deferred ones; otherwise in the
    /// order of the pipeline file.
    package var loadOrder: [StreamName] { LoadSequence(objects.map(\.stream), declaredRoutes).order }

    private var declaredRoutes: [LinkRoute] {
        links.flatMap { link in
            link.to.compactMap { to in
                StreamName.link(from: link.from, to: to).map { stream in
                    LinkRoute(
                        stream: stream, from: link.from, to: to, form: link.form, choose: link.choose,
                        onMissing: link.onMissing, map: link.map, isLimited: isLimited)
                }
            }
        }
    }
}

/// The order in which records are loaded, and the lookups that have to wait until all of them are.
///
/// A lookup to the same object, and enough others to open every circle of lookups, are deferred. Of the objects in a
/// circle the one with the fewest lookups into it comes first, then the order of the pipeline file: the same file
/// always gives the same answer.
struct LoadSequence {
    private(set) var order: [StreamName] = []
    private(set) var routes: [LinkRoute]

    init(_ streams: [StreamName], _ declared: [LinkRoute]) {
        routes = declared
        for number in routes.indices where routes[number].isLookup && routes[number].from == routes[number].to {
            routes[number].isDeferred = true
        }
        var waiting = streams
        while !waiting.isEmpty {
            if let next = waiting.firstIndex(where: { unmet($0, waiting).isEmpty }) {
                order.append(waiting.remove(at: next))
                continue
            }
            // All that wait are in circles or behind them. An object whose parents all lead back to it is in one.
            let inCircle = waiting.filter { stream in
                unmet(stream, waiting).allSatisfy { leads(from: routes[$0].to, to: stream, waiting) }
            }
            guard let opened = (inCircle.min { unmet($0, waiting).count < unmet($1, waiting).count }) else {
                // Cannot be: following unmet lookups from anywhere ends in a circle.
                order += waiting
                return
            }
            for number in unmet(opened, waiting) { routes[number].isDeferred = true }
        }
    }

    /// The lookups of the stream that lead to one which is not loaded before it.
    private func unmet(_ stream: StreamName, _ waiting: [StreamName]) -> [Int] {
        routes.indices.filter {
            routes[$0].from == stream && routes[$0].isLookup && waiting.contains(routes[$0].to)
        }
    }

    private func leads(from start: StreamName, to end: StreamName, _ waiting: [StreamName]) -> Bool {
        var seen: Set<StreamName> = []
        var open = [start]
        while let stream = open.popLast() {
            if stream == end { return true }
            guard seen.insert(stream).inserted else { continue }
            open += unmet(stream, waiting).map { routes[$0].to }
        }
        return false
    }
}
