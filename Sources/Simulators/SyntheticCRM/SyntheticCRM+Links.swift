// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// All links of one kind, computable from both ends.
///
/// A record's n-th link leads to a target that a permutation of the records decides, bent so that few targets have many
/// links and many have few. Both steps can be undone, so the way back costs no table either.
package struct LinkMap: Sendable {
    package let kind: LinkKind
    private let crm: SyntheticCRM
    private let scatters: [Scatter]
    private let sources: Int
    private let targets: Int
    /// 64 bits are enough for the products below; division of 128 bits is slow.
    private let isSmall: Bool

    package init(_ kind: LinkKind, of crm: SyntheticCRM) {
        self.kind = kind
        self.crm = crm
        sources = crm.counts[kind.from]
        targets = crm.counts[kind.to]
        scatters = crm.scatters[kind.rawValue]
        isSmall = UInt128(sources) * UInt128(sources) * UInt128(max(targets, 1)) < 1 << 63
    }

    /// The links of one record, the primary one first; no two lead to the same place. Links from and to archived
    /// records are not there, as in HubSpot.
    package func links(from index: Int) -> [Link] {
        guard targets > 0, !crm.isArchived(kind.from, at: index) else { return [] }
        if kind.from == .file, !CRMFile.hangs(crm.file(at: index).draw, on: kind.to) { return [] }
        var links: [Link] = []
        let draw = Draw(seed: crm.seed, realm: 64 + kind.rawValue, index: index)
        for (slot, share) in kind.shares.enumerated() where draw.share(slot * 8 + 1) < share {
            var link: Link
            if kind.from != .file, draw.share(slot * 8 + 2) < 200 {
                link = Link(
                    toID: crm.missingID(kind.to, draw, slot * 8 + 3), toIndex: nil, isPrimary: false, labels: [])
            } else {
                let target = target(of: scatters[slot].forward(index))
                guard !crm.isArchived(kind.to, at: target) else { continue }
                link = Link(toID: crm.id(of: kind.to, at: target), toIndex: target, isPrimary: false, labels: [])
            }
            guard !links.contains(where: { $0.toID == link.toID }) else { continue }
            link.isPrimary = kind.hasPrimary && slot == 0
            for (position, label) in kind.labels.enumerated() where draw.share(slot * 8 + 4 + position) < label.share {
                link.labels.append(label.name)
            }
            links.append(link)
        }
        return links
    }

    /// The records that link to this one, with the link as seen from them, by rising index.
    package func sources(of target: Int) -> [(index: Int, link: Link)] {
        guard !crm.isArchived(kind.to, at: target) else { return [] }
        var found: [Int: Link] = [:]
        for scatter in scatters {
            for place in firstPlace(of: target)..<firstPlace(of: target + 1) {
                let index = scatter.backward(place)
                guard found[index] == nil else { continue }
                found[index] = links(from: index).first { $0.toIndex == target }
            }
        }
        return found.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// ⌊targets · place² / sources²⌋: rising, and steep at its end, so that the first targets get most.
    private func target(of place: Int) -> Int {
        guard !isSmall else { return place * place * targets / (sources * sources) }
        let square = UInt128(place) * UInt128(place) * UInt128(targets)
        return Int(square / (UInt128(sources) * UInt128(sources)))
    }

    /// The first place that leads to `target` or a later one, by bisection.
    private func firstPlace(of target: Int) -> Int {
        var (low, high) = (0, sources)
        while low < high {
            let middle = (low + high) / 2
            if self.target(of: middle) < target { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

extension SyntheticCRM {
    /// The permutations behind the links, by kind and place of the link.
    static func scatters(seed: UInt64, counts: Counts) -> [[Scatter]] {
        LinkKind.allCases.map { kind in
            kind.shares.indices.map { slot in
                Scatter(count: counts[kind.from], seed: seed ^ mix64(UInt64(kind.rawValue * 16 + slot + 1)))
            }
        }
    }

    /// The links of one kind.
    package func links(_ kind: LinkKind) -> LinkMap { LinkMap(kind, of: self) }

    /// The links of one record.
    package func links(_ kind: LinkKind, from index: Int) -> [Link] { LinkMap(kind, of: self).links(from: index) }
}
