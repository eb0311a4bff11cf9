// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// Something that somebody wrote down about a contact, a company or a deal.
package struct Note: SyntheticRecord {
    package enum Field: String, SyntheticField {
        case body = "hs_note_body"
        case preview = "hs_body_preview"
        case previewIsTruncated = "hs_body_preview_is_truncated"
        case attachments = "hs_attachment_ids"
        case timestamp = "hs_timestamp"
        case createdAt = "hs_createdate"
        case modifiedAt = "hs_lastmodifieddate"
        case createdBy = "hs_created_by_user_id"
        case updatedBy = "hs_updated_by_user_id"
        case source = "hs_object_source"
        case sourceLabel = "hs_object_source_label"
        case language = "hs_engagement_language"
        case productName = "hs_product_name"
        case owner = "hubspot_owner_id"
        case id = "hs_object_id"

        package var kind: FieldKind {
            switch self {
            case .body: .html
            case .timestamp: .dateTime
            case .owner: .owner
            case .createdAt, .modifiedAt: .readOnlyDateTime
            case .preview, .previewIsTruncated, .createdBy, .updatedBy, .source, .sourceLabel, .id: .readOnly
            default: .text
            }
        }
    }

    package static let object = CRMObject.note
    package let crm: SyntheticCRM
    package let index: Int

    package init(_ crm: SyntheticCRM, _ index: Int) {
        self.crm = crm
        self.index = index
    }

    package subscript(field: Field) -> String? {
        let draw = draw
        return switch field {
        case .body: draw.maybe(missing: 20, empty: 30, 100, body)
        case .preview: draw.pick(Vocabulary.sentences, 112)
        case .previewIsTruncated: isLong ? "true" : "false"
        case .attachments: attachments
        case .timestamp, .createdAt: DateText.instant(createdAt)
        case .modifiedAt: DateText.instant(updatedAt)
        case .createdBy: String(Owner(at: draw.below(max(crm.counts.owners, 1), 140)).userID)
        case .updatedBy: String(Owner(at: draw.below(max(crm.counts.owners, 1), 141)).userID)
        case .source: draw.share(142) < 8000 ? "CRM_UI" : "IMPORT"
        case .sourceLabel: draw.share(142) < 8000 ? "CRM UI" : "Import"
        case .language: draw.maybe(missing: 8000, 143, "en")
        case .productName: draw.maybe(missing: 9000, 144, draw.pick(Vocabulary.products, 145))
        case .owner: ownerID
        case .id: String(id)
        }
    }

    /// The files that hang on the note; where there are no files at all, ids that lead nowhere.
    private var attachments: String? {
        guard crm.counts.files > 0 else {
            return draw.maybe(missing: 9500, 130, "\(900_000 + index);\(900_001 + index)")
        }
        let files = crm.links(.fileToNote).sources(of: index).map { crm.id(of: .file, at: $0.index) }
        return files.isEmpty ? nil : files.map(String.init).joined(separator: ";")
    }

    /// One in a thousand is near the 65,536 characters that HubSpot allows.
    package var isLong: Bool { draw.share(101) < 10 }

    private var body: String {
        let draw = draw
        var html = "<p>" + draw.freeText(109, ordinary: draw.sentences(111, most: 3)) + "</p>"
        if draw.share(102) < 3000 {
            html += "<ul><li>\(draw.pick(Vocabulary.sentences, 120))</li><li>R&amp;D &lt;budget&gt;</li></ul>"
        }
        if draw.share(103) < 2000 { html += "<p><b>Next:</b> <a href=\"https://c0.example/?a=1&amp;b=2\">link</a></p>" }
        if draw.share(104) < 20 { html += "<script>alert('x')</script><p onclick=\"x()\">after</p>" }
        guard isLong else { return html }
        var paragraph = 0
        while html.utf8.count < 60_000 {
            html += "<p>\(paragraph). \(Vocabulary.sentences[(index + paragraph) % Vocabulary.sentences.count])</p>\n"
            paragraph += 1
        }
        return html
    }
}
