// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezTransport

/// One page of a list as the service answered it, and what it says of the next one.
struct ListPage: Sendable {
    let answer: RESTClient.Answer
    /// The records' places in the answer.
    private(set) var records: [Range<Int>] = []
    private(set) var malformed: [MalformedRecord] = []
    /// Elements of the list, whatever they are.
    let elementCount: Int
    private let plan: ListPlan
    private let split: PageSplit

    /// - Throws: `brokenResponse` if there is no list in the answer.
    init(_ answer: RESTClient.Answer, _ plan: ListPlan, what: String) throws(MigratezError) {
        self.answer = answer
        self.plan = plan
        guard let split = answer.body.withUnsafeBufferPointer({ PageSplit($0, at: plan.list) }) else {
            throw MigratezError(
                .brokenResponse, "the answer holds no list of \(what)", remedy: .retry(after: nil))
        }
        self.split = split
        elementCount = split.elements.count
        records.reserveCapacity(elementCount)
        for (number, range) in split.elements.enumerated() { take(range, number: number + 1) }
    }

    private mutating func take(_ element: Range<Int>, number: Int) {
        let found = answer.body.withUnsafeBufferPointer { bytes -> Range<Int>? in
            guard !plan.record.isEmpty else { return element }
            let inside = UnsafeBufferPointer(rebasing: bytes[element])
            return member(at: plan.record, in: inside).map {
                ($0.range.lowerBound + element.lowerBound)..<($0.range.upperBound + element.lowerBound)
            }
        }
        let range = found ?? element
        let isRecord = found != nil && answer.body[range.lowerBound] == UInt8(ascii: "{")
        if isRecord, range.count <= JSONLimits.record.recordBytesMax.bytes {
            records.append(range)
        } else {
            malformed.append(
                MalformedRecord(
                    locator: "item \(number) of a page", reason: isRecord ? "too long" : "not an object",
                    bytes: Array(answer.body[range].prefix(JSONLimits.record.recordBytesMax.bytes))))
        }
    }

    /// Where the next page begins within the same window, given where this one began; `nil` after the last one.
    func next(after position: String?, pageRecords: Int) throws(MigratezError) -> String? {
        switch plan.paging.kind {
        case .none: return nil
        case .page(let first):
            let page = position.flatMap { Int($0) } ?? first
            return hasMore(page: page - first + 1, pageRecords: pageRecords) ? String(page + 1) : nil
        case .offset:
            let offset = position.flatMap { Int($0) } ?? 0
            return hasMore(page: nil, pageRecords: pageRecords) ? String(offset + elementCount) : nil
        case .keyset: return hasMore(page: nil, pageRecords: pageRecords) ? "" : nil
        case .cursor(let path), .nextLink(let path):
            if plan.paging.more != nil, !hasMore(page: nil, pageRecords: pageRecords) { return nil }
            let text = text(at: path)
            return text?.isEmpty == true ? nil : text
        case .linkHeader: return LinkHeader.next(in: answer.head.headers)
        }
    }

    /// - Parameter page: the page's number, from 1 on, if pages are numbered.
    private func hasMore(page: Int?, pageRecords: Int) -> Bool {
        if let path = plan.paging.more {
            let text = text(at: path)
            return text == "true" || (text.flatMap { Int($0) } ?? 0) > 0
        }
        if let path = plan.paging.pageCount, let page, let count = text(at: path).flatMap({ Int($0) }) {
            return page < count
        }
        return elementCount >= pageRecords
    }

    private func text(at path: RecordPath) -> String? {
        answer.find { bytes, root in path.first(in: bytes, from: root).map { JSONText.string($0, of: bytes) } }
    }
}

/// The header `Link` (RFC 8288, section 3).
enum LinkHeader {
    /// The target of the first link whose relation is `next`.
    static func next(in headers: HTTPHeaders) -> String? {
        for field in headers.values("Link") {
            var rest = Substring(field)
            while let open = rest.firstIndex(of: "<"), let close = rest[open...].firstIndex(of: ">") {
                let target = rest[rest.index(after: open)..<close]
                rest = rest[rest.index(after: close)...]
                let parameters = rest.prefix { $0 != "<" }
                let isNext = parameters.split(whereSeparator: { $0 == ";" || $0 == "," }).contains { parameter in
                    let text = parameter.filter { $0 != " " && $0 != "\"" }.lowercased()
                    return text == "rel=next"
                }
                if isNext { return String(target) }
            }
        }
        return nil
    }
}
