// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel

/// A file that hangs on one to three other records. Its bytes are computed like everything else (`bytes(_:)`).
package struct CRMFile: SyntheticRecord {
    package enum Field: String, SyntheticField {
        case name, type, size
        case fileExtension = "extension"
        case createdAt, updatedAt
        case owner = "hubspot_owner_id"
        case id

        package var kind: FieldKind {
            switch self {
            case .name: .text
            case .owner: .owner
            case .createdAt, .updatedAt: .readOnlyDateTime
            case .type, .size, .fileExtension, .id: .readOnly
            }
        }
    }

    package static let object = CRMObject.file
    package let crm: SyntheticCRM
    package let index: Int

    package init(_ crm: SyntheticCRM, _ index: Int) {
        self.crm = crm
        self.index = index
    }

    package subscript(field: Field) -> String? {
        switch field {
        case .name: name
        case .type: mimeType
        case .size: String(size)
        case .fileExtension: format.fileExtension
        case .createdAt: DateText.instant(createdAt)
        case .updatedAt: DateText.instant(updatedAt)
        case .owner: ownerID
        case .id: String(id)
        }
    }

    /// What the file is called, with its extension: 5 % beyond ASCII or with characters that need quoting, 3 % as the
    /// file before it, which is another one.
    package var name: String { "\(named.stem).\(format.fileExtension)" }
    /// `application/pdf`
    package var mimeType: String { format.mimeType }

    /// In bytes: 2 % empty, 3 % below 100, 1 % 1 to 3 MB, 7 % 40 to 400 KB, the others 1 to 40 KB.
    package var size: Int {
        let draw = draw
        return switch draw.share(110) {
        case ..<200: 0
        case ..<500: 1 + draw.below(99, 111)
        case ..<600: 1_000_000 + draw.below(2_000_000, 111)
        case ..<1300: 40_000 + draw.below(360_000, 111)
        default: 1000 + draw.below(39_000, 111)
        }
    }

    /// What it hangs on, at most one record of each kind; none if it is archived or they are.
    package var parents: [(object: CRMObject, index: Int, id: Int)] {
        LinkKind.ofFiles.flatMap { kind in
            crm.links(kind, from: index).compactMap { link in link.toIndex.map { (kind.to, $0, link.toID) } }
        }
    }

    /// Whether it hangs on a record of this kind: on one kind always, in a quarter of the cases on a second, in 5 % on a
    /// third.
    static func hangs(_ draw: Draw, on object: CRMObject) -> Bool {
        guard let place = [CRMObject.contact, .company, .deal, .note].firstIndex(of: object) else { return false }
        let first =
            switch draw.share(120) {
            case ..<4000: 0
            case ..<6500: 1
            case ..<8500: 2
            default: 3
            }
        return switch (place - first + 4) % 4 {
        case 0: true
        case 1: draw.share(121) < 2500
        case 2: draw.share(122) < 500
        default: false
        }
    }

    private struct Format {
        var fileExtension: String
        var mimeType: String
        /// Whether the bytes say little, as those of a text do; others are as good as random.
        var isCompressible = false
    }

    private static let formats = [
        Format(fileExtension: "pdf", mimeType: "application/pdf"),
        Format(fileExtension: "png", mimeType: "image/png"),
        Format(fileExtension: "jpg", mimeType: "image/jpeg"),
        Format(
            fileExtension: "docx", mimeType: "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        Format(fileExtension: "xlsx", mimeType: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        Format(fileExtension: "txt", mimeType: "text/plain", isCompressible: true),
        Format(fileExtension: "csv", mimeType: "text/csv", isCompressible: true),
        Format(fileExtension: "zip", mimeType: "application/zip"),
    ]

    private static let stems = ["Offer", "Contract", "Signed order", "Minutes", "Photo", "Price list", "Terms"]
    private static let exoticStems = [
        "Angebot für Müller & Söhne", "契約書 最終版", "عرض السعر", "Протокол встречи", "👩‍💻 notes", "e\u{301}te\u{301} 2026",
        "O'Brien \"final\"; v2", "100% done = yes", "semi;colon, comma", " leading space", "two  spaces", "a.b.c",
    ]

    /// The file whose name this one bears.
    private var named: CRMFile { index > 0 && draw.share(100) < 300 ? CRMFile(crm, index - 1) : self }
    private var format: Format { CRMFile.formats[named.draw.below(CRMFile.formats.count, 101)] }
    private var stem: String {
        let draw = draw
        return draw.share(102) < 500
            ? draw.pick(CRMFile.exoticStems, 103) : "\(draw.pick(CRMFile.stems, 104)) \(draw.below(2000, 105))"
    }

    /// The bytes of this part of the content; any part costs what it is long.
    ///
    /// - Precondition: it lies within 0..<`size`.
    package func bytes(_ range: Range<Int>) -> [UInt8] {
        precondition(range.lowerBound >= 0 && range.upperBound <= size, "the file is shorter")
        let base = draw.bits(130)
        let isCompressible = format.isCompressible
        return [UInt8](unsafeUninitializedCapacity: range.count) { bytes, count in
            for position in range {
                let word = UInt64(truncatingIfNeeded: isCompressible ? position / 64 : position / 8)
                let bits = mix64(base &+ word)
                bytes[count] =
                    isCompressible
                    ? CRMFile.letter(position % 64, bits)
                    : UInt8(truncatingIfNeeded: bits >> (UInt64(position % 8) * 8))
                count += 1
            }
        }
    }

    /// A line of 64 letters: one of the sentences that notes are made of, and a number.
    private static func letter(_ place: Int, _ bits: UInt64) -> UInt8 {
        switch place {
        case 63: UInt8(ascii: "\n")
        case 59...62: UInt8(ascii: "a") + UInt8(bits >> (8 + UInt64(place - 59) * 4) & 15)
        default: lines[Int(bits % UInt64(lines.count))][place]
        }
    }

    private static let lines = Vocabulary.sentences.map { Array($0.utf8) + [UInt8](repeating: 0x20, count: 64) }

    /// The whole content in pieces of at most so many bytes, one after the other; none of an empty file.
    package func eachPiece(of bytesMax: Int, _ body: ([UInt8]) throws -> Void) rethrows {
        for start in stride(from: 0, to: size, by: bytesMax) { try body(bytes(start..<min(start + bytesMax, size))) }
    }
}
