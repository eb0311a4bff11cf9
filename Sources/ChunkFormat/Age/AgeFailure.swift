// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel

/// Why bytes are not an age file that could be opened; the cause of the `MigratezError` that is thrown.
///
/// The kinds are those of the test vectors of the format (C2SP/CCTV, `age/README.md`).
package struct AgeFailure: Error, Sendable, CustomStringConvertible {
    package enum Kind: String, Sendable {
        /// The armor is malformed.
        case armor = "armor failure"
        /// The header is malformed, or asks for what is not allowed.
        case header = "header failure"
        /// The header's authentication code is wrong.
        case mac = "HMAC failure"
        /// No identity opens any of the stanzas.
        case noMatch = "no match"
        /// A frame is not authentic, or frames are missing or too many.
        case payload = "payload failure"
    }

    package let kind: Kind
    /// What exactly, without any byte of the file.
    package let reason: String

    init(_ kind: Kind, _ reason: String) {
        self.kind = kind
        self.reason = reason
    }

    package var description: String { "\(kind.rawValue): \(reason)" }

    /// The error to throw.
    var error: MigratezError {
        switch kind {
        case .armor, .header: MigratezError(.chunkCorrupt, "not an encrypted file that can be read", cause: self)
        case .mac: MigratezError(.chunkAuthentication, "the header of an encrypted file was altered", cause: self)
        case .noMatch: MigratezError(.keyWrong, "the key does not open the encrypted file", cause: self)
        case .payload: MigratezError(.chunkAuthentication, "an encrypted file was altered or cut", cause: self)
        }
    }
}

/// Short for the throw sites.
func ageFailure(_ kind: AgeFailure.Kind, _ reason: String) -> MigratezError { AgeFailure(kind, reason).error }
