// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// Where a chunk is in its life.
///
/// ```
///            seal            claim              spend            shred
///  writing ───────► sealed ◄───────► leased ───────────► spent ───────► shredded
///     │  ▲            │ ▲   release    │                  ▲ ▲              ▲
///     │  │ rewrite    │ │ retry        │      retire      │ │              │
///     ▼  │            ▼ │              ▼  (sealed, no     │ │   shred      │
///     failed ◄────────┴─┴──────────────┘   longer needed)─┘ └── failed ────┘
/// ```
///
/// `canBecome` is the only table of transitions; the manifest holds a copy in `chunk_transitions`, which a trigger
/// enforces, and a test compares the two over all pairs.
package enum ChunkState: String, Sendable, CaseIterable, Codable {
    /// Its file is being written under a temporary name. Becomes `sealed` or `failed`.
    case writing
    /// Durable, complete and free to be claimed. Becomes `leased`, `spent` (nobody needs it any more) or `failed`.
    case sealed
    /// Claimed by one consumer until a deadline. Becomes `spent`, `sealed` again (released) or `failed`.
    case leased
    /// Everything in it has its outcome. Becomes `shredded`.
    case spent
    /// Its key is destroyed and its file gone. Final.
    case shredded
    /// Something is wrong with it; the code is kept beside. Becomes `sealed` (its file is good after all), `writing`
    /// (it is made anew, as the next attempt) or `shredded` (the run ends).
    case failed

    /// Whether the lifecycle has an arrow from this state to `next`; there is none from a state to itself.
    package func canBecome(_ next: ChunkState) -> Bool {
        switch (self, next) {
        case (.writing, .sealed), (.writing, .failed): true
        case (.sealed, .leased), (.sealed, .spent), (.sealed, .failed): true
        case (.leased, .sealed), (.leased, .spent), (.leased, .failed): true
        case (.spent, .shredded): true
        case (.failed, .sealed), (.failed, .writing), (.failed, .shredded): true
        case (.writing, _), (.sealed, _), (.leased, _), (.spent, _), (.shredded, _), (.failed, _): false
        }
    }
}
