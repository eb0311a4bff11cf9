// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel
package import MigratezTransport

extension ConnectorSettings {
    /// The setting that `reach` reads.
    static let reachSpec = SettingSpec(
        "allow_private_network", .bool,
        "whether the service may be in a private network or, by https, on this machine; default false")

    /// Which networks the connection's requests may be sent into.
    package var reach: NetworkReach { self["allow_private_network"] == "true" ? .everywhere : .publicInternet }

    /// The address at a dotted path, screened; `nil` if there is none.
    ///
    /// - Throws: as `BaseURL` does, with the path in front.
    package func baseURL(_ path: String) throws(MigratezError) -> BaseURL? {
        guard let text = self[path] else { return nil }
        do throws(MigratezError) {
            return try BaseURL(text, reach)
        } catch {
            var error = error
            error.message = "\(path): \(error.message)"
            throw error
        }
    }
}
