// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
package import MigratezModel

/// Links between records, as edges.
extension RESTSource {
    /// Links that stand in records cost nothing; others cost a request for each record.
    package func linkBatchSize(from: StreamName, to: StreamName) -> Int? {
        let plans = definition.object(from)?.links.filter { $0.to == to } ?? []
        guard !plans.isEmpty else { return nil }
        return plans.contains { $0.request != nil } ? 20 : 1_000
    }

    package func readLinks(
        from: StreamName, to: StreamName, of records: [(id: String, bytes: ArraySlice<UInt8>)]
    ) async throws -> [Edge] {
        let plans = try plan(from).links.filter { $0.to == to }
        var edges: [Edge] = []
        for record in records {
            try Task.checkCancellation()
            var found: Set<Edge> = []
            for plan in plans where plan.holds(for: record.bytes) {
                for edge in try await self.edges(plan, of: record) where found.insert(edge).inserted {
                    edges.append(edge)
                }
            }
        }
        return edges
    }

    private func edges(
        _ plan: LinkPlan, of record: (id: String, bytes: ArraySlice<UInt8>)
    ) async throws -> [Edge] {
        guard let request = plan.request else { return plan.edges(of: record.id, in: Array(record.bytes)) }
        var values = try await values([])
        values["id"] = .string(record.id)
        let list = ListPlan(
            request: request, paging: plan.paging, list: plan.list.parentMembers, record: [])
        var edges: [Edge] = []
        try await eachPage(list, values, what: "links") { page in
            edges += plan.edges(of: record.id, in: page.answer.body)
        }
        return edges
    }
}

extension RecordPath {
    /// The members of a path that ends with every element of a list.
    fileprivate var parentMembers: [String] { RecordPath(steps: steps.dropLast()).members ?? [] }
}

extension LinkPlan {
    fileprivate func holds(for record: ArraySlice<UInt8>) -> Bool {
        guard !conditions.isEmpty else { return true }
        return record.withUnsafeBufferPointer { bytes in
            guard let root = root(of: bytes) else { return false }
            return conditions.allSatisfy { $0.holds(in: bytes, at: root) }
        }
    }

    /// The links that a valid document holds; a link without an id is none.
    fileprivate func edges(of id: String, in document: [UInt8]) -> [Edge] {
        document.withUnsafeBufferPointer { bytes in
            guard let root = root(of: bytes) else { return [] }
            return list.values(in: bytes, from: root).compactMap { link in
                guard let end = self.id.first(in: bytes, from: link) else { return nil }
                let to = JSONText.string(end, of: bytes)
                guard !to.isEmpty, end.kind != .object, end.kind != .array else { return nil }
                let isPrimary = self.isPrimary?.first(in: bytes, from: link).map { $0.kind == .true } ?? false
                let name = label?.first(in: bytes, from: link).map { JSONText.string($0, of: bytes) }
                return Edge(from: id, to: to, isPrimary: isPrimary, label: name?.isEmpty == true ? nil : name)
            }
        }
    }
}
