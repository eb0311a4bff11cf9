// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// Links that fields of records tell of.
///
/// A relation may lead to a record of another object than the one that is asked for: the customer of a deal is a company or
/// a person. So what the ids are is looked up.
struct LinkReader {
    let catalog: OdooCatalog
    let from: OdooObject
    let to: OdooObject

    /// - Throws: `notSupported` if nothing of the one refers to the other.
    func edges(of records: [(id: String, bytes: ArraySlice<UInt8>)]) async throws -> [Edge] {
        let fields = try await fields()
        guard !fields.isEmpty else {
            throw MigratezError(
                .notSupported, "nothing of \(from.name) refers to \(to.name)", remedy: .fixConfiguration,
                hint: "turn the link round")
        }
        var edges: [Edge] = []
        for field in fields {
            switch field {
            case .field(let name, _):
                for edge in try MemberLink(field: name).edges(of: records) {
                    edges.append(Edge(from: edge.from, to: edge.to, isPrimary: true, label: label(name)))
                }
            case .list(let name, _):
                edges += try MemberLink(field: name).edges(of: records)
            case .document(let model, _):
                let owners = Set(
                    try MemberLink(field: model).edges(of: records).filter { $0.to == to.model }.map(\.from))
                edges += try MemberLink(field: LinkField.documentField).edges(of: records)
                    .filter { owners.contains($0.from) }
                    .map { Edge(from: $0.from, to: $0.to, isPrimary: true) }
            }
        }
        let ends = try await catalog.records(
            of: to.model, ids: Set(edges.map(\.to)).sorted(), to.domain, fields: ["id"])
        let ids = Set(ends.compactMap { $0["id"]?.text })
        // A meeting may hang on a person who takes part in it.
        var seen: Set<[String]> = []
        return edges.filter { ids.contains($0.to) && seen.insert([$0.from, $0.to, $0.label ?? ""]).inserted }
    }

    /// Of an object without a name of its own every relation counts, by its own name.
    private func fields() async throws -> [LinkField] {
        guard !from.isKnown else { return from.links.filter { $0.leads(to: to) } }
        return try await catalog.fields(of: from.model).compactMap { field in
            guard field.isLink, field.relation == to.model else { return nil }
            return field.type == "many2one"
                ? .field(field.name, to: [to.name]) : .list(field.name, to: [to.name])
        }
    }

    private func label(_ name: String) -> String? { from.isKnown ? nil : name }
}
