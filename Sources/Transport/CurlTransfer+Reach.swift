// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import CCurl
import MigratezModel

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Every address is looked at when its socket is opened. What is looked at is what is connected to, so a name that
/// stands for a public address when it is checked and for a private one afterwards (DNS rebinding) gains nothing.
extension CurlTransfer {
    /// Registers the function that opens sockets. libcurl calls it on the loop's thread, for new connections only.
    func configureReach() {
        guard let easy else { return }
        _ = mz_easy_set_opensocket(easy, onOpenSocket)
        _ = mz_easy_set_pointer(easy, CURLOPT_OPENSOCKETDATA, Unmanaged.passUnretained(self).toOpaque())
    }

    /// The failure of a transfer whose host stands for addresses out of its reach, if that is what happened.
    var reachFailure: MigratezError? {
        guard isOutOfReach else { return nil }
        return url.outOfReach(
            "\(subject): the host's name stands for an address that is not of the public internet",
            cause: TransportFailure(stage: .notSent))
    }

    /// A socket for the address, or `CURL_SOCKET_BAD` if the request may not be sent there.
    fileprivate func openSocket(_ target: UnsafeMutablePointer<curl_sockaddr>) -> curl_socket_t {
        let family = target.pointee.family
        // The address goes on behind the struct's last member, which is only as long as the shortest kind.
        guard let offset = MemoryLayout<curl_sockaddr>.offset(of: \.addr),
            let address = IPAddress(socketAddress: UnsafeRawPointer(target) + offset, family: family),
            isProxy(UnsafeRawPointer(target) + offset) || url.mayConnect(to: address, request.reach)
        else {
            isOutOfReach = true
            return CURL_SOCKET_BAD
        }
        return socket(family, target.pointee.socktype | Int32(SOCK_CLOEXEC.rawValue), target.pointee.protocol)
    }

    /// Whether the address is a proxy's: redirects are not followed, so what has another port than the URL can be nothing
    /// else. The proxy is the operator's own choice and may be anywhere; where it connects to is for it to say.
    private func isProxy(_ address: UnsafeRawPointer) -> Bool {
        // At the same place in both families.
        let port = Int(UInt16(bigEndian: address.loadUnaligned(as: sockaddr_in.self).sin_port))
        return url.isSecure && port != url.port ?? 443
    }
}

/// Formed here, outside any actor: a C callback that is formed on the main actor traps on another thread.
private let onOpenSocket: curl_opensocket_callback = { pointer, _, address in
    guard let pointer, let address else { return CURL_SOCKET_BAD }
    return Unmanaged<CurlTransfer>.fromOpaque(pointer).takeUnretainedValue().openSocket(address)
}
