// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezTransport

/// Sends many operations in one request, each of which succeeds or fails by itself.
///
/// Source: Microsoft Learn, "Execute batch operations using the Web API": without change sets, and with
/// `odata.continue-on-error`, every operation is carried out and has its own answer, in their order.
struct BatchSender: Sendable {
    struct Operation: Sendable {
        var method: HTTPMethod
        /// Below the root of the Web API.
        var path: String
        /// A JSON object; empty = none.
        var body: [UInt8] = []
        /// Only a record that is there: a PATCH would make one otherwise.
        var needsRecord = false
    }

    struct Answer: Sendable {
        var status: Int
        var body: [UInt8]
        /// The id in `OData-EntityId: …/contacts(…)`.
        var id: String?

        var refusal: DynamicsRefusal? {
            (200..<300).contains(status) ? nil : DynamicsRefusal(status: status, body: body)
        }
    }

    /// How often operations that the service put off are sent again.
    private static let repeatsMax = 5
    private static let boundary = "migratez-batch"

    let api: DynamicsAPI
    /// What operations carry besides: headers of the batch itself do not hold for them.
    let headers: [HTTPHeader]
    let clock: any WallClock

    /// The answers, in the order of the operations.
    ///
    /// - Parameter isIdempotent: whether carrying them out twice comes to the same; only then a batch that was lost is
    ///   sent again.
    func send(_ operations: [Operation], isIdempotent: Bool) async throws -> [Answer] {
        var answers: [Answer] = []
        var rest = operations[...]
        while !rest.isEmpty {
            try Task.checkCancellation()
            let group = rest.prefix(DynamicsLimits.batchRowsMax)
            rest = rest.dropFirst(group.count)
            answers += try await call(Array(group), isIdempotent)
        }
        // A throttle meets single operations, too.
        for repetition in 1...Self.repeatsMax {
            let deferred = answers.indices.filter { answers[$0].refusal?.rule.triage == .retryCall }
            guard !deferred.isEmpty else { break }
            try await pause(repetition)
            let again = try await call(deferred.map { operations[$0] }, isIdempotent)
            for (place, answer) in zip(deferred, again) { answers[place] = answer }
        }
        return answers
    }

    /// Waits before repetition `number` (from 1): 0.5 s doubled each time, a random part of it.
    func pause(_ number: Int) async throws {
        let milliseconds = 500 << min(number - 1, 6)
        try await clock.sleep(for: .milliseconds(Int.random(in: milliseconds / 2...milliseconds)))
    }

    private func call(_ operations: [Operation], _ isIdempotent: Bool) async throws -> [Answer] {
        let request = api.request(
            .post, "$batch", prefer: "odata.continue-on-error",
            contentType: "multipart/mixed; boundary=\(Self.boundary)", body: .bytes(body(operations)),
            endpointClass: "batch", isIdempotent: isIdempotent)
        let response = try await api.send(request)
        let answers = MultipartAnswer(response)?.parts ?? []
        guard answers.count == operations.count else {
            throw MigratezError(
                .brokenResponse, "a batch of \(operations.count) operations got \(answers.count) answers",
                remedy: .retry(after: nil))
        }
        return answers
    }

    private func body(_ operations: [Operation]) -> [UInt8] {
        var bytes: [UInt8] = []
        for operation in operations {
            var head =
                "--\(Self.boundary)\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
                + "\(operation.method.rawValue) \(api.root)\(operation.path) HTTP/1.1\r\nAccept: application/json\r\n"
            if operation.needsRecord { head += "If-Match: *\r\n" }
            for header in headers { head += "\(header.name): \(header.value)\r\n" }
            if !operation.body.isEmpty { head += "Content-Type: application/json; charset=utf-8\r\n" }
            bytes += Array((head + "\r\n").utf8) + operation.body + Array("\r\n".utf8)
        }
        return bytes + Array("--\(Self.boundary)--\r\n".utf8)
    }
}

/// The answer to a batch: a part for each operation (RFC 2046 §5.1), each of which is an HTTP answer.
struct MultipartAnswer {
    let parts: [BatchSender.Answer]

    /// `nil` if it is no complete multipart answer.
    init?(_ response: HTTPResponse) {
        guard let type = response.headers["Content-Type"], let start = type.firstRange(of: "boundary=") else {
            return nil
        }
        let boundary = type[start.upperBound...].prefix { $0 != ";" }.filter { $0 != "\"" && $0 != " " }
        let mark = Array("--\(boundary)".utf8)
        var parts: [BatchSender.Answer] = []
        var lines = Lines(bytes: response.body[...])
        var begin: Int?
        while let line = lines.next() {
            guard response.body[line].starts(with: mark) else { continue }
            if let begin {
                guard let part = Self.part(response.body[begin..<line.lowerBound]) else { return nil }
                parts.append(part)
            }
            begin = line.upperBound
            if response.body[line].dropFirst(mark.count).starts(with: "--".utf8) {
                self.parts = parts
                return
            }
        }
        return nil
    }

    /// Headers of the part, an empty line, a status line, headers, an empty line, the body.
    private static func part(_ bytes: ArraySlice<UInt8>) -> BatchSender.Answer? {
        var lines = Lines(bytes: bytes)
        while let line = lines.next(), !lines.text(line).isEmpty {}
        guard let line = lines.next() else { return nil }
        let words = lines.text(line).split(separator: " ")
        guard words.count >= 2, words[0].hasPrefix("HTTP/"), let status = Int(words[1]) else { return nil }
        var id: String?
        while let line = lines.next() {
            let text = lines.text(line)
            if text.isEmpty { break }
            guard let colon = text.firstIndex(of: ":"), text[..<colon].lowercased() == "odata-entityid" else {
                continue
            }
            let key = text.split(separator: "(").last?.prefix { $0 != ")" }
            id = key.flatMap { RecordID(String($0))?.text }
        }
        var body = bytes[lines.place...]
        while body.last == UInt8(ascii: "\n") || body.last == UInt8(ascii: "\r") { body = body.dropLast() }
        return BatchSender.Answer(status: status, body: Array(body), id: id)
    }

    private struct Lines {
        let bytes: ArraySlice<UInt8>
        private(set) var place: Int

        init(bytes: ArraySlice<UInt8>) {
            self.bytes = bytes
            place = bytes.startIndex
        }

        /// The next line with its end.
        mutating func next() -> Range<Int>? {
            guard place < bytes.endIndex else { return nil }
            let start = place
            place = bytes[place...].firstIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? bytes.endIndex
            return start..<place
        }

        func text(_ line: Range<Int>) -> String {
            String(decoding: bytes[line].filter { $0 != UInt8(ascii: "\r") && $0 != UInt8(ascii: "\n") }, as: UTF8.self)
        }
    }
}
