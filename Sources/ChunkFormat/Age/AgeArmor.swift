// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCrypto
package import MigratezModel

/// The text form of an age file (age-encryption.org/v1, 'ASCII armor'): strict PEM around base64 in lines of 64.
///
/// For keys and small files that people paste; whole in memory. Chunks are never armored.
package enum AgeArmor {
    private static let begin = Array("-----BEGIN AGE ENCRYPTED FILE-----".utf8)
    private static let end = Array("-----END AGE ENCRYPTED FILE-----".utf8)
    private static let columnsMax = 64

    /// Whether `bytes` are meant to be armored: after white space they start as armor does.
    package static func isArmored(_ bytes: [UInt8]) -> Bool {
        bytes.drop(while: isWhiteSpace).starts(with: begin)
    }

    /// The armor of `file`.
    package static func encode(_ file: [UInt8]) -> [UInt8] {
        var text = begin + [0x0A]
        var rest = Base64.standard.encodedBytes(file)[...]
        while !rest.isEmpty {
            text.append(contentsOf: rest.prefix(columnsMax))
            text.append(0x0A)
            rest = rest.dropFirst(columnsMax)
        }
        return text + end + [0x0A]
    }

    /// The file in `text`; lines may end in CRLF, and white space may surround the whole.
    package static func decode(_ text: [UInt8]) throws(MigratezError) -> [UInt8] {
        var lines = text.drop(while: isWhiteSpace).split(separator: 0x0A, omittingEmptySubsequences: false)
            .map { $0.last == 0x0D ? $0.dropLast() : $0 }[...]
        guard lines.popFirst()?.elementsEqual(begin) == true else {
            throw ageFailure(.armor, "the first line is not the one of armor")
        }
        var file: [UInt8] = []
        var isLast = false
        while let line = lines.popFirst() {
            if line.elementsEqual(end) {
                guard lines.allSatisfy({ $0.allSatisfy(isWhiteSpace) }) else {
                    throw ageFailure(.armor, "something follows the armor")
                }
                return file
            }
            guard !isLast, !line.isEmpty, line.count <= columnsMax, let bytes = Base64.standard.decode(line) else {
                throw ageFailure(.armor, "a line of the armor is malformed")
            }
            // A short or padded line can only be the last one.
            isLast = line.count < columnsMax || line.last == 0x3D
            file.append(contentsOf: bytes)
        }
        throw ageFailure(.armor, "the last line of the armor is missing")
    }

    private static func isWhiteSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
}
