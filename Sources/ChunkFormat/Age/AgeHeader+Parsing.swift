// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCrypto
import MigratezModel

/// Reads age headers: exactly what a writer may write, nothing that merely resembles it.
///
/// The format has one spelling for everything, so that no header can be altered without being noticed; hence no CR, no
/// padding, no spare spaces, no base64 with bits left over.
extension AgeHeader {
    /// Reads the header at the start of `input` and consumes it, up to the line feed after the code.
    static func read(from input: inout InputBuffer) throws(MigratezError) -> AgeHeader {
        var parser = Parser(input: input)
        return try parser.header(&input)
    }

    /// Takes the header line by line.
    private struct Parser {
        private var taken: [UInt8] = []

        init(input: borrowing InputBuffer) { taken.reserveCapacity(512) }

        mutating func header(_ input: inout InputBuffer) throws(MigratezError) -> AgeHeader {
            guard try line(&input) == Array(AgeHeader.versionLine.utf8.dropLast()) else {
                throw ageFailure(.header, "the version is not age-encryption.org/v1")
            }
            var stanzas: [AgeStanza] = []
            while true {
                let line = try line(&input)
                if line.starts(with: AgeHeader.footerMark.utf8) {
                    guard !stanzas.isEmpty else { throw ageFailure(.header, "there are no recipients") }
                    return try AgeHeader(stanzas: stanzas, authenticatedBytes: footed(line), mac: mac(in: line))
                }
                stanzas.append(try stanza(openedBy: line, &input))
            }
        }

        /// The next line without its line feed.
        private mutating func line(_ input: inout InputBuffer) throws(MigratezError) -> [UInt8] {
            var searched = 0
            while true {
                let available = input.available
                if let end = available[searched...].firstIndex(of: 0x0A) {
                    let line = Array(available[..<end])
                    guard taken.count + line.count + 1 <= AgeHeader.bytesMax else {
                        throw ageFailure(.header, "the header is too long")
                    }
                    taken.append(contentsOf: line)
                    taken.append(0x0A)
                    input.consume(end + 1)
                    return line
                }
                searched = available.count
                guard searched + taken.count < AgeHeader.bytesMax else {
                    throw ageFailure(.header, "the header is too long")
                }
                try input.fill(atLeast: searched + 1)
                guard input.available.count > searched else { throw ageFailure(.header, "the header is cut") }
            }
        }

        private mutating func stanza(
            openedBy line: [UInt8], _ input: inout InputBuffer
        ) throws(MigratezError) -> AgeStanza {
            guard line.starts(with: "-> ".utf8) else { throw ageFailure(.header, "a line opens no stanza") }
            var arguments: [String] = []
            for part in line.dropFirst(3).split(separator: 0x20, omittingEmptySubsequences: false) {
                guard !part.isEmpty, part.allSatisfy({ (33...126).contains($0) }) else {
                    throw ageFailure(.header, "a stanza has a malformed argument")
                }
                arguments.append(String(decoding: part, as: UTF8.self))
            }
            return AgeStanza(
                type: arguments[0], arguments: Array(arguments.dropFirst()), body: try body(&input))
        }

        private mutating func body(_ input: inout InputBuffer) throws(MigratezError) -> [UInt8] {
            var body: [UInt8] = []
            while true {
                let line = try line(&input)
                guard line.count <= AgeStanza.columnsMax, let bytes = Base64.standardUnpadded.decode(line) else {
                    throw ageFailure(.header, "the body of a stanza is malformed")
                }
                body.append(contentsOf: bytes)
                if line.count < AgeStanza.columnsMax { return body }
            }
        }

        /// What the code is over, when `footer` was the last line taken.
        private func footed(_ footer: [UInt8]) -> [UInt8] {
            Array(taken.dropLast(footer.count + 1)) + Array(AgeHeader.footerMark.utf8)
        }

        private func mac(in footer: [UInt8]) throws(MigratezError) -> [UInt8] {
            let text = footer.dropFirst(AgeHeader.footerMark.utf8.count)
            guard text.first == 0x20, let mac = Base64.standardUnpadded.decode(text.dropFirst()),
                mac.count == HMACSHA256.codeBytes
            else { throw ageFailure(.header, "the code of the header is malformed") }
            return mac
        }
    }
}
