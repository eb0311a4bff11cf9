// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The checkout's root folder, without a slash at the end.
package let repositoryRoot: String = {
    let path = #filePath
    let root = path.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/")
    return root.isEmpty ? "." : root
}()

/// The folder of a public corpus (`age`, `json`, `csv`, …), which lives beside the checkout; `nil` if it is not there.
///
/// Tests that need one are marked `.enabled(if: corpus("age") != nil, "../shared/corpora is not here")`.
package func corpus(_ name: String) -> String? {
    let path = "\(repositoryRoot)/../shared/corpora/\(name)"
    return access(path, R_OK) == 0 ? path : nil
}
