// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// The links from records of one table to records of another.
///
/// A lookup that leads to the other table is a link; the one that people mean is the primary one, and others carry their
/// name as a label unless they lead to the same record. Connections join any two records of tables that are enabled for
/// them; each is two rows that lead either way, so one is found from each end (Microsoft Learn, "Connection tables"). Who
/// takes part in an activity is linked with it, too, with the role as label.
struct LinkSurvey: Sendable {
    /// Records whose links are asked for at once.
    static let recordsMax = 200

    let api: DynamicsAPI
    let from: TableMetadata
    let to: TableMetadata

    /// - Throws: `notSupported` if nothing connects the two tables in this direction.
    func edges(of records: [(id: String, bytes: ArraySlice<UInt8>)]) async throws -> [Edge] {
        let lookups = lookups
        guard !lookups.isEmpty || hasConnections || hasParties else {
            throw MigratezError(
                .notSupported, "nothing of \(from.name) refers to \(to.name)", remedy: .fixConfiguration,
                hint: "turn the link round, or name the table that joins the two as an object of its own")
        }
        // Attachments tell the table of the record that they hang on in a column of its own.
        let typeCode = from.column(TableMetadata.typeCode) == nil ? nil : TableMetadata.typeCode
        var edges: [Edge] = []
        var pairs: Set<Pair> = []
        var index = RecordIndex(fields: nil)
        for record in records {
            try record.bytes.withUnsafeBufferPointer { (bytes) throws(MigratezError) in
                do throws(JSONFailure) {
                    try index.index(bytes)
                } catch {
                    throw error.error(.malformedRecord, in: "record \(record.id)", remedy: .rejectRecord)
                }
                for lookup in lookups {
                    guard let id = text(lookup.property, index, bytes) else { continue }
                    let type = text(typeCode ?? lookup.property + RecordPages.lookupType, index, bytes)
                    guard type.map({ $0 == to.name }) ?? lookup.isSole else { continue }
                    guard pairs.insert(Pair(from: record.id, to: id)).inserted else { continue }
                    edges.append(
                        Edge(
                            from: record.id, to: id, isPrimary: lookup.isPrimary,
                            label: lookup.isPrimary ? nil : lookup.name))
                }
            }
        }
        if hasParties {
            for party in try await PartyLists(api: api).records(of: records.map(\.id), in: to.name)
            where pairs.insert(Pair(from: party.activity, to: party.record)).inserted {
                edges.append(Edge(from: party.activity, to: party.record, label: party.role))
            }
        }
        if hasConnections { edges += try await connections(of: records.map(\.id), besides: pairs) }
        return edges
    }

    private var hasConnections: Bool { from.isConnectable && to.isConnectable }
    private var hasParties: Bool { from.isActivity && PartyLists.tables.contains(to.name) }

    /// What the links may be labelled with: the names of lookups that are not the primary one, the environment's connection
    /// roles, and the roles in which somebody takes part in an activity, as people see them.
    func labels(_ catalog: MetadataCatalog) async throws -> [String] {
        var labels = lookups.filter { !$0.isPrimary }.map(\.name)
        if hasParties {
            let columns = try await catalog.table("activityparty").columns
            let role = columns.first { $0.field.name == "participationtypemask" }
            labels += role?.field.options.map(\.label) ?? []
        }
        if hasConnections {
            try await api.rows("connectionroles", query: [("$select", "name")]) { row in
                if let name = row["name"]?.text { labels.append(name) }
            }
        }
        return labels
    }

    private struct Pair: Hashable {
        var from: String
        var to: String
        var label: String?
    }

    private struct Lookup {
        var name: String
        var property: String
        /// Whether it leads to no other table.
        var isSole: Bool
        var isPrimary: Bool
    }

    /// The lookups of a record that may lead to the other table, the primary one first.
    private var lookups: [Lookup] {
        let columns = from.columns.filter {
            $0.field.kind == .reference && $0.field.isCreateable && $0.field.refersTo.contains(to.name)
        }
        let names = columns.map(\.field.name)
        let primary =
            Self.primaryNames(to.name).first { names.contains($0) } ?? names.first { !$0.contains("_") } ?? names.first
        return columns.map { column in
            Lookup(
                name: column.field.name, property: column.property, isSole: column.field.refersTo.count == 1,
                isPrimary: column.field.name == primary)
        }.sorted { $0.isPrimary && !$1.isPrimary }
    }

    /// The lookups of standard tables that people mean when they speak of a record's company, person or subject.
    private static func primaryNames(_ table: String) -> [String] {
        ["parent\(table)id", "parentcustomerid", "customerid", "primary\(table)id", "regardingobjectid", "objectid"]
    }

    private func text(_ name: String, _ index: borrowing RecordIndex, _ bytes: UnsafeBufferPointer<UInt8>) -> String? {
        guard let slice = index.slice(name), slice.kind == .string else { return nil }
        return JSONText.string(slice, of: bytes)
    }

    private func connections(of ids: [String], besides pairs: Set<Pair>) async throws -> [Edge] {
        let prefer =
            "odata.include-annotations=\"\(RecordPages.lookupType.dropFirst()),\(Self.formatted.dropFirst())\""
        var edges: [Edge] = []
        var seen = pairs
        for group in ODataText.groups(ids, overhead: 500) {
            try Task.checkCancellation()
            let query = [
                ("$select", "_record1id_value,_record2id_value,_record2roleid_value"),
                ("$filter", ODataText.isIn("record1id", group)),
            ]
            try await api.rows("connections", query: query, prefer: prefer) { row in
                guard let start = row["_record1id_value"]?.text, let end = row["_record2id_value"]?.text,
                    row["_record2id_value" + RecordPages.lookupType]?.text == to.name
                else { return }
                let label = row["_record2roleid_value" + Self.formatted]?.text
                guard seen.insert(Pair(from: start, to: end, label: label)).inserted else { return }
                edges.append(Edge(from: start, to: end, label: label))
            }
        }
        return edges
    }

    /// Behind the name of a property: its value as people see it.
    static let formatted = "@OData.Community.Display.V1.FormattedValue"
}
