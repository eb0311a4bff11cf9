// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

/// A part of a YAML document with its place. Scalars are texts: `NO` is the text `NO`.
package struct YAMLNode {
    package enum Content {
        case scalar(String)
        /// In the order of the file.
        case mapping([Member])
        case sequence([YAMLNode])
    }

    package struct Member {
        package var key: String
        package var keyPosition: FilePosition
        package var value: YAMLNode
    }

    package var content: Content
    package var position: FilePosition
    /// Written without quotes and in one piece.
    package var isPlain = false

    /// Nothing, `~` or `null` without quotes.
    package var isNull: Bool {
        guard isPlain, case .scalar(let text) = content else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(text)
    }

    /// What it is, for messages.
    package var kindName: String {
        switch content {
        case .scalar: isNull ? "nothing" : "a text"
        case .mapping: "a mapping"
        case .sequence: "a list"
        }
    }
}
