// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCrypto
package import MigratezJSON
package import MigratezStaging

/// What a load goes on from: the state in which earlier runs left the destination.
package struct LoadDelta: Sendable {
    package typealias Fingerprint = Baseline.Fingerprint

    package let baseline: Baseline
    /// The fingerprint of a value, the same for all forms in which a destination may hold it.
    package let fingerprint: @Sendable (JSONValue?) -> Fingerprint

    package init(_ baseline: Baseline, fingerprint: @escaping @Sendable (JSONValue?) -> Fingerprint) {
        self.baseline = baseline
        self.fingerprint = fingerprint
    }

    /// The key of a link in the baseline: the destination's ids of its ends, which stay when a record of the source
    /// gets another id, and its tag.
    package static func key(ends: [String], tag: String?) -> String {
        (ends + [tag].compactMap { $0 }).joined(separator: String(separator))
    }

    /// The name under which the baseline keeps what tells whether a content has changed in the source.
    package static func versionName(_ contentField: String) -> String { contentField + "\u{1F}version" }

    /// What the baseline keeps of a content.
    package static func contentValue(_ sha256: [UInt8]) -> JSONValue { .string(Hex.encode(sha256)) }

    /// The destination's ids in the key of a link; the tag is none of them.
    package static func ends(of key: String) -> [String] { key.split(separator: separator).map(String.init) }

    /// ASCII's unit separator, which no id contains.
    private static let separator: Character = "\u{1F}"
}
