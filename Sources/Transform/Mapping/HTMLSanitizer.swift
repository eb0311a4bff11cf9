// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// Makes markup harmless, or removes it.
///
/// What stays is what Salesforce's rich text area supports without scripts, styles or embedded content (Salesforce
/// Help, "Rich Text Editor: supported markup"). Everything is rewritten from tokens: nothing of the source's markup is
/// copied, so malformed tags cannot slip through.
package enum HTMLSanitizer {
    /// Tags that may stay, without their attributes.
    private static let allowed: Set<String> = [
        "a", "abbr", "b", "big", "blockquote", "br", "caption", "center", "cite", "code", "col", "colgroup", "dd",
        "del",
        "dfn", "div", "dl", "dt", "em", "font", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "ins", "kbd", "li", "ol",
        "p", "pre", "q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "table", "tbody", "td",
        "tfoot",
        "th", "thead", "tr", "tt", "u", "ul", "var",
    ]
    /// Elements whose whole content goes with them.
    private static let dropped: Set<String> = [
        "script", "style", "head", "title", "iframe", "object", "embed", "noscript", "template", "svg", "math",
        "textarea", "select", "xmp", "noembed", "noframes",
    ]
    private static let void: Set<String> = ["br", "hr", "col"]
    /// Elements that begin a new line in plain text.
    private static let blocks: Set<String> = [
        "p", "div", "br", "hr", "li", "ul", "ol", "tr", "table", "blockquote", "pre", "h1", "h2", "h3", "h4", "h5",
        "h6",
        "dl", "dt", "dd", "section", "article", "header", "footer",
    ]

    /// The markup with only allowed tags, links to http, https, mailto and tel, and every open tag closed.
    package static func sanitized(_ html: String) -> String {
        var output: [UInt8] = []
        var open: [String] = []
        read(html) { token in
            switch token {
            case .text(let text): appendEscaped(text, to: &output)
            case .open(let name, let address):
                guard allowed.contains(name) else { return }
                output.append(contentsOf: "<\(name)".utf8)
                if name == "a", let address {
                    output.append(contentsOf: " href=\"".utf8)
                    appendEscaped(Array(address.utf8)[...], to: &output)
                    output.append(UInt8(ascii: "\""))
                }
                output.append(contentsOf: ">".utf8)
                if !void.contains(name), open.count < 200 { open.append(name) }
            case .close(let name):
                guard let start = open.lastIndex(of: name) else { return }
                for name in open[start...].reversed() { output.append(contentsOf: "</\(name)>".utf8) }
                open.removeSubrange(start...)
            }
        }
        for name in open.reversed() { output.append(contentsOf: "</\(name)>".utf8) }
        return String(decoding: output, as: UTF8.self)
    }

    /// The text without markup: blocks become lines, entities characters, runs of blanks one blank.
    package static func plainText(_ html: String) -> String {
        var text: [UInt8] = []
        read(html) { token in
            switch token {
            case .text(let piece): text.append(contentsOf: collapsed(piece, after: text.last))
            case .open(let name, _), .close(let name):
                guard blocks.contains(name) else { return }
                while text.last == 0x20 { text.removeLast() }
                if let last = text.last, last != 0x0A || name == "br" { text.append(0x0A) }
            }
        }
        while let last = text.last, last == 0x0A || last == 0x20 { text.removeLast() }
        return HTMLEntities.decoded(String(decoding: text, as: UTF8.self))
    }

    private enum Token {
        case text(ArraySlice<UInt8>)
        /// A tag's name in lower case and, for links, a harmless address.
        case open(String, address: String?)
        case close(String)
    }

    /// Plain text as markup that shows it: angle brackets, quotes and every ampersand become entities, line breaks `<br>`.
    package static func escaped(_ text: String) -> String {
        var output = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": output += "&amp;"
            case "<": output += "&lt;"
            case ">": output += "&gt;"
            case "\"": output += "&quot;"
            case "\n": output += "<br>"
            case "\r": break
            default: output.unicodeScalars.append(scalar)
            }
        }
        return output
    }

    // MARK: Tokens

    /// Splits markup into tokens, leaving out comments, declarations, processing instructions and dropped elements.
    private static func read(_ html: String, _ body: (Token) -> Void) {
        let bytes = Array(html.utf8)
        var i = 0
        var textStart = 0
        while i < bytes.count {
            guard bytes[i] == UInt8(ascii: "<"), i + 1 < bytes.count, isMarkup(bytes[i + 1]) else {
                i += 1
                continue
            }
            if textStart < i { body(.text(bytes[textStart..<i])) }
            i = readMarkup(bytes, at: i, body)
            textStart = i
        }
        if textStart < bytes.count { body(.text(bytes[textStart...])) }
    }

    private static func isMarkup(_ byte: UInt8) -> Bool {
        isLetter(byte) || byte == UInt8(ascii: "/") || byte == UInt8(ascii: "!") || byte == UInt8(ascii: "?")
    }

    private static func isLetter(_ byte: UInt8) -> Bool { byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

    /// Reads the markup that begins at `i` and returns the index after it; what is not closed ends with the text.
    private static func readMarkup(_ bytes: [UInt8], at i: Int, _ body: (Token) -> Void) -> Int {
        if bytes[i + 1] == UInt8(ascii: "!") || bytes[i + 1] == UInt8(ascii: "?") {
            if bytes[(i + 2)...].starts(with: "--".utf8) { return index(after: "-->", in: bytes, from: i + 4) }
            return index(after: ">", in: bytes, from: i + 2)
        }
        let isClose = bytes[i + 1] == UInt8(ascii: "/")
        var end = i + (isClose ? 2 : 1)
        let nameStart = end
        while end < bytes.count, isLetter(bytes[end]) || (0x30...0x39).contains(bytes[end]) { end += 1 }
        let name = String(decoding: bytes[nameStart..<end], as: UTF8.self).lowercased()
        let tagEnd = endOfTag(bytes, from: end)
        guard !name.isEmpty else { return tagEnd }
        if isClose {
            body(.close(name))
        } else if dropped.contains(name) {
            return index(afterElement: name, in: bytes, from: tagEnd)
        } else {
            body(.open(name, address: name == "a" ? address(bytes[end..<tagEnd]) : nil))
        }
        return tagEnd
    }

    /// The index after the `>` that ends a tag; quotes hide one.
    private static func endOfTag(_ bytes: [UInt8], from i: Int) -> Int {
        var i = i
        var quote: UInt8?
        while i < bytes.count {
            let byte = bytes[i]
            i += 1
            if let open = quote {
                if byte == open { quote = nil }
            } else if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
                quote = byte
            } else if byte == UInt8(ascii: ">") {
                return i
            }
        }
        return bytes.count
    }

    private static func index(after mark: String, in bytes: [UInt8], from i: Int) -> Int {
        let mark = Array(mark.utf8)
        var i = i
        while i + mark.count <= bytes.count {
            if bytes[i..<(i + mark.count)].elementsEqual(mark) { return i + mark.count }
            i += 1
        }
        return bytes.count
    }

    private static func index(afterElement name: String, in bytes: [UInt8], from i: Int) -> Int {
        let name = Array(name.utf8)
        var i = i
        while i + name.count + 2 <= bytes.count {
            if bytes[i] == UInt8(ascii: "<"), bytes[i + 1] == UInt8(ascii: "/"),
                zip(bytes[(i + 2)...], name).allSatisfy({ $0 | 0x20 == $1 })
            {
                return endOfTag(bytes, from: i + 2 + name.count)
            }
            i += 1
        }
        return bytes.count
    }

    // MARK: Attributes and text

    /// The address of a link, if it is one that cannot run anything.
    private static func address(_ attributes: ArraySlice<UInt8>) -> String? {
        var i = attributes.startIndex
        while i + 4 < attributes.endIndex {
            let isName = zip(attributes[i...], "href".utf8).allSatisfy { $0 | 0x20 == $1 }
            guard isName, i > attributes.startIndex, !isLetter(attributes[i - 1]), attributes[i - 1] != 0x2D else {
                i += 1
                continue
            }
            var rest = attributes[(i + 4)...].drop(while: isSpace)
            guard rest.first == UInt8(ascii: "=") else { return nil }
            rest = rest.dropFirst().drop(while: isSpace)
            guard let quote = rest.first else { return nil }
            let isQuoted = quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'")
            let value =
                isQuoted
                ? rest.dropFirst().prefix { $0 != quote }
                : rest.prefix { !isSpace($0) && $0 != UInt8(ascii: ">") }
            return harmless(HTMLEntities.decoded(String(decoding: value, as: UTF8.self)))
        }
        return nil
    }

    private static func harmless(_ address: String) -> String? {
        // Browsers skip control characters and blanks inside a scheme, so they count as absent here, too.
        let visible = String(String.UnicodeScalarView(address.unicodeScalars.filter { $0.value > 0x20 }))
        let lower = visible.lowercased()
        let isKnown = ["http://", "https://", "mailto:", "tel:"].contains { lower.hasPrefix($0) }
        return isKnown ? visible : nil
    }

    /// Text as it stands; angle brackets and bare ampersands become entities, entities stay.
    private static func appendEscaped(_ text: ArraySlice<UInt8>, to output: inout [UInt8]) {
        for i in text.indices {
            switch text[i] {
            case UInt8(ascii: "<"): output.append(contentsOf: "&lt;".utf8)
            case UInt8(ascii: ">"): output.append(contentsOf: "&gt;".utf8)
            case UInt8(ascii: "\""): output.append(contentsOf: "&quot;".utf8)
            case UInt8(ascii: "&") where !isEntity(text[(i + 1)...]): output.append(contentsOf: "&amp;".utf8)
            default: output.append(text[i])
            }
        }
    }

    private static func isEntity(_ rest: ArraySlice<UInt8>) -> Bool {
        let name = rest.prefix(12).prefix { $0 != UInt8(ascii: ";") }
        guard !name.isEmpty, rest.dropFirst(name.count).first == UInt8(ascii: ";") else { return false }
        return name.allSatisfy { isLetter($0) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "#") }
    }

    private static func collapsed(_ text: ArraySlice<UInt8>, after last: UInt8?) -> [UInt8] {
        var output: [UInt8] = []
        var previous = last ?? 0x0A
        for byte in text {
            let byte = isSpace(byte) ? 0x20 : byte
            if byte == 0x20, previous == 0x20 || previous == 0x0A { continue }
            output.append(byte)
            previous = byte
        }
        return output
    }
}
