// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezConnectorKit
import MigratezJSON
package import MigratezModel

/// Links between records, as edges.
///
/// A field of a record that refers to the other module is a link; the one that is named after it is the primary one, and
/// others carry their name as a label. A field that may lead to any module (`What_Id`, `Parent_Id`) does not say to which in
/// a query, so the other module is asked which of the ids are its own. Contacts take part in deals by roles besides.
extension ZohoSource {
    package func linkBatchSize(from: StreamName, to: StreamName) -> Int? { COQL.valuesMax }

    package func readLinks(
        from: StreamName, to: StreamName, of records: [(id: String, bytes: ArraySlice<UInt8>)]
    ) async throws -> [Edge] {
        guard from.text != Attachments.object else { return try await attached(records.map(\.id), to: to.text) }
        let schema = try await connection.catalog.schema(of: from.text)
        let fields = schema.fields.filter { $0.kind == .reference && $0.refersTo.contains(to.text) }
        guard !fields.isEmpty else {
            throw MigratezError(
                .notSupported, "nothing of \(from) refers to \(to)", remedy: .fixConfiguration,
                hint: "turn the link round")
        }
        let primary = Self.primary(of: fields.map(\.name), to: to.text)
        let values = try await linkValues(of: records, fields.map(\.name), schema)
        var edges: [Edge] = []
        for field in fields {
            var found = try MemberLink(field: field.name).edges(of: values)
            if field.refersTo.count > 1 {
                let own = try await own(Set(found.map(\.to)).sorted(), of: to.text)
                found.removeAll { !own.contains($0.to) }
            }
            let isPrimary = field.name == primary
            edges += found.map {
                Edge(from: $0.from, to: $0.to, isPrimary: isPrimary, label: isPrimary ? nil : field.name)
            }
        }
        guard hasContactRoles(from, to) else { return edges }
        return try await merged(edges, records.map(\.id))
    }

    /// The names of fields that are not the primary one, and the organisation's contact roles.
    package func linkLabels(from: StreamName, to: StreamName) async throws -> [String] {
        guard from.text != Attachments.object else { return [] }
        let names = try await connection.catalog.schema(of: from.text).fields
            .filter { $0.kind == .reference && $0.refersTo.contains(to.text) }.map(\.name)
        let primary = Self.primary(of: names, to: to.text)
        let roles = hasContactRoles(from, to) ? try await DealRoles(connection.client).catalogue().map(\.name) : []
        return names.filter { $0 != primary } + roles
    }

    private func hasContactRoles(_ from: StreamName, _ to: StreamName) -> Bool {
        from.text == ZohoModule.deals && to.text == ZohoModule.contacts && readsContactRoles
    }

    package func estimatedCalls(linksFrom from: StreamName, to: StreamName, records: Int) -> [CallEstimate] {
        guard hasContactRoles(from, to) else {
            let groups = (records + COQL.valuesMax - 1) / COQL.valuesMax
            return [CallEstimate("coql \(from) → \(to)", groups, secondsEach: 0.2...1)]
        }
        return [CallEstimate("contact roles of \(from)", records, secondsEach: 0.1...0.6, atOnce: Self.rolesAtOnce)]
    }

    /// An attachment's id names the record that it belongs to.
    private func attached(_ ids: [String], to module: String) async throws -> [Edge] {
        guard try await attachedModules().contains(module) else {
            throw MigratezError(
                .notSupported, "files of \(module) are not read", remedy: .fixConfiguration,
                hint: "add it to source.attachments_of")
        }
        return ids.compactMap { id in
            guard let attachment = AttachmentID(id), attachment.module == module else { return nil }
            return Edge(from: id, to: attachment.record, isPrimary: true)
        }
    }

    /// `Account_Name` for `Accounts`; else the only one, else none.
    private static func primary(of names: [String], to module: String) -> String? {
        let singular = module.hasSuffix("s") ? String(module.dropLast()) : module
        return names.first { $0 == singular + "_Name" || $0 == singular } ?? (names.count == 1 ? names[0] : nil)
    }

    /// The records with these fields: those that were given if they have them all, else read anew.
    private func linkValues(
        of records: [(id: String, bytes: ArraySlice<UInt8>)], _ fields: [String], _ schema: ObjectSchema
    ) async throws -> [(id: String, bytes: ArraySlice<UInt8>)] {
        let isWhole = records.allSatisfy { record in
            record.bytes.withUnsafeBufferPointer { bytes in
                fields.allSatisfy { member(at: [$0], in: bytes) != nil }
            }
        }
        guard !isWhole, let stream = StreamName(schema.name) else { return records }
        let page = try await readRecords(of: stream, ids: records.map(\.id), fields: fields)
        var read: [String: ArraySlice<UInt8>] = [:]
        for range in page.records {
            let id = page.bytes[range].withUnsafeBufferPointer { bytes in
                member(at: [ZohoModule.id], in: bytes).map { JSONText.string($0, of: bytes) }
            }
            if let id { read[id] = page.bytes[range] }
        }
        return records.compactMap { record in read[record.id].map { (record.id, $0) } }
    }

    /// Those of the ids that records of the module have.
    private func own(_ ids: [String], of module: String) async throws -> Set<String> {
        var own: Set<String> = []
        for group in COQL.groups(ids.filter(ZohoID.isID)) {
            let query = "select id from \(module) where id in \(COQL.list(group)) limit \(COQL.valuesMax)"
            own.formUnion(try await connection.client.records(query).compactMap { $0[ZohoModule.id]?.text })
        }
        return own
    }

    /// The contacts of deals: the one that a field of the deal names, and those who have a role in it.
    private func merged(_ named: [Edge], _ deals: [String]) async throws -> [Edge] {
        let roles = DealRoles(connection.client)
        let found = try await withThrowingTaskGroup(of: (String, [DealRoles.Role]).self) { group in
            var waiting = deals[...]
            var found: [String: [DealRoles.Role]] = [:]
            func addNext() {
                guard let deal = waiting.popFirst() else { return }
                group.addTask { (deal, try await roles.roles(in: deal)) }
            }
            for _ in 0..<Self.rolesAtOnce { addNext() }
            while let (deal, contacts) = try await group.next() {
                found[deal] = contacts
                addNext()
            }
            return found
        }
        var edges: [Edge] = []
        for deal in deals {
            let contacts = found[deal] ?? []
            let primary = named.first { $0.from == deal && $0.isPrimary }?.to
            if let primary, !contacts.contains(where: { $0.contact == primary }) {
                edges.append(Edge(from: deal, to: primary, isPrimary: true))
            }
            edges += contacts.map {
                Edge(from: deal, to: $0.contact, isPrimary: $0.contact == primary, label: $0.name)
            }
            edges += named.filter { $0.from == deal && !$0.isPrimary }
        }
        return edges
    }

    /// Fewer than the ten heavy calls at once that Zoho allows.
    private static let rolesAtOnce = 4
}
