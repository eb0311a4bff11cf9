// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// An address of the internet protocol, version 4 or 6, and what kind of network it is in.
///
/// One of version 4 is kept as its mapped form in version 6 (`::ffff:a.b.c.d`, RFC 4291 §2.5.5.2), so the two ways to
/// write it are the same address here.
package struct IPAddress: Sendable, Hashable {
    private let high: UInt64
    private let low: UInt64

    private init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    private init(version4 value: UInt32) { self.init(high: 0, low: 0xFFFF << 32 | UInt64(value)) }

    /// `192.0.2.7` or `2001:db8::7`: four decimal numbers, or RFC 4291 §2.2. `nil` for everything else, the short, octal
    /// and hexadecimal forms that inet_aton(3) takes above all.
    package init?(_ text: String) {
        var four = in_addr()
        var six = in6_addr()
        if inet_pton(AF_INET, text, &four) == 1 {
            self.init(version4: UInt32(bigEndian: four.s_addr))
        } else if inet_pton(AF_INET6, text, &six) == 1 {
            self.init(six)
        } else {
            return nil
        }
    }

    /// The address that a socket is to be connected to; `nil` for another family than the two.
    ///
    /// - Parameter address: a `sockaddr` of the length that its family has.
    init?(socketAddress address: UnsafeRawPointer, family: Int32) {
        switch family {
        case AF_INET:
            self.init(version4: UInt32(bigEndian: address.loadUnaligned(as: sockaddr_in.self).sin_addr.s_addr))
        case AF_INET6: self.init(address.loadUnaligned(as: sockaddr_in6.self).sin6_addr)
        default: return nil
        }
    }

    private init(_ address: in6_addr) {
        let (high, low) = withUnsafeBytes(of: address) {
            ($0.loadUnaligned(as: UInt64.self), $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        }
        self.init(high: UInt64(bigEndian: high), low: UInt64(bigEndian: low))
    }

    /// Whether it is this machine: 127.0.0.0/8 or ::1.
    package var isLoopback: Bool { Self.loopback.contains { $0.contains(self) } }

    /// Whether it is of the public internet: neither private, link-local, loopback, multicast nor otherwise set aside.
    ///
    /// Source: the IANA registries of special-purpose addresses (RFC 6890). Of version 6 only global unicast counts
    /// (2000::/3, RFC 4291 §2.4) and, by the address of version 4 in it, the well-known prefix of NAT64 (RFC 6052).
    package var isPublic: Bool {
        if Self.mapped.contains(self) { return !Self.reserved4.contains { $0.contains(self) } }
        if Self.translated.contains(self) { return IPAddress(version4: UInt32(truncatingIfNeeded: low)).isPublic }
        return Self.globalUnicast.contains(self) && !Self.reserved6.contains { $0.contains(self) }
    }

    private static let loopback = [Block("127.0.0.0", 8), Block("::1", 128)]
    private static let mapped = Block("::ffff:0:0", 96)
    private static let translated = Block("64:ff9b::", 96)
    private static let globalUnicast = Block("2000::", 3)

    private static let reserved4 = [
        Block("0.0.0.0", 8),  // this network, RFC 791
        Block("10.0.0.0", 8),  // private, RFC 1918
        Block("100.64.0.0", 10),  // shared by a carrier's customers, RFC 6598
        Block("127.0.0.0", 8),  // loopback, RFC 1122
        Block("169.254.0.0", 16),  // link-local, RFC 3927; the clouds' metadata services
        Block("172.16.0.0", 12),  // private, RFC 1918
        Block("192.0.0.0", 24),  // protocol assignments, RFC 6890
        Block("192.0.2.0", 24),  // documentation, RFC 5737
        Block("192.88.99.0", 24),  // relays of 6to4, RFC 7526
        Block("192.168.0.0", 16),  // private, RFC 1918
        Block("198.18.0.0", 15),  // benchmarks, RFC 2544
        Block("198.51.100.0", 24),  // documentation, RFC 5737
        Block("203.0.113.0", 24),  // documentation, RFC 5737
        Block("224.0.0.0", 3),  // multicast, RFC 5771; reserved, RFC 1112; broadcast, RFC 919
    ]

    /// Within global unicast.
    private static let reserved6 = [
        Block("2001::", 23),  // protocol assignments with Teredo, RFC 2928
        Block("2001:db8::", 32),  // documentation, RFC 3849
        Block("2002::", 16),  // 6to4, which leads to any address of version 4, RFC 7526
        Block("3fff::", 20),  // documentation, RFC 9637
    ]

    /// The addresses that share their first bits.
    private struct Block {
        private let start: IPAddress
        private let mask: IPAddress

        /// - Precondition: the text is an address of this program's own source; the bits are of its version.
        init(_ text: String, _ bits: Int) {
            guard let start = IPAddress(text) else {
                preconditionFailure("a block of addresses begins with an address")
            }
            self.start = start
            let bits = text.contains(":") ? bits : bits + 96
            mask = IPAddress(high: Self.ones(min(bits, 64)), low: Self.ones(max(bits - 64, 0)))
        }

        func contains(_ address: IPAddress) -> Bool {
            address.high & mask.high == start.high && address.low & mask.low == start.low
        }

        /// So many ones and then zeros.
        private static func ones(_ count: Int) -> UInt64 { count == 0 ? 0 : ~0 << UInt64(64 - count) }
    }
}
