// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezConnectorKit
import MigratezJSON
package import MigratezModel
import MigratezTransport

/// What the account says about itself: fields, people, totals, whose it is.
extension RESTSource {
    package func discover(_ objects: [StreamName]) async throws -> [ObjectSchema] {
        var schemas: [ObjectSchema] = []
        for object in objects {
            let plan = try plan(object)
            var fields: [FieldSchema] = []
            if !plan.fields.contains(where: { $0.schema.name == plan.idName }) {
                fields.append(
                    FieldSchema(
                        name: plan.idName, label: "Record ID", kind: .id, isCreateable: false, isUpdateable: false,
                        isUnique: true))
            }
            fields += plan.fields.map(\.schema)
            var known = Set(fields.map(\.name))
            if let discovery = plan.discovery {
                fields += try await self.fields(discovery).filter { known.insert($0.name).inserted }
            }
            schemas.append(ObjectSchema(name: object.text, label: plan.label, fields: fields))
        }
        return schemas
    }

    private func fields(_ plan: DiscoveryPlan) async throws -> [FieldSchema] {
        let answer = try await connection.client.send(plan.request, try await values(plan.lookups), class: "schema")
        return answer.find { bytes, root in
            plan.list.values(in: bytes, from: root).flatMap { slice in
                slice.kind == .array ? slice.elements(in: bytes) : [slice]
            }.filter { element in
                plan.conditions.allSatisfy { $0.holds(in: bytes, at: element) }
            }.compactMap { plan.field(in: bytes, at: $0) }
        } ?? []
    }

    package func people() async throws -> [Person] {
        var people: [Person] = []
        var known: Set<String> = []
        for plan in definition.people {
            let values = try await values(plan.lookups)
            try await eachPage(plan.list, values, what: "people") { page in
                for range in page.records {
                    guard let person = plan.person(page.answer.body, range), known.insert(person.id).inserted else {
                        continue
                    }
                    people.append(person)
                }
            }
        }
        return people
    }

    /// Goes through all pages of a list that has no windows.
    func eachPage(
        _ list: ListPlan, _ values: PlaceholderValues, what: String, _ body: (ListPage) throws -> Void
    ) async throws {
        var position: String?
        var seen: Set<String> = []
        repeat {
            let page = try await page(list, position: position, after: nil, values, what: what)
            try body(page)
            position = try page.next(after: position, pageRecords: pageRecords(list.paging))
            if let position, !seen.insert(position).inserted {
                throw MigratezError(
                    .cursorLoop, "\(definition.label)'s list of \(what) leads back to a page that was read already",
                    remedy: .retry(after: nil))
            }
        } while position != nil
    }

    package func count(of object: StreamName) async throws -> Int? {
        let plan = try plan(object)
        return plan.total?.isExact == true ? try await total(plan) : nil
    }

    package func estimatedCount(of object: StreamName) async throws -> Int? { try await total(try plan(object)) }

    private func total(_ plan: ObjectPlan) async throws -> Int? {
        guard let total = plan.total else { return nil }
        let values = try await values(plan.lookups)
        var sum = 0
        for list in plan.lists {
            let page = try await page(list, position: nil, after: nil, values, what: plan.stream.text)
            let text =
                switch total.place {
                case .header(let name): page.answer.head.headers[name]
                case .path(let path):
                    page.answer.find { bytes, root in
                        path.first(in: bytes, from: root).map { JSONText.string($0, of: bytes) }
                    }
                }
            guard let count = text.flatMap({ Int($0) }) else { return nil }
            sum += count
        }
        return sum
    }

    // MARK: The account

    package func identity() async throws -> String { try await who().identity }

    package func account(for objects: [StreamName]) async throws -> AccountReport {
        let (identity, user) = try await who()
        var report = AccountReport(account: identity)
        report.user = user
        report.unknown.append("rights: \(definition.label) is not asked for them; a missing one shows as a refusal")
        return report
    }

    private func who() async throws -> (identity: String, user: String?) {
        let plan = definition.identity
        let answer = try await connection.client.send(plan.request, try await values([]), class: "account")
        let found = answer.find { bytes, root -> (String, String?)? in
            let identity = plan.text.filled { path in
                connection.values[path]
                    ?? RecordPath(path)?.first(in: bytes, from: root).map { JSONText.string($0, of: bytes) }
            }
            let user = plan.user?.first(in: bytes, from: root).map { JSONText.string($0, of: bytes) }
            return identity.map { ($0, user) }
        }
        guard let found else {
            throw MigratezError(.brokenResponse, "\(definition.label) did not tell whose account it is")
        }
        return found
    }

    // MARK: Planning

    package func estimatedCalls(reading object: StreamName, records: Int) -> [CallEstimate] {
        guard let plan = definition.object(object), let list = plan.lists.first else { return [] }
        let size = pageRecords(list.paging)
        return [
            CallEstimate("list \(object)", max(plan.lists.count, (records + size - 1) / size), secondsEach: 0.1...0.8)
        ]
    }

    package func estimatedCalls(linksFrom from: StreamName, to: StreamName, records: Int) -> [CallEstimate] {
        let asked = definition.object(from)?.links.filter { $0.to == to && $0.request != nil }.count ?? 0
        return asked > 0 ? [CallEstimate("links \(from) → \(to)", records * asked, secondsEach: 0.1...0.5)] : []
    }
}

extension LookupPlan.Condition {
    func holds(in document: UnsafeBufferPointer<UInt8>, at slice: JSONSlice) -> Bool {
        path.values(in: document, from: slice).contains { JSONText.string($0, of: document) == text }
    }
}

extension DiscoveryPlan {
    /// The field that an element describes; `nil` if it has no name.
    func field(in document: UnsafeBufferPointer<UInt8>, at element: JSONSlice) -> FieldSchema? {
        func text(_ path: String) -> String? {
            RecordPath(path)?.first(in: document, from: element).map { JSONText.string($0, of: document) }
        }
        guard let name = name.filled(text) else { return nil }
        let vendorKind = kind?.first(in: document, from: element).map { JSONText.string($0, of: document) }
        let kind = self.kind == nil ? .text : vendorKind.flatMap { kinds[$0] } ?? .other
        var choices: [FieldSchema.Option] = []
        if let options, kind == .choice || kind == .choices {
            choices = options.list.values(in: document, from: element)
                .flatMap { $0.kind == .array ? $0.elements(in: document) : [$0] }
                .compactMap { option in
                    guard let value = options.value.first(in: document, from: option) else { return nil }
                    let text = JSONText.string(value, of: document)
                    let label = options.label.first(in: document, from: option)
                    return .init(value: text, label: label.map { JSONText.string($0, of: document) } ?? text)
                }
        }
        return FieldSchema(
            name: name, label: label.filled(text) ?? name, kind: kind,
            isUnique: isUnique?.first(in: document, from: element).map { $0.kind == .true } ?? false, options: choices,
            isRestricted: !choices.isEmpty)
    }
}

extension RESTDefinition.PeopleList {
    fileprivate func person(_ body: [UInt8], _ range: Range<Int>) -> Person? {
        body.withUnsafeBufferPointer { bytes in
            let record = UnsafeBufferPointer(rebasing: bytes[range])
            guard let root = root(of: record), let id = id.text(in: record, from: root) else { return nil }
            let isActive =
                switch active {
                case .all(let isActive): isActive
                case .having(let path, let texts):
                    path.values(in: record, from: root).contains { texts.contains(JSONText.string($0, of: record)) }
                }
            return Person(id: id, email: email?.text(in: record, from: root), isActive: isActive)
        }
    }
}
