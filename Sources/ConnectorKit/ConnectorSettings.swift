// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

/// One setting that a connector understands; the pipeline file's lint and the documentation are made from these.
package struct SettingSpec: Sendable {
    package enum Kind: Sendable, Hashable {
        case text
        /// A reference such as `${env:NAME}` only; a literal is refused.
        case secret
        case integer
        case bool
        case url
        case oneOf([String])
        case byteCount
        case path
    }

    /// Dotted path below `source:` or `target:`; `*` stands for one segment of any name: `objects.*.file`.
    package var path: String
    package var kind: Kind
    package var isRequired: Bool
    /// One line for people.
    package var summary: String

    package init(_ path: String, _ kind: Kind, isRequired: Bool = false, _ summary: String) {
        self.path = path
        self.kind = kind
        self.isRequired = isRequired
        self.summary = summary
    }
}

/// The settings of one connector, checked against its specs and with secrets resolved.
package struct ConnectorSettings: Sendable {
    private var texts: [String: String]
    private var secrets: [String: Secret]

    package init(texts: [String: String] = [:], secrets: [String: Secret] = [:]) {
        self.texts = texts
        self.secrets = secrets
    }

    /// The value at a dotted path.
    package subscript(path: String) -> String? { texts[path] }
    /// The secret at a dotted path.
    package func secret(_ path: String) -> Secret? { secrets[path] }
    /// The names directly below a dotted path, sorted: `names(under: "objects")`. Those of secrets are among them.
    package func names(under path: String) -> [String] {
        let prefix = path + "."
        let names = (Array(texts.keys) + secrets.keys).compactMap { key in
            key.hasPrefix(prefix) ? String(key.dropFirst(prefix.count).prefix { $0 != "." }) : nil
        }
        return Array(Set(names)).sorted()
    }
}
