// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

/// The limits of the one HTTP client of a process.
package struct TransportConfiguration: Sendable {
    /// How long name resolution, TCP and TLS may take together.
    package var connectTimeout: Duration
    /// A body that is under way must move at least `stallBytesMin` in each such period, or the request fails.
    /// Waiting for the first byte of an answer does not count: there only the request's deadline applies.
    package var stallWindow: Duration
    package var stallBytesMin: Int
    /// All bodies together that are being collected for `send`; beyond it, all but the oldest transfer pause.
    package var receiveBytesMax: ByteCount
    /// What may wait in memory for a slow consumer of `stream`.
    package var streamBytesMax: ByteCount
    /// How many times larger than on the wire a body may be after decompression.
    package var expansionMax: Int
    package var headersMax: Int
    package var headerBytesMax: ByteCount
    package var connectionsPerHostMax: Int
    /// A PEM file of certificate authorities that are trusted besides the system's own.
    package var extraCertificates: String?

    package init(
        connectTimeout: Duration = .seconds(15), stallWindow: Duration = .seconds(30), stallBytesMin: Int = 256,
        receiveBytesMax: ByteCount = .MiB(48), streamBytesMax: ByteCount = .KiB(512), expansionMax: Int = 200,
        headersMax: Int = 256, headerBytesMax: ByteCount = .KiB(128), connectionsPerHostMax: Int = 64,
        extraCertificates: String? = nil
    ) {
        self.connectTimeout = connectTimeout
        self.stallWindow = stallWindow
        self.stallBytesMin = stallBytesMin
        self.receiveBytesMax = receiveBytesMax
        self.streamBytesMax = streamBytesMax
        self.expansionMax = expansionMax
        self.headersMax = headersMax
        self.headerBytesMax = headerBytesMax
        self.connectionsPerHostMax = connectionsPerHostMax
        self.extraCertificates = extraCertificates
    }
}
