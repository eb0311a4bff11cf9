// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import FoundationEssentials

/// The checkout's root folder.
package let repositoryRoot: URL = {
    // Sources/TestKit/Locations.swift
    let file = URL(filePath: #filePath)
    return file.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
}()

/// The folder of a public corpus (`age`, `json`, `csv`, …), which lives beside the checkout; `nil` if it is not there.
///
/// Tests that need one are marked `.enabled(if: corpus("age") != nil, "../shared/corpora/age is not here")`.
package func corpus(_ name: String) -> String? {
    let path = repositoryRoot.appending(path: "../shared/corpora").appending(path: name).path
    return FileManager.default.isReadableFile(atPath: path) ? path : nil
}
