// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit

/// Pages of version 2: at most 500 entries, and an opaque cursor that is absent at the end.
struct Paging {
    let limit: Int
    private let cursor: String?

    init(_ request: SimulatorRequest) throws(PipedriveFailure) {
        limit = try Self.limit(request)
        cursor = request.query("cursor")
    }

    static func limit(_ request: SimulatorRequest, max: Int = 500) throws(PipedriveFailure) -> Int {
        guard let text = request.query("limit") else { return 100 }
        guard let limit = Int(text), (1...max).contains(limit) else {
            throw .invalid("limit", "Expected a number from 1 to \(max)")
        }
        return limit
    }

    /// The two numbers at which a page begins; `nil` = at the start.
    func place() throws(PipedriveFailure) -> (Int64, Int64)? {
        guard let cursor else { return nil }
        let parts = Self.unpacked(cursor).split(separator: ":").compactMap { Int64($0) }
        guard parts.count == 2 else { throw .invalid("cursor", "Expected a cursor") }
        return (parts[0], parts[1])
    }

    static func cursor(_ first: Int64, _ second: Int64) -> String {
        "\(first):\(second)".utf8.map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }.joined()
    }

    private static func unpacked(_ cursor: String) -> String {
        let digits = Array(cursor)
        guard digits.count.isMultiple(of: 2) else { return "" }
        let bytes = stride(from: 0, to: digits.count, by: 2).map {
            UInt8(String(digits[$0...($0 + 1)]), radix: 16) ?? 0
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    static func answer(_ entries: [JSONValue], next: String?) -> SimulatorResponse {
        .data(.array(entries), [.init("additional_data", ["next_cursor": next.map { .string($0) } ?? .null])])
    }
}

/// Pages of a list that is always the same.
enum FixedList {
    static func page(_ entries: [JSONValue], _ request: SimulatorRequest) throws(PipedriveFailure) -> SimulatorResponse
    {
        let paging = try Paging(request)
        let start = min(Int(try paging.place()?.0 ?? 0), entries.count)
        let end = min(start + paging.limit, entries.count)
        return Paging.answer(
            Array(entries[start..<end]), next: end < entries.count ? Paging.cursor(Int64(end), 0) : nil)
    }
}

/// Pages of version 1, by position; `data` is null where there is nothing.
struct FormerPaging {
    let start: Int
    let limit: Int

    init(_ request: SimulatorRequest, max: Int = 500) throws(PipedriveFailure) {
        limit = try Paging.limit(request, max: max)
        guard let start = Int(request.query("start") ?? "0"), start >= 0 else {
            throw PipedriveFailure(400, nil, "start must be a number")
        }
        self.start = start
    }

    /// - Parameter entries: those from `start` on, one more than the limit if there are as many.
    func answer(_ entries: [JSONValue]) -> SimulatorResponse {
        let hasMore = entries.count > limit
        var pagination: [JSONValue.Member] = [
            .init("start", .number(String(start))), .init("limit", .number(String(limit))),
            .init("more_items_in_collection", .bool(hasMore)),
        ]
        if hasMore { pagination.append(.init("next_start", .number(String(start + limit)))) }
        return .data(
            entries.isEmpty ? .null : .array(Array(entries.prefix(limit))),
            [.init("additional_data", ["pagination": .object(pagination)])])
    }
}
