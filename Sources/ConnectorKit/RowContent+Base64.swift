// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCrypto
package import MigratezModel

extension RowContent {
    /// How many characters the bytes have as base64 (RFC 4648 §4, with padding).
    package var base64Bytes: Int { (bytes + 2) / 3 * 4 }

    /// The bytes as base64 text without line breaks, for interfaces that take a file within JSON; made on the fly.
    package func base64Pieces() async throws -> Pieces {
        let next = try await pieces()
        // Every piece but the last has a multiple of 3 bytes, so their texts can be put one behind the other.
        return { try await next().map { Base64.standard.encodedBytes($0) } }
    }

    /// The bytes between a head and a tail, as the one part of a form (RFC 7578) or the one long member of a JSON object
    /// that holds them has them around it.
    ///
    /// - Parameter content: `pieces` or `base64Pieces`, opened.
    package static func pieces(
        _ head: [UInt8], _ content: @escaping Pieces, _ tail: [UInt8]
    ) -> Pieces {
        let stages = PieceStages(head, content, tail)
        return { try await stages.next() }
    }
}

/// Where a reader is: before the head, within the content, at the end.
private actor PieceStages {
    private enum Stage { case head, content, end }
    private let head: [UInt8]
    private let content: RowContent.Pieces
    private let tail: [UInt8]
    private var stage = Stage.head

    init(_ head: [UInt8], _ content: @escaping RowContent.Pieces, _ tail: [UInt8]) {
        self.head = head
        self.content = content
        self.tail = tail
    }

    func next() async throws -> [UInt8]? {
        if stage == .head {
            stage = .content
            if !head.isEmpty { return head }
        }
        if stage == .content {
            if let piece = try await content() { return piece }
            stage = .end
            if !tail.isEmpty { return tail }
        }
        return nil
    }
}
