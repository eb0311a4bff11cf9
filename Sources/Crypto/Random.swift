// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import COpenSSL
package import MigratezModel

/// Where random bytes come from.
package enum RandomSource {
    /// Takes the place of OpenSSL's generator within a task: for simulations, which must take the same course each time.
    /// Whoever sets it knows every key that is made meanwhile; nothing but tests does (TidyTests).
    @TaskLocal package static var simulated: (@Sendable (_ count: Int) -> [UInt8])?
}

/// Fills `target` from OpenSSL's generator, which the kernel seeds (RAND_bytes(3)).
package func fillWithRandomBytes(_ target: UnsafeMutableRawBufferPointer) throws(MigratezError) {
    guard target.count > 0 else { return }
    if let simulated = RandomSource.simulated {
        target.copyBytes(from: simulated(target.count))
        return
    }
    precondition(target.count <= Int32.max, "more random bytes at once than OpenSSL gives")
    guard RAND_bytes(target.baseAddress?.assumingMemoryBound(to: UInt8.self), Int32(target.count)) == 1 else {
        throw opensslFailure("draw random bytes")
    }
}

/// `count` random bytes fit for nonces, salts and public identifiers; keys are made as `SymmetricKey`.
package func randomBytes(_ count: Int) throws(MigratezError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var target = bytes.mutableSpan
    try target.withUnsafeMutableBytes { buffer throws(MigratezError) in try fillWithRandomBytes(buffer) }
    return bytes
}
