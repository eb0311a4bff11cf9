// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
package import MigratezModel

/// Links between records, as edges.
extension HubSpotSource {
    /// HubSpot takes 1,000 ids a request. That there are no links of a kind is an answer, too.
    package func linkBatchSize(from: StreamName, to: StreamName) -> Int? {
        from.text == ListReader.object ? ListReader.linkBatch : HubSpotLimits.linkReadIDsMax
    }

    package func readLinks(
        from: StreamName, to: StreamName, of records: [(id: String, bytes: ArraySlice<UInt8>)]
    ) async throws -> [Edge] {
        if from.text == HubSpotAttachments.object {
            return try await AttachmentReader(connection: connection).links(of: records, to: to)
        }
        if from.text == ListReader.object {
            return try await ListReader(connection: connection).links(of: records, to: to)
        }
        if HubSpotObject(from).hasProduct, HubSpotObject(to).type == "products" {
            return records.compactMap { record in
                let value = record.bytes.withUnsafeBufferPointer { JSONValue(validated: $0) }
                guard let product = value["properties"]?[HubSpotObject.productProperty]?.text, !product.isEmpty else {
                    return nil
                }
                return Edge(from: record.id, to: product)
            }
        }
        let isHierarchy = from == Self.company && to == Self.company
        let links = try await LinkReader(connection).links(
            of: records.map(\.id), from: HubSpotObject(from), to: HubSpotObject(to))
        return links.flatMap { link -> [Edge] in
            guard !isHierarchy || link.types.contains(LinkType.childToParent) else { return [] }
            return edges(of: link)
        }
    }

    /// A link with several labels is one edge for each; a link without one is one edge.
    private func edges(of link: HubSpotLink) -> [Edge] {
        var labels: [String] = []
        for type in link.types where !type.isPrimary {
            if let label = type.label, !label.isEmpty, !labels.contains(label) { labels.append(label) }
        }
        let isPrimary = link.types.contains(where: \.isPrimary)
        guard !labels.isEmpty else { return [Edge(from: link.from, to: link.to, isPrimary: isPrimary)] }
        return labels.map { Edge(from: link.from, to: link.to, isPrimary: isPrimary, label: $0) }
    }

    private static let company = StreamName("company")
}
