// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// What `html` fields make of what is written into them.
///
/// Source: odoo/odoo, `odoo/tools/mail.py`, `html_sanitize`: scripts and event handlers go. The real one also puts text
/// that has no markup into a paragraph, and brings markup into the form in which its parser writes it.
enum HTMLText {
    static func sanitized(_ html: String) -> String {
        guard html.contains("<") else { return "<p>\(html)</p>" }
        return html.replacing(/<script\b[^>]*>.*?<\/script>/.ignoresCase().dotMatchesNewlines(), with: "")
            .replacing(/\son[a-z]+="[^"]*"/.ignoresCase(), with: "")
    }
}
