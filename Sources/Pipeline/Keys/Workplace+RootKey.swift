// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCrypto
package import MigratezModel
package import MigratezStaging

extension Workplace {
    package var keysFolder: String { "\(stateFolder)/keys" }
    /// The key that staged data is under if the pipeline names none.
    package var rootKeyPath: String { "\(keysFolder)/root-key" }

    /// The root key for a run: what the pipeline refers to, or else the key file in the state folder. Its use is noted in
    /// the audit log first.
    ///
    /// - Parameter isNewRun: whether the key file may be made; what was staged before needs the one that it was staged with.
    /// - Returns: the key, and the path of the key file if it was made just now.
    func rootKey(
        _ connection: PlanConnection, for run: RunID, isNewRun: Bool
    ) throws(MigratezError) -> (key: RootKey, created: String?) {
        try audit(.keyUse, run: run)
        if let secret = connection.stagingKey { return (try Self.rootKey(secret, connection.plan), nil) }
        guard isNewRun else { return (try defaultRootKey(), nil) }
        try requireNoSuccession()
        let (key, isNew) = try KeyFile.loadOrCreate(rootKeyPath)
        return (.key(key), isNew ? rootKeyPath : nil)
    }

    /// The root key of a run, by what its pipeline file says of it now; no other secret is asked for. Its use is noted in
    /// the audit log first.
    ///
    /// - Throws: `missingSecret` if the file, or what it refers to, cannot be read.
    func rootKey(of entry: RunRegistry.Entry) async throws -> RootKey {
        try audit(.keyUse, run: RunID(entry.run))
        return try await resolvedRootKey(of: entry)
    }

    /// Throws what would keep a run from getting its root key, before anything else is asked for: `missingSecret`,
    /// `keyExposed`, `keyDamaged`. Makes nothing.
    package func requireRootKey(_ connection: PlanConnection) throws(MigratezError) {
        if let secret = connection.stagingKey {
            _ = try Self.rootKey(secret, connection.plan)
        } else {
            try requireNoSuccession()
            if try LocalFileSystem().length(rootKeyPath) != nil { _ = try KeyFile.load(rootKeyPath) }
        }
    }

    /// The root key of a run without a note of its use: for telling which key opens what.
    func resolvedRootKey(of entry: RunRegistry.Entry) async throws -> RootKey {
        guard let plan = entry.plan else {
            throw MigratezError(
                .missingSecret, "\(entry.pipeline) cannot be read, and it says where the root key is",
                remedy: .fixConfiguration, hint: "put the file back")
        }
        let resolver = ReferenceResolver(environment: environment, folder: plan.folder)
        let (secret, diagnostics) = await plan.resolveStagingKey(with: resolver)
        guard diagnostics.isEmpty else {
            throw MigratezError(
                .missingSecret, diagnostics.map(\.description).joined(separator: "\n"), remedy: .fixConfiguration)
        }
        guard let secret else { return try defaultRootKey() }
        return try Self.rootKey(secret, plan)
    }

    /// What a secret is as a root key: 64 hexadecimal digits are a key, any other text is a passphrase.
    ///
    /// - Throws: `keyDamaged` if it looks like a key that was cut off: as a passphrase it would open nothing that it is
    ///   meant for, and nobody would notice before.
    package static func rootKey(_ secret: Secret) throws(MigratezError) -> RootKey {
        let (bytes, isCutOff) = secret.withExposed { text -> ([UInt8]?, Bool) in
            let bytes = Hex.decode(text)
            let isHexadecimal = text.utf8.allSatisfy { Hex.decode("0\(UnicodeScalar($0))") != nil }
            return (text.utf8.count == 64 ? bytes : nil, text.utf8.count >= 32 && isHexadecimal)
        }
        if let bytes { return .key(SymmetricKey(copying: bytes)) }
        guard !isCutOff else {
            throw MigratezError(
                .keyDamaged, "the root key has hexadecimal digits only, but not 64 of them", remedy: .fixConfiguration,
                hint: "look at what staging.key refers to; a key is 64 digits, a passphrase has other characters too")
        }
        return .passphrase(secret)
    }

    private static func rootKey(_ secret: Secret, _ plan: PipelinePlan) throws(MigratezError) -> RootKey {
        // systemd guards the folder of its credentials, whose files may show the group's bits of an access list
        // (systemd.exec(5)); a file that the pipeline names is guarded by nobody but its own mode.
        if case .file(let path)? = plan.staging.key {
            try KeyFile.requireUnexposed(path.absolutePath(from: plan.folder))
        }
        return try rootKey(secret)
    }

    private func defaultRootKey() throws(MigratezError) -> RootKey {
        try requireNoSuccession()
        return .key(try KeyFile.load(rootKeyPath))
    }

    private func requireNoSuccession() throws(MigratezError) {
        guard KeyFile.succession(rootKeyPath) == .underWay else { return }
        throw MigratezError(
            .keyMissing, "a rotation of the root key was cut off, so some runs are under the next one already",
            remedy: .fixConfiguration, hint: "finish it: migratez keys rotate")
    }
}
