// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezChunkLines
import MigratezJSON
package import MigratezModel
package import MigratezStaging

/// Why single records were rejected, as it was stored with each of them.
package struct IssueReasons: Sendable {
    /// One rejected record or link.
    package struct Entry: Sendable {
        package var reject: Reject
        /// What the code means, and what was expected in this case; no values.
        package var reason: String
        /// What the destination said of it.
        package var vendorText: String?
        package var remedy: String
    }

    private let inspection: RunInspection
    private let plan: PipelinePlan?

    /// - Parameter inspection: with the key that opens its chunks.
    package init(_ inspection: RunInspection, plan: PipelinePlan?) {
        self.inspection = inspection
        self.plan = plan
    }

    /// The rejects of a stream in the order of their ordinals.
    ///
    /// - Parameters:
    ///   - code: only those with this code.
    ///   - limit: so many at most.
    ///   - showsValues: whether the vendor's text is given as it came; otherwise values are struck out of it.
    package func entries(
        of stream: StreamName, code: String?, limit: Int, showsValues: Bool
    ) async throws -> [Entry] {
        let (run, rejects) = try await inspection.manifest.read {
            (try $0.run().id, try $0.rejects(of: stream, code: code, limit: limit))
        }
        let lines = try await RejectLines(inspection).read(rejects, of: stream)
        let advice = IssueAdvice(run: run, plan: plan)
        return rejects.map { reject in
            let line = lines[reject.ordinal]
            let vendorText = line?.vendorText.map { text in
                showsValues ? text : VendorText.redacted(text, of: line?.record ?? [])
            }
            let count = RejectCount(
                stream: stream, stage: reject.stage, code: reject.code, vendorCode: reject.vendorCode,
                fields: reject.fields, count: 1, example: reject.sourceID)
            return Entry(
                reject: reject,
                reason: [ErrorCode(reject.code)?.meaning, line?.reason].compactMap(\.self).joined(separator: ": "),
                vendorText: vendorText, remedy: advice.sentence(count))
        }
    }
}

/// The words of another system about a record, which may quote from it.
package enum VendorText {
    private static let mark = "…"
    /// Vendors cut long values short: so many characters of one are enough to know it by.
    private static let prefixCharacters = 12

    /// The text without what it quotes: the record's own values wherever they stand, everything in quotation marks that
    /// is not a name of a field, addresses of e-mail, and long numbers.
    ///
    /// - Parameter record: the JSON object that was refused.
    package static func redacted(_ text: String, of record: [UInt8]) -> String {
        let root = record.isEmpty ? JSONValue.null : record.withUnsafeBufferPointer { JSONValue(validated: $0) }
        var values: Set<String> = []
        var names: Set<String> = []
        collect(root, &values, &names)
        var text = text
        for value in values.sorted(by: { ($1.count, $0) < ($0.count, $1) }) { strike(value, from: &text) }
        for pattern in [#/'([^']*)'/#, #/"([^"]*)"/#, #/“([^”]*)”/#] {
            text = text.replacing(pattern) { match in names.contains(String(match.1)) ? String(match.0) : "'\(mark)'" }
        }
        text = text.replacing(#/[^\s'"<>,;:()]+@[^\s'"<>,;:()]+/#, with: mark)
        return text.replacing(#/\b[0-9][0-9 .\-\/]{3,}[0-9]\b/#, with: mark)
    }

    private static func collect(_ value: JSONValue, _ values: inout Set<String>, _ names: inout Set<String>) {
        for member in value.members {
            names.insert(member.key)
            collect(member.value, &values, &names)
        }
        for element in value.elements { collect(element, &values, &names) }
        switch value {
        case .object, .array, .null, .bool: return
        default: if let text = value.text, !text.isEmpty { values.insert(text) }
        }
    }

    /// Replaces the value where it stands as a word of its own, whole or cut short.
    private static func strike(_ value: String, from text: inout String) {
        let needle = value.count > prefixCharacters ? String(value.prefix(prefixCharacters)) : value
        var start = text.startIndex
        while let found = text[start...].firstRange(of: needle) {
            let before = found.lowerBound == text.startIndex ? nil : text[text.index(before: found.lowerBound)]
            // What follows the beginning of a long value belongs to it as far as both agree.
            var end = found.upperBound
            var rest = value.dropFirst(needle.count)
            while end < text.endIndex, let next = rest.first, text[end] == next {
                end = text.index(after: end)
                rest = rest.dropFirst()
            }
            while text[text.index(before: end)].isWhitespace { end = text.index(before: end) }
            let after = end == text.endIndex ? nil : text[end]
            guard !isWord(before, value.first), needle != value || !isWord(after, value.last) else {
                start = found.upperBound
                continue
            }
            let place = text.distance(from: text.startIndex, to: found.lowerBound) + mark.count
            text.replaceSubrange(found.lowerBound..<end, with: mark)
            start = text.index(text.startIndex, offsetBy: place)
        }
    }

    /// Whether two neighbours belong to one word.
    private static func isWord(_ a: Character?, _ b: Character?) -> Bool {
        guard let a, let b else { return false }
        return (a.isLetter || a.isNumber) && (b.isLetter || b.isNumber)
    }
}
