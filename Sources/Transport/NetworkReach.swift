// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

/// Which networks a request may be sent into.
///
/// An address may come from somebody else than who runs the program: from a form, or from a vendor's answer. What it
/// must not do is to make this program send requests to services that only its own machine or network can reach.
package enum NetworkReach: Sendable, Hashable {
    /// The public internet; and this machine by plain http, since `http://127.0.0.1` says itself what it means.
    case publicInternet
    /// Private networks, link-local addresses and this machine too.
    case everywhere
}

extension RequestURL {
    /// Whether a connection to this address may be made for the request. Plain http never leaves the machine, whatever
    /// its host resolves to.
    func mayConnect(to address: IPAddress, _ reach: NetworkReach) -> Bool {
        guard isSecure else { return address.isLoopback }
        return reach == .everywhere || address.isPublic
    }

    /// Refuses a host that is written as an address out of reach; what a name stands for is known, and checked, only
    /// when a connection is made.
    ///
    /// - Throws: `addressOutOfReach`.
    package func check(_ reach: NetworkReach) throws(MigratezError) {
        let isLocalName = host == "localhost" || host.hasSuffix(".localhost")
        let isRefused = literal.map { !mayConnect(to: $0, reach) } ?? (isLocalName && isSecure && reach != .everywhere)
        if isRefused { throw outOfReach("\(host) is not an address of the public internet") }
    }

    /// The error for a connection that may not be made.
    func outOfReach(_ reason: String, cause: (any Error)? = nil) -> MigratezError {
        MigratezError(
            .addressOutOfReach, reason, remedy: .fixConfiguration,
            hint: "check the address; if the service is in your own network, set allow_private_network: true beside it",
            cause: cause)
    }
}
