// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// The candidate that `name` was probably meant to be: the one with the fewest edits, if these are few enough for the
/// length of the name to call it a slip. Case does not count.
package func closest(to name: String, among candidates: some Sequence<String>) -> String? {
    let wanted = Array(name.lowercased())
    let limit = max(1, (wanted.count + 2) / 3)
    var best: (name: String, edits: Int)?
    for candidate in candidates where candidate != name {
        let edits = editDistance(wanted, Array(candidate.lowercased()))
        guard edits <= limit else { continue }
        if let found = best, (found.edits, found.name) <= (edits, candidate) { continue }
        best = (candidate, edits)
    }
    return best?.name
}

/// Insertions, deletions, substitutions and swaps of neighbours that turn `a` into `b` (optimal string alignment).
private func editDistance(_ a: [Character], _ b: [Character]) -> Int {
    var beforeLast: [Int] = []
    var last = Array(0...b.count)
    for i in a.indices {
        var row = [i + 1]
        row.reserveCapacity(b.count + 1)
        for j in b.indices {
            var edits = min(last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
            if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { edits = min(edits, beforeLast[j - 1] + 1) }
            row.append(edits)
        }
        beforeLast = last
        last = row
    }
    return last[b.count]
}
