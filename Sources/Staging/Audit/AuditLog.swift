// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezCrypto
package import MigratezModel

/// The account of what one user's runs, keys and personal data went through: append-only, hash-chained, signed.
///
/// It lies outside of all runs and outlives them, because it is the proof. Each line is linked to all before it and
/// signed with the key that signs certificates; `<keys>/audit-head`, written after each line, says how far it goes. So
/// an edit, a gap, an exchange of lines and a missing end are found out, by `verify` and by the next `append`.
///
/// What it cannot find out: that the log and the head were both put back to an earlier state together, or both removed.
/// Against that a head can be kept elsewhere (`migratez audit show`, `verify(upTo:)`). Whoever has the signing key can
/// write another history.
///
/// A crash between line and head leaves one signed line beyond the head, which is adopted; a line that was cut off is
/// overwritten by the next.
package struct AuditLog: Sendable {
    /// The file of the log.
    package let path: String
    /// The file of its head.
    package let headPath: String
    private let folder: String
    private let keys: String
    private let fileSystem: any FileSystem

    /// - Parameters:
    ///   - folder: the log's own.
    ///   - keys: the folder of the signing key, where the head is kept as well.
    package init(folder: String, keys: String, fileSystem: any FileSystem = LocalFileSystem()) {
        self.folder = folder
        self.keys = keys
        self.fileSystem = fileSystem
        path = "\(folder)/log"
        headPath = "\(keys)/audit-head"
    }

    private var signingKeyPath: String { "\(keys)/signing-key" }

    /// Adds an entry, and returns when it is durable. What it tells of is done after that, or not at all.
    ///
    /// - Throws: `auditFailed` if it could not be written, `auditInvalid` if the end of the log is not what was written
    ///   there; the action must not be done then.
    package func append(
        _ action: AuditAction, by user: AuditUser, at time: Timestamp, run: RunID? = nil, object: String? = nil,
        code: String? = nil
    ) throws(MigratezError) {
        do throws(MigratezError) {
            try fileSystem.createFolder(folder)
            try FileLock.holding("\(folder)/lock") { () throws(MigratezError) in
                let key = try SigningKey.loadOrCreate(signingKeyPath)
                let file = try open(key)
                let last = try end(of: file, key.publicKey)
                let entry = AuditEntry(
                    number: last.number + 1, time: time, user: user, action: action, run: run, object: object,
                    code: code)
                let line = try AuditLine(entry, after: last.chain, signedWith: key)
                try file.write(line.encoded, at: AuditLine.bytes * entry.number)
                try file.sync()
                try write(AuditHead(number: entry.number, chain: line.chain), signedWith: key)
            }
        } catch  where error.code != .auditInvalid {
            throw MigratezError(
                .auditFailed, "the audit log \(path) cannot be written, so nothing was done",
                remedy: .fixConfiguration, hint: error.hint ?? "look at the folder and its disk, then try again",
                cause: error)
        }
    }

    /// The entries from `first` on, oldest first, as they stand there. `verify` tells whether they can be trusted.
    package func entries(from first: Int = 1) throws(MigratezError) -> [AuditEntry] {
        guard try fileSystem.length(path) != nil else { return [] }
        let file = try fileSystem.open(path, .reading)
        var entries: [AuditEntry] = []
        var number = max(1, first)
        while true {
            let bytes = try file.read(AuditLine.bytes, at: AuditLine.bytes * number)
            if bytes.isEmpty { return entries }
            guard let line = AuditLine(parsing: bytes) else {
                throw invalid("entry \(number) cannot be read")
            }
            entries.append(line.entry)
            number += 1
        }
    }

    /// Reads the whole log and checks every line, its link, its signature, and the end.
    ///
    /// - Parameters:
    ///   - trusted: the key that must have signed; nil = this user's signing key, which must be there then.
    ///   - known: a head that was kept elsewhere, which the log must lead through.
    /// - Returns: the last entry's number and chain; number 0 = there is no log yet.
    /// - Throws: `auditInvalid` with the number of the first entry that is not as it was written.
    package func verify(
        trusting trusted: Ed25519.PublicKey? = nil, upTo known: AuditHead? = nil
    ) throws(MigratezError) -> AuditHead {
        guard let length = try fileSystem.length(path) else {
            guard try fileSystem.length(headPath) == nil, known == nil else { throw invalid("the log is gone") }
            return AuditHead(number: 0, chain: [UInt8](repeating: 0, count: 32))
        }
        let key: Ed25519.PublicKey
        if let trusted {
            key = trusted
        } else {
            guard try fileSystem.length(signingKeyPath) != nil else {
                throw invalid("the key that signed it is gone, and none was given to trust")
            }
            key = try SigningKey.loadOrCreate(signingKeyPath).publicKey
        }
        let file = try fileSystem.open(path, .reading)
        var last = try start(of: file, key)
        var head = try self.head(key)
        var isKnownMet = known.map { $0.number == 0 } ?? true
        while true {
            let bytes = try file.read(AuditLine.bytes, at: AuditLine.bytes * (last.number + 1))
            if bytes.isEmpty { break }
            last = try next(bytes, after: last, key)
            if let met = head, met.number == last.number {
                guard met.chain == last.chain else {
                    throw invalid("entry \(last.number) is not the one that was written")
                }
                head = nil
            }
            if let known, known.number == last.number {
                guard known == last else { throw invalid("entry \(last.number) is not the one that was known") }
                isKnownMet = true
            }
        }
        guard length % AuditLine.bytes == 0 else { throw invalid("it ends in the middle of a line") }
        guard head == nil else { throw invalid("entries after \(last.number) are gone") }
        guard isKnownMet else { throw invalid("entries after \(last.number) are gone, which were known") }
        guard try self.end(of: file, key) == last else { throw invalid("entries follow that no head vouches for") }
        return last
    }

    // MARK: Parts

    /// The log's file, which is made if there is none.
    private func open(_ key: Ed25519.PrivateKey) throws(MigratezError) -> any OpenFile {
        let header = AuditLine.header(key.publicKey)
        if let length = try fileSystem.length(path), length >= header.count || length == 0 {
            let file = try fileSystem.open(path, .updating)
            if length > 0 { return file }
        }
        // A first line that was cut off is made anew: nothing can stand behind it.
        guard try fileSystem.length(headPath) == nil else { throw invalid("the log is gone") }
        try fileSystem.remove(path)
        let file = try fileSystem.open(path, .new)
        try file.write(header, at: 0)
        try file.sync()
        try fileSystem.syncFolder(folder)
        return file
    }

    /// The chain of the first line, as an end of the log without entries.
    private func start(of file: any OpenFile, _ key: Ed25519.PublicKey) throws(MigratezError) -> AuditHead {
        let header = try file.read(AuditLine.bytes, at: 0)
        guard let named = AuditLine.key(inHeader: header) else {
            throw invalid("its first line is not as it was written")
        }
        guard named == key else { throw invalid("another key signed it than the expected one") }
        return AuditHead(number: 0, chain: SHA256.digest(of: header))
    }

    /// The last entry: the one that the head names, or the one after it if a crash came between line and head.
    private func end(of file: any OpenFile, _ key: Ed25519.PublicKey) throws(MigratezError) -> AuditHead {
        let start = try start(of: file, key)
        let head = try head(key)
        var last = head ?? start
        if let head {
            guard head.number >= 1, let line = AuditLine(parsing: try bytes(head.number, of: file)) else {
                throw invalid("entry \(head.number) is gone or not as it was written")
            }
            guard line.chain == head.chain, line.entry.number == head.number else {
                throw invalid("entry \(head.number) is not the one that was written")
            }
        }
        let bytes = try bytes(last.number + 1, of: file)
        // Less than a line was cut off by a crash, before whatever it was to tell of was done.
        if bytes.count == AuditLine.bytes, let line = AuditLine(parsing: bytes) {
            guard line.entry.number == last.number + 1, line.follows(last.chain, signedBy: key) else {
                throw invalid("entry \(last.number + 1) was not written by this log")
            }
            last = AuditHead(number: line.entry.number, chain: line.chain)
            guard try self.bytes(last.number + 1, of: file).isEmpty else {
                throw invalid("entries follow that no head vouches for")
            }
        }
        return last
    }

    private func bytes(_ number: Int, of file: any OpenFile) throws(MigratezError) -> [UInt8] {
        try file.read(AuditLine.bytes, at: AuditLine.bytes * number)
    }

    private func next(
        _ bytes: [UInt8], after last: AuditHead, _ key: Ed25519.PublicKey
    ) throws(MigratezError) -> AuditHead {
        let number = last.number + 1
        guard let line = AuditLine(parsing: bytes) else { throw invalid("entry \(number) is not as it was written") }
        guard line.entry.number == number, line.follows(last.chain, signedBy: key) else {
            throw invalid("entry \(number) was changed, moved, or put in")
        }
        return AuditHead(number: number, chain: line.chain)
    }

    private func head(_ key: Ed25519.PublicKey) throws(MigratezError) -> AuditHead? {
        guard let length = try fileSystem.length(headPath) else { return nil }
        let bytes = try fileSystem.open(headPath, .reading).read(min(length, AuditHead.bytesMax), at: 0)
        guard let head = AuditHead(parsing: bytes, signedBy: key) else {
            throw invalid("its head is not as it was signed")
        }
        return head
    }

    private func write(_ head: AuditHead, signedWith key: Ed25519.PrivateKey) throws(MigratezError) {
        let temporary = "\(headPath).new"
        try fileSystem.remove(temporary)
        let file = try fileSystem.open(temporary, .new)
        try file.write(try head.encoded(signedWith: key), at: 0)
        try file.sync()
        try fileSystem.rename(temporary, to: headPath)
        try fileSystem.syncFolder(keys)
    }

    private func invalid(_ why: String) -> MigratezError {
        MigratezError(
            .auditInvalid, "the audit log \(path) is not as it was written: \(why)", remedy: .fixConfiguration,
            hint: "keep \(path) and \(headPath) as evidence, and find out who changed them; once both are moved away, "
                + "a new log begins")
    }
}
