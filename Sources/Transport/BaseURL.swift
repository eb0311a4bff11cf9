// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

/// The address below which an API answers, as a person or a service's answer gives it; screened before anything is sent.
package struct BaseURL: Sendable, Hashable {
    /// Without a slash at its end, so that a path can follow.
    package let text: String
    /// Whether the host is this machine by its literal name.
    package let isLoopback: Bool

    /// - Throws: `invalidSetting` or `insecureURL` if it is not such an address (`RequestURL`) or has a query;
    ///   `addressOutOfReach` if it is written as an address that must not be reached. The text itself is not quoted.
    package init(_ text: String, _ reach: NetworkReach) throws(MigratezError) {
        let url = try RequestURL(text)
        guard !text.utf8.contains(UInt8(ascii: "?")) else {
            throw MigratezError(
                .invalidSetting, "an address is not valid: it has a query", remedy: .fixConfiguration)
        }
        try url.check(reach)
        var text = text[...]
        while text.last == "/" { text = text.dropLast() }
        self.text = String(text)
        isLoopback = url.isLoopback
    }
}
