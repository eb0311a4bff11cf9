// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel

/// Records of Zoho's answers as a page, each a flat JSON object.
///
/// A link to another record or to a user comes as an object, `{"name":"Acme","id":"554…"}`; in its place the id stands as a
/// text. Everything else is as Zoho wrote it.
enum FlatRecords {
    /// The records below `data` of a validated answer; an empty answer is an empty page.
    ///
    /// - Parameter after: only records behind this id, in the order of their ids.
    static func page(_ answer: [UInt8], what: String, after: String? = nil) throws(MigratezError) -> Page {
        var page = Page(bytes: [], records: [], next: nil)
        guard !answer.isEmpty else { return page }
        page.bytes.reserveCapacity(answer.count)
        let isRead = answer.withUnsafeBufferPointer { document -> Bool in
            guard let split = PageSplit(document, at: ["data"]) else { return false }
            for (number, range) in split.elements.enumerated() {
                append(document, range, number, after, to: &page)
            }
            return true
        }
        guard isRead else {
            throw MigratezError(
                .brokenResponse, "Zoho's answer holds no list of \(what)", remedy: .retry(after: nil))
        }
        return page
    }

    private static func append(
        _ document: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, _ number: Int, _ after: String?,
        to page: inout Page
    ) {
        let isRecord = document[range.lowerBound] == UInt8(ascii: "{")
        guard isRecord, range.count <= JSONLimits.record.recordBytesMax.bytes else {
            page.malformed.append(
                MalformedRecord(
                    locator: "item \(number + 1) of a page", reason: isRecord ? "too long" : "not an object",
                    bytes: Array(document[range].prefix(JSONLimits.record.recordBytesMax.bytes))))
            return
        }
        let record = UnsafeBufferPointer(rebasing: document[range])
        if let after {
            let id = member(at: [ZohoModule.id], in: record).map { JSONText.string($0, of: record) }
            guard let id, ZohoID.isBehind(id, after) else { return }
        }
        let start = page.bytes.count
        flatten(record, into: &page.bytes)
        page.records.append(start..<page.bytes.count)
    }

    /// Appends the record with ids in the place of links.
    private static func flatten(_ record: UnsafeBufferPointer<UInt8>, into bytes: inout [UInt8]) {
        var cursor = FieldCursor(record)
        bytes.append(UInt8(ascii: "{"))
        var isFirst = true
        while let field = cursor.next() {
            if !isFirst { bytes.append(UInt8(ascii: ",")) }
            isFirst = false
            bytes.append(contentsOf: record[field.name])
            bytes.append(UInt8(ascii: ":"))
            let id = field.value.kind == .object ? field.value.member(ZohoModule.id, in: record) : nil
            bytes.append(contentsOf: record[(id ?? field.value).range])
        }
        bytes.append(UInt8(ascii: "}"))
    }

    /// A value as a flat record has it.
    static func flat(_ value: JSONValue) -> JSONValue {
        guard case .object = value, let id = value[ZohoModule.id] else { return value }
        return id
    }
}

/// Ids of records: whole numbers of up to 19 digits, as texts, because a `Double` holds no more than 15.
enum ZohoID {
    static func isID(_ text: String) -> Bool {
        (1...19).contains(text.utf8.count) && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
    }

    /// Whether `id` comes behind `other` in the order of numbers.
    static func isBehind(_ id: String, _ other: String) -> Bool {
        guard let number = UInt64(id), let otherNumber = UInt64(other) else { return id > other }
        return number > otherNumber
    }
}
