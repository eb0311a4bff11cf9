// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezSimulatorKit

/// `$batch`: many operations in one request (Microsoft Learn, "Execute batch operations using the Web API").
extension RequestHandler {
    /// Operations that a batch may have.
    private static let operationsMax = 1_000

    func batch(_ request: SimulatorRequest) throws -> SimulatorResponse {
        let continues = Preferences(request)["odata.continue-on-error"] != nil
        let parts = try Multipart(request.headers["Content-Type"], request.body)
        guard parts.bodies.count <= Self.operationsMax else {
            throw APIFailure.invalidArgument("The batch exceeds \(Self.operationsMax) operations.")
        }
        var answers: [[UInt8]] = []
        for part in parts.bodies {
            let (headers, content) = try MultipartText.split(part)
            if headers["Content-Type"]?.hasPrefix("multipart/mixed") == true {
                answers.append(try changeSet(headers, content))
            } else {
                answers.append(MultipartText.part(answer(try operation(content, [:]))))
            }
            if !continues, let last = answers.last, MultipartText.isRefusal(last) { break }
        }
        var response = SimulatorResponse(status: 200, body: .bytes(MultipartText.joined(answers, "batchresponse")))
        response.headers["Content-Type"] = "multipart/mixed; boundary=batchresponse"
        response.headers["OData-Version"] = "4.0"
        return response
    }

    /// All operations or none; later ones may name what earlier ones made (`$1`).
    private func changeSet(_ headers: SimulatorHeaders, _ content: ArraySlice<UInt8>) throws -> [UInt8] {
        let parts = try Multipart(headers["Content-Type"], Array(content))
        do {
            let answers = try session.savepoint {
                var made: [String: String] = [:]
                return try parts.bodies.map { part in
                    let (headers, content) = try MultipartText.split(part)
                    let response = answer(try operation(content, made))
                    guard response.status < 400 else { throw ChangeSetRefused(response: response) }
                    if let id = headers["Content-ID"] { made[id] = response.headers["OData-EntityId"] }
                    return MultipartText.part(response, contentID: headers["Content-ID"])
                }
            }
            return MultipartText.nested(MultipartText.joined(answers, "changesetresponse"), "changesetresponse")
        } catch let refused as ChangeSetRefused {
            return MultipartText.part(refused.response)
        }
    }

    private struct ChangeSetRefused: Error { var response: SimulatorResponse }

    /// One request out of a batch: a line, headers, and a body.
    private func operation(_ content: ArraySlice<UInt8>, _ made: [String: String]) throws -> SimulatorRequest {
        let lineEnd = content.firstIndex(of: UInt8(ascii: "\n")) ?? content.endIndex
        let words = String(decoding: content[..<lineEnd], as: UTF8.self).split { $0 == " " || $0.isNewline }
        guard words.count >= 2, let method = SimulatorRequest.Method(rawValue: String(words[0])) else {
            throw APIFailure.invalidArgument("An operation of the batch has no request line.")
        }
        let (headers, body) = try MultipartText.split(content[min(lineEnd + 1, content.endIndex)...])
        var target = String(words[1])
        for (id, address) in made where target.hasPrefix("$\(id)") { target = address + target.dropFirst(id.count + 1) }
        if let scheme = target.firstRange(of: "://") {
            target = String(target[scheme.upperBound...].drop { $0 != "/" })
        } else if !target.hasPrefix("/") {
            target = String(root.drop { $0 != ":" }.dropFirst(3).drop { $0 != "/" }) + target
        }
        return SimulatorRequest(method: method, target: target, headers: headers, body: Array(body))
    }
}

/// The parts of a multipart body (RFC 2046 §5.1).
struct Multipart {
    let bodies: [ArraySlice<UInt8>]

    init(_ contentType: String?, _ body: [UInt8]) throws {
        guard let type = contentType, let start = type.firstRange(of: "boundary=") else {
            throw APIFailure.invalidArgument("The content type names no boundary.")
        }
        let boundary = type[start.upperBound...].prefix { $0 != ";" }.filter { $0 != "\"" && $0 != " " }
        let mark = Array("--\(boundary)".utf8)
        var bodies: [ArraySlice<UInt8>] = []
        var begin: Int?
        var line = body.startIndex
        while line < body.endIndex {
            let end = body[line...].firstIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? body.endIndex
            if body[line..<end].starts(with: mark) {
                if let begin { bodies.append(body[begin..<line]) }
                let isLast = body[line..<end].dropFirst(mark.count).starts(with: "--".utf8)
                begin = isLast ? nil : end
                if isLast { break }
            }
            line = end
        }
        guard begin == nil else { throw APIFailure.invalidArgument("The batch has no end.") }
        self.bodies = bodies
    }
}

/// Headers and bodies of parts.
enum MultipartText {
    /// What stands before the first empty line, and behind it.
    static func split(_ part: ArraySlice<UInt8>) throws -> (SimulatorHeaders, ArraySlice<UInt8>) {
        var headers: [(name: String, value: String)] = []
        var line = part.startIndex
        while line < part.endIndex {
            let end = part[line...].firstIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? part.endIndex
            let text = String(decoding: part[line..<end], as: UTF8.self).filter { !$0.isNewline }
            line = end
            if text.isEmpty { break }
            let sides = text.split(separator: ":", maxSplits: 1)
            guard sides.count == 2 else { throw APIFailure.invalidArgument("A part of the batch has a broken header.") }
            headers.append((String(sides[0]), String(sides[1].drop { $0 == " " })))
        }
        return (SimulatorHeaders(headers), part[line...])
    }

    static func part(_ response: SimulatorResponse, contentID: String? = nil) -> [UInt8] {
        var text = "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n"
        if let contentID { text += "Content-ID: \(contentID)\r\n" }
        text += "\r\nHTTP/1.1 \(response.status) Status\r\n"
        for field in response.headers.fields { text += "\(field.name): \(field.value)\r\n" }
        guard case .bytes(let body) = response.body else { return Array((text + "\r\n").utf8) }
        return Array((text + "\r\n").utf8) + body + Array("\r\n".utf8)
    }

    static func isRefusal(_ part: [UInt8]) -> Bool {
        let text = String(decoding: part.prefix(200), as: UTF8.self)
        guard let status = text.firstRange(of: "HTTP/1.1 ") else { return false }
        return text[status.upperBound...].first.map { $0 == "4" || $0 == "5" } ?? false
    }

    static func joined(_ parts: [[UInt8]], _ boundary: String) -> [UInt8] {
        parts.flatMap { Array("--\(boundary)\r\n".utf8) + $0 } + Array("--\(boundary)--\r\n".utf8)
    }

    static func nested(_ body: [UInt8], _ boundary: String) -> [UInt8] {
        Array("Content-Type: multipart/mixed; boundary=\(boundary)\r\n\r\n".utf8) + body
    }
}
