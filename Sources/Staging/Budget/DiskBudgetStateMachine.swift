// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// Who may write how much to the staging disk; the state machine behind `DiskBudget`.
///
/// Reservations are granted in the order in which they were asked for: a small one does not overtake a large one.
struct DiskBudgetStateMachine {
    /// What became of a request.
    enum Answer: Equatable { case granted, wait, neverPossible }

    let limit: Int
    /// Granted and not given back.
    private(set) var used: Int
    private(set) var waiting: [Waiter] = []

    /// Somebody who waits for room.
    struct Waiter: Equatable {
        var id: Int
        var bytes: Int
    }

    init(limit: Int, used: Int = 0) {
        precondition(limit >= 0 && used >= 0, "a budget and its use are not negative")
        self.limit = limit
        self.used = used
    }

    /// Asks for room; `id` names the waiter if it has to wait.
    mutating func reserve(_ bytes: Int, id: Int) -> Answer {
        precondition(bytes >= 0, "a reservation is not negative")
        if bytes > limit { return .neverPossible }
        guard waiting.isEmpty, used + bytes <= limit else {
            waiting.append(Waiter(id: id, bytes: bytes))
            return .wait
        }
        used += bytes
        return .granted
    }

    /// Counts bytes that are written whether there is room or not; later reservations wait for them.
    mutating func charge(_ bytes: Int) {
        precondition(bytes >= 0, "a charge is not negative")
        used += bytes
    }

    /// Gives room back and returns the waiters that are granted now.
    mutating func release(_ bytes: Int) -> [Int] {
        precondition(bytes >= 0 && bytes <= used, "more is given back than was granted")
        used -= bytes
        return grant()
    }

    /// Takes a waiter out; nil if it is not waiting (any more), else those who are granted in its place.
    mutating func cancel(_ id: Int) -> [Int]? {
        guard let index = waiting.firstIndex(where: { $0.id == id }) else { return nil }
        waiting.remove(at: index)
        return grant()
    }

    private mutating func grant() -> [Int] {
        var granted: [Int] = []
        while let first = waiting.first, used + first.bytes <= limit {
            used += first.bytes
            granted.append(first.id)
            waiting.removeFirst()
        }
        return granted
    }
}
