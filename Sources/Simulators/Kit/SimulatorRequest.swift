// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// One request as a simulator's service sees it: decoded, whole, and independent of the server underneath.
package struct SimulatorRequest: Sendable {
    package enum Method: String, Sendable, CaseIterable {
        case get = "GET"
        case post = "POST"
        case put = "PUT"
        case patch = "PATCH"
        case delete = "DELETE"
        case head = "HEAD"
        case options = "OPTIONS"
    }

    package var method: Method
    /// The request target as it was sent, percent-encoding and query string included.
    package var target: String
    /// The path's segments, percent-decoded; `/crm/v3/objects` has three, `/` has none.
    package var path: [String]
    /// The query's items in their order, names and values decoded (`+` is a space, as in a form).
    package var query: [(name: String, value: String)]
    package var headers: SimulatorHeaders
    package var body: [UInt8]

    package init(method: Method, target: String, headers: SimulatorHeaders = [:], body: [UInt8] = []) {
        self.method = method
        self.target = target
        self.headers = headers
        self.body = body
        let bytes = target.utf8
        let pathEnd = bytes.firstIndex(of: UInt8(ascii: "?")) ?? bytes.endIndex
        path = bytes[..<pathEnd].split(separator: UInt8(ascii: "/")).map { PercentEncoding.decoded($0) }
        query = pathEnd == bytes.endIndex ? [] : PercentEncoding.formItems(bytes[bytes.index(after: pathEnd)...])
    }

    /// The first value of a query item of that name.
    package func query(_ name: String) -> String? {
        query.first { $0.name == name }?.value
    }

    /// Whether the first query item of that name says `true`, in whatever case.
    package func flag(_ name: String) -> Bool { query(name)?.lowercased() == "true" }

    /// All values of query items of that name, each split at commas: `properties=a,b&properties=c` gives a, b, c.
    package func queryList(_ name: String) -> [String] {
        query.lazy.filter { $0.name == name }.flatMap { $0.value.split(separator: ",").map(String.init) }
    }

    /// The body as `application/x-www-form-urlencoded`.
    package var form: [(name: String, value: String)] { PercentEncoding.formItems(body) }

    /// The path without the query string.
    package var pathText: Substring { target.prefix { $0 != "?" } }
}

/// Header fields in their order; looked up without regard to case (RFC 9110 §5.1).
package struct SimulatorHeaders: Sendable, ExpressibleByDictionaryLiteral {
    package private(set) var fields: [(name: String, value: String)]

    package init(_ fields: [(name: String, value: String)] = []) { self.fields = fields }
    package init(dictionaryLiteral elements: (String, String)...) { fields = elements.map { ($0.0, $0.1) } }

    /// The first value of the field; setting replaces all of that name, setting `nil` removes them.
    package subscript(name: String) -> String? {
        get { fields.first { SimulatorHeaders.isSame($0.name, name) }?.value }
        set {
            fields.removeAll { SimulatorHeaders.isSame($0.name, name) }
            if let newValue { fields.append((name, newValue)) }
        }
    }

    private static func isSame(_ a: String, _ b: String) -> Bool {
        guard a.utf8.count == b.utf8.count else { return false }
        return zip(a.utf8, b.utf8).allSatisfy { x, y in
            x == y || (x ^ y == 0x20 && (0x61...0x7A).contains(x | 0x20))
        }
    }
}

/// Percent-encoding of RFC 3986 §2.1 and the form encoding that builds on it (WHATWG URL §5).
package enum PercentEncoding {
    /// Decodes `%XX`; a malformed triplet stays as it is, malformed UTF-8 is repaired.
    package static func decoded(_ bytes: some Sequence<UInt8>, plusIsSpace: Bool = false) -> String {
        var out: [UInt8] = []
        var pending: [UInt8] = []
        for byte in bytes {
            if !pending.isEmpty {
                pending.append(byte)
                guard pending.count == 3 else { continue }
                if let high = hexadecimal(pending[1]), let low = hexadecimal(pending[2]) {
                    out.append(high << 4 | low)
                } else {
                    out += pending
                }
                pending.removeAll(keepingCapacity: true)
            } else if byte == UInt8(ascii: "%") {
                pending.append(byte)
            } else {
                out.append(plusIsSpace && byte == UInt8(ascii: "+") ? 0x20 : byte)
            }
        }
        out += pending
        return String(decoding: out, as: UTF8.self)
    }

    /// `a=1&b=2` decoded; an item without `=` has an empty value.
    package static func formItems<Bytes: Collection<UInt8>>(_ bytes: Bytes) -> [(name: String, value: String)] {
        bytes.split(separator: UInt8(ascii: "&")).map { item in
            let nameEnd = item.firstIndex(of: UInt8(ascii: "=")) ?? item.endIndex
            let value = nameEnd == item.endIndex ? item[nameEnd...] : item[item.index(after: nameEnd)...]
            return (decoded(item[..<nameEnd], plusIsSpace: true), decoded(value, plusIsSpace: true))
        }
    }

    /// Encodes everything but the unreserved characters.
    package static func encoded(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var out: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E: out.append(byte)
            default: out += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    private static func hexadecimal(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x37
        case 0x61...0x66: byte - 0x57
        default: nil
        }
    }
}
