// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// Where a value comes from that is not written in the pipeline file.
package enum Reference: Sendable, Hashable {
    /// `${env:NAME}` or `${env:NAME:-default}`.
    case environment(String, default: String?)
    /// `${file:/run/secrets/x}`: the file's contents without the line break at its end.
    case file(String)
    /// `${cmd:pass show x}`: what the command prints, without the line break at its end.
    case command(String)
    /// `${cred:x}`: a credential that systemd passes to the service.
    case credential(String)
}

/// A text with references in it.
package struct ReferenceTemplate: Sendable, Hashable {
    package enum Part: Sendable, Hashable {
        case literal(String)
        case reference(Reference)
    }

    package var parts: [Part]

    package init(parts: [Part]) { self.parts = parts }
    package init(_ literal: String) { parts = [.literal(literal)] }

    /// The text, if it has no references.
    package var literal: String? {
        var text = ""
        for part in parts {
            guard case .literal(let piece) = part else { return nil }
            text += piece
        }
        return text
    }
}
