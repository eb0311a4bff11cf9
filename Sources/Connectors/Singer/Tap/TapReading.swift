// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel

/// Understands the messages of a tap that reads one stream.
///
/// Facts: https://hub.meltano.com/singer/spec, "Messages". `ACTIVATE_VERSION` says that records of earlier runs are void;
/// this one has none. Records of other streams come from taps that heed no selection, and are read by a child of their own.
struct TapReading: Sendable {
    /// What messages call the stream.
    private let names: Set<String>
    /// The field that the settings name as id.
    private let idField: String?
    /// Whether the catalog says that the tap goes on by a bookmark.
    private let hasBookmark: Bool
    private let program: String
    /// Where the reading stands.
    private(set) var place: TapPlace
    /// From the stream's last schema; `nil` before the first one.
    private var key: [String]?
    private var isIncremental = false
    private var hasMessage = false
    /// Where a longer state than this is told, an earlier one goes on to be used: it is kept with every page.
    private static let stateBytesMax = 64 << 10
    /// In a state that taps of singer-sdk tell in the middle of a stream whose records come in no order: the tap itself goes
    /// back from it to the state that it was started with.
    /// Fact: https://sdk.meltano.com/en/latest/implementation/state.html, "Progress markers".
    private static let unfinishedMark = Array("\"progress_markers\"".utf8)

    init(_ stream: TapStream, idField: String?, program: String, from place: TapPlace) {
        names = stream.names
        hasBookmark = stream.hasBookmark
        self.idField = idField
        self.program = program
        self.place = place
    }

    /// Whether anything was said of the stream.
    var hasSchema: Bool { key != nil }
    /// Whether something tells the records apart.
    var isKeyed: Bool { idField != nil || key?.isEmpty == false }
    /// Whether another process of the tap may be started with a state that this one tells.
    ///
    /// It may send records again that lie before the state; only those that have a key are known again then.
    private var takesStates: Bool { isKeyed && (isIncremental || hasBookmark) }

    /// Takes one line; whether the place has come to a new state.
    ///
    /// - Parameter isCatchingUp: states are passed over, because the place that is to be reached lies before them.
    /// - Throws: `brokenResponse` if the program is no tap, `notSupported` for messages that lead elsewhere.
    mutating func take(
        _ line: OutputLines.Line, _ index: inout RecordIndex, into page: inout TapPage, isCatchingUp: Bool = false
    ) throws(MigratezError) -> Bool {
        guard !line.isTooLong else {
            reject(line, "the line is longer than a record may be", &page)
            return false
        }
        guard !line.bytes.allSatisfy({ [0x20, 0x09, 0x0D].contains($0) }) else { return false }
        let bytes = line.bytes
        let problem: String?
        do throws(JSONFailure) {
            problem = try bytes.withUnsafeBufferPointer { (bytes) throws(JSONFailure) -> String? in
                try JSONScanner.validate(bytes, limits: .page)
                try index.index(bytes)
                return index.topLevel("type") == nil ? "it has no type" : nil
            }
        } catch {
            return try refuse(line, error.description, &page)
        }
        if let problem { return try refuse(line, problem, &page) }
        hasMessage = true
        switch text("type", index, bytes) {
        case "RECORD":
            guard text("stream", index, bytes).map(names.contains) == true else { return false }
            takeRecord(line, index, into: &page)
        case "SCHEMA":
            if text("stream", index, bytes).map(names.contains) == true { takeSchema(bytes) }
        case "STATE":
            guard takesStates, !isCatchingUp, let value = index.topLevel("value"), value.kind == .object,
                value.range.count <= Self.stateBytesMax
            else { return false }
            let state = Array(
                bytes[bytes.startIndex + value.range.lowerBound..<bytes.startIndex + value.range.upperBound])
            guard state != place.state, state.firstRange(of: Self.unfinishedMark) == nil else { return false }
            place.reach(state)
            return true
        case "BATCH":
            throw MigratezError(
                .notSupported, "\(program) hands records over in files (BATCH messages)", remedy: .fixConfiguration,
                hint: "leave `batch_config` out of the tap's config")
        case "ACTIVATE_VERSION": break
        default: reject(line, "a message of this type is not known", &page)
        }
        return false
    }

    /// A program that is no tap is told by its first line; a tap that writes something else in between loses that line only.
    private mutating func refuse(
        _ line: OutputLines.Line, _ reason: String, _ page: inout TapPage
    ) throws(MigratezError) -> Bool {
        guard hasMessage else {
            throw MigratezError(
                .brokenResponse,
                "\(program) writes something on its standard output that is no Singer message: \(reason)",
                remedy: .fixConfiguration, hint: "is it a tap? Whatever it has to say belongs on its error output")
        }
        reject(line, reason, &page)
        return false
    }

    private mutating func reject(_ line: OutputLines.Line, _ reason: String, _ page: inout TapPage) {
        page.reject(line: line.number, reason, bytes: line.bytes)
        place.pass(line.bytes)
    }

    private mutating func takeSchema(_ bytes: ArraySlice<UInt8>) {
        let message = bytes.withUnsafeBufferPointer { JSONValue(validated: $0) }
        key = (message["key_properties"]?.elements ?? []).compactMap(\.text)
        isIncremental = !(message["bookmark_properties"]?.elements ?? []).isEmpty
    }

    private mutating func takeRecord(
        _ line: OutputLines.Line, _ index: borrowing RecordIndex, into page: inout TapPage
    ) {
        guard let key else { return reject(line, "the record comes before its stream's schema", &page) }
        guard let slice = index.topLevel("record"), slice.kind == .object else {
            return reject(line, "the message holds no record", &page)
        }
        let start = line.bytes.startIndex
        let record = line.bytes[start + slice.range.lowerBound..<start + slice.range.upperBound]
        let fields = idField.map { [$0] } ?? key
        var texts: [String] = []
        for field in fields {
            let text = line.bytes.withUnsafeBufferPointer { bytes -> String? in
                guard let value = slice.member(field, in: bytes), !value.isBlank,
                    value.kind == .string || value.kind == .number
                else { return nil }
                return JSONText.string(value, of: bytes)
            }
            guard let text else { return reject(line, "its key '\(field)' is neither a text nor a number", &page) }
            texts.append(text)
        }
        page.append(record, key: fields.isEmpty ? String(place.records + 1) : Self.joined(texts))
        place.pass(record)
    }

    /// One key from several, so that no two records with different ones get the same.
    private static func joined(_ texts: [String]) -> String {
        guard texts.count > 1 else { return texts.joined() }
        return texts.map { $0.replacing("\\", with: "\\\\").replacing("|", with: "\\|") }.joined(separator: "|")
    }

    private func text(_ member: String, _ index: borrowing RecordIndex, _ bytes: ArraySlice<UInt8>) -> String? {
        guard let slice = index.topLevel(member), slice.kind == .string else { return nil }
        return bytes.withUnsafeBufferPointer { index.string(slice, in: $0) }
    }
}
