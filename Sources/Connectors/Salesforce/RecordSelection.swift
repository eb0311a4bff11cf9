// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezModel

/// Which records of an object are read, and which of their fields.
struct RecordSelection: Sendable {
    /// A field that is read, with what its text in a bulk result means.
    struct Column: Sendable {
        var name: String
        var kind: FieldSchema.Kind
    }

    /// The time of the last change by anybody, which people's rules go by.
    static let modified = "LastModifiedDate"
    static let id = "Id"

    let object: String
    /// The id comes first.
    let columns: [Column]
    /// The text of a note is fetched by itself.
    let wantsContent: Bool
    /// So is the price of a product.
    let wantsPrice: Bool
    /// Whether archived records are among those that are read: the platform leaves tasks and events out of plain queries
    /// when they have become old (SOAP API Developer Guide, "queryAll()").
    let includesArchived: Bool

    var isNote: Bool { object == ContentNote.object }

    /// What records must be, apart from where a page begins: `queryAll` also finds the recycle bin.
    var filter: String? {
        if object == SalesforceFile.object { return SalesforceFile.filter }
        return includesArchived ? "IsDeleted = false" : nil
    }

    /// The member by which a record is known.
    var idField: String { SalesforceFile.idField(of: object) }

    /// Whether a bulk query can bring the fields: not those that are made of several, nor the bytes of files
    /// (Bulk API 2.0, "Query Jobs").
    var isBulkable: Bool { !isNote && !wantsPrice && columns.allSatisfy { $0.kind != .other } }

    /// - Parameter fields: names that the object does not have are left out: expressions may ask for what another source
    ///   would have, and the check of a pipeline has named what is wrong.
    /// - Throws: `notSupported` for a field that holds a file.
    init(of metadata: ObjectMetadata, fields: [String]) throws(MigratezError) {
        let schema = metadata.schema
        object = schema.name
        includesArchived = ["Task", "Event"].contains(schema.name)
        // Links are read off the fields that refer to other records.
        let references = schema.fields.filter { metadata.linkFields.contains($0.name) }.map(\.name)
        var columns: [Column] = []
        var wantsContent = false
        let content = SalesforceFile.content(of: object)
        let facts = [SalesforceFile.idField(of: object), content?.sizeField].compactMap(\.self)
        let names = [Self.id] + fields.filter { $0 != content?.field } + facts + references + [Self.modified]
        for name in names where !columns.contains(where: { $0.name == name }) {
            guard let field = schema.field(name) else { continue }
            if object == ContentNote.object, name == ContentNote.content {
                wantsContent = true
                continue
            }
            guard field.kind != .binary else {
                throw MigratezError(
                    .notSupported, "\(object).\(name) holds a file, which is no value of a field",
                    remedy: .fixConfiguration, hint: "take the field out of the pipeline file")
            }
            columns.append(Column(name: name, kind: field.kind))
        }
        if object == ContentNote.object {
            columns.append(Column(name: ContentNote.latestVersion, kind: .reference))
        }
        self.columns = columns
        wantsPrice = object == ProductPrices.object && fields.contains(ProductPrices.field)
        self.wantsContent = wantsContent
    }

    /// `SELECT Id,Name FROM Account`, with conditions.
    func query(_ conditions: [String] = [], suffix: String = "") -> String {
        let all = (filter.map { [$0] } ?? []) + conditions
        return "SELECT \(columns.map(\.name).joined(separator: ",")) FROM \(object)"
            + (all.isEmpty ? "" : " WHERE " + all.joined(separator: " AND ")) + suffix
    }
}
