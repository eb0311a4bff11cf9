// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezSyntheticCRM
import Testing

@Suite struct `Synthetic files` {
    private let crm = SyntheticCRM(seed: 11, counts: .init(records: 2000, files: 1500))

    @Test func `sizes are skewed, some files are empty, and names repeat`() {
        let files = (0..<crm.counts.files).map { crm.file(at: $0) }
        #expect(files.contains { $0.size == 0 })
        #expect(files.contains { $0.size > 1_000_000 })
        #expect(files.count { $0.size <= 40_000 } > 1200)
        #expect(Set(files.map(\.name)).count < files.count)
        #expect(files.contains { !$0.name.utf8.allSatisfy { $0 < 0x80 } })
        #expect(files.allSatisfy { $0.name.contains(".") && !$0.name.contains("/") })
    }

    @Test func `a file hangs on one to three live records, and they know it`() {
        for index in 0..<crm.counts.files {
            let file = crm.file(at: index)
            let parents = file.parents
            #expect(parents.count <= 3)
            #expect(!file.isArchived || parents.isEmpty)
            for parent in parents {
                #expect(!crm.isArchived(parent.object, at: parent.index))
                #expect(crm.id(of: parent.object, at: parent.index) == parent.id)
            }
        }
        let files = crm.links(.fileToContact)
        let target = (0..<crm.counts.files).lazy.compactMap { files.links(from: $0).first?.toIndex }.first ?? 0
        #expect(files.sources(of: target).contains { files.links(from: $0.index).first?.toIndex == target })
        #expect((0..<crm.counts.files).count { crm.file(at: $0).parents.isEmpty } < 60)
    }

    @Test func `any part of a content is the same bytes`() {
        for index in 0..<60 {
            let file = crm.file(at: index)
            var whole: [UInt8] = []
            file.eachPiece(of: 1000) { whole += $0 }
            #expect(whole == file.bytes(0..<file.size))
            #expect(file.sha256.count == 32)
            guard file.size > 10 else { continue }
            #expect(Array(whole[7..<file.size - 2]) == file.bytes(7..<file.size - 2))
        }
    }
}
