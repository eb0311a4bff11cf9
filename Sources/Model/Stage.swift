// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// The stops on the way of a record.
package enum Stage: String, Sendable, Codable, CaseIterable {
    /// From the source into raw chunks.
    case extract
    /// From raw chunks into ready chunks: mapping, duplicates, links.
    case transform
    /// From ready chunks into the destination.
    case load
    /// Reading back what was loaded.
    case verify
}

/// Where stages report how far they are. Called often and from any thread: an implementation only counts.
package protocol ProgressSink: Sendable {
    /// `count` more records of the stream have passed the stage.
    func advance(_ stage: Stage, _ stream: StreamName, by count: Int)
    /// How many records the stage expects in all, once that is known.
    func expect(_ stage: Stage, _ stream: StreamName, total: Int)
    /// Records of the stream that were rejected in the stage.
    func reject(_ stage: Stage, _ stream: StreamName, by count: Int)
}

/// Reports to nobody.
package struct SilentProgress: ProgressSink {
    package init() {}
    package func advance(_ stage: Stage, _ stream: StreamName, by count: Int) {}
    package func expect(_ stage: Stage, _ stream: StreamName, total: Int) {}
    package func reject(_ stage: Stage, _ stream: StreamName, by count: Int) {}
}
