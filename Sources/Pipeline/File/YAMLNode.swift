// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// A part of a YAML document with its place. Scalars are texts: `NO` is the text `NO`.
struct YAMLNode {
    enum Content {
        case scalar(String)
        /// In the order of the file.
        case mapping([Member])
        case sequence([YAMLNode])
    }

    struct Member {
        var key: String
        var keyPosition: FilePosition
        var value: YAMLNode
    }

    var content: Content
    var position: FilePosition
    /// Written without quotes and in one piece.
    var isPlain = false

    /// Nothing, `~` or `null` without quotes.
    var isNull: Bool {
        guard isPlain, case .scalar(let text) = content else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(text)
    }

    /// What it is, for messages.
    var kindName: String {
        switch content {
        case .scalar: isNull ? "nothing" : "a text"
        case .mapping: "a mapping"
        case .sequence: "a list"
        }
    }
}
