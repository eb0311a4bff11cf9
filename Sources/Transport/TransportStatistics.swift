// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// What the client has done so far with one host.
package struct HostStatistics: Sendable, Hashable {
    /// Requests that ended, however they ended.
    package var requests = 0
    /// Those of them that got no complete answer.
    package var failures = 0
    /// Bytes of bodies as they were on the wire.
    package var bytesSent = 0
    package var bytesReceived = 0
    /// The same bodies after decompression.
    package var bytesDecoded = 0
    /// From the start of each request to the first byte of its answer, added up.
    package var waited: Duration = .zero
    /// Connections that were opened.
    package var connections = 0

    package init() {}
}
