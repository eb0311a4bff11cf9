# SPDX-License-Identifier: Apache-2.0
"""Bugs that somebody could write, each one change of one file: the tests must notice them."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Mutation:
    """`search` occurs exactly once in the file; `tests` are the targets that should notice, tried before all others."""

    name: str
    file: str
    search: str
    replace: str
    tests: tuple[str, ...]


def _of(name: str, file: str, search: str, replace: str, *tests: str) -> Mutation:
    return Mutation(name, f"Sources/{file}.swift", search, replace, tests)


MUTATIONS = [
    # Durability
    _of("a chunk is renamed without being synced", "Staging/Chunks/ChunkWriter",
        "        try file.sync()\n        try area.fileSystem.rename(", "        try area.fileSystem.rename(",
        "StagingTests"),
    _of("a chunk is renamed before it is synced", "Staging/Chunks/ChunkWriter",
        """        try flush()
        try file.sync()
        try area.fileSystem.rename(area.folder.temporaryFile(of: chunk), to: area.folder.file(of: chunk))
""", """        try flush()
        try area.fileSystem.rename(area.folder.temporaryFile(of: chunk), to: area.folder.file(of: chunk))
        try file.sync()
""", "StagingTests"),
    _of("the chunks' folder is not synced", "Staging/Chunks/ChunkWriter",
        "        try area.fileSystem.syncFolder(area.folder.chunks)\n", "", "StagingTests"),
    _of("a chunk is sealed before its key is durable", "Staging/Chunks/ChunkWriter",
        "        try area.ring.sync()\n        return summary", "        return summary", "StagingTests"),
    _of("a page is acknowledged before its chunk is durable", "Extract/RecordExtraction",
        """            _ = try await writer.seal { transaction, chunk in
                try change(transaction)
                try transaction.note(span, of: chunk)
            }""", """            try await staging.manifest.commit(change)
            _ = try await writer.seal { transaction, chunk in try transaction.note(span, of: chunk) }""",
        "ExtractTests"),
    _of("commits are not synced", "Staging/Manifest/Manifest",
        'sql: "PRAGMA synchronous = FULL"', 'sql: "PRAGMA synchronous = NORMAL"', "StagingTests"),
    # Keys and ciphers
    _of("chunk keys are wrapped under one nonce", "Staging/Keys/KeyRing",
        "let nonce = try randomBytes(ChaCha20Poly1305.nonceBytes)",
        "let nonce = [UInt8](repeating: 0, count: ChaCha20Poly1305.nonceBytes)", "StagingTests"),
    _of("a frame's nonce is used again", "ChunkFormat/Age/StreamCipher",
        "let second = (frames & 0xFF_FFFF) << 40", "let second = (frames & 0xFF_FFFE) << 40", "ChunkFormatTests"),
    _of("a wrong tag is let pass", "Crypto/ChaCha20Poly1305",
        "            if length > 0 { OPENSSL_cleanse(output.baseAddress, length) }\n            return false",
        "            return true", "CryptoTests", "ChunkFormatTests"),
    _of("the header's code is not checked", "ChunkFormat/Age/AgeReader",
        "guard header.isAuthentic(under: fileKey) else {",
        "guard header.isAuthentic(under: fileKey) || fileKey.count > 0 else {", "ChunkFormatTests"),
    _of("an earlier attempt passes for this one", "ChunkFormat/ChunkContext",
        '.\\(address.sequence).\\(attempt)"', '.\\(address.sequence).\\(min(attempt, 1))"', "ChunkFormatTests",
        "StagingTests"),
    _of("a destroyed key stays in its slot", "Staging/Keys/KeyRing",
        "        for slot in slots { try write(KeyRing.destroyed, slot: slot) }\n", "", "StagingTests"),
    # Shredding
    _of("deleted rows stay in the database file", "Staging/Manifest/Manifest",
        "PRAGMA secure_delete = ON", "PRAGMA secure_delete = OFF", "StagingTests"),
    _of("spent chunks are unlinked with their keys kept", "Staging/Shredding/EarlyShredding",
        "        try ring.destroy(slots: current.map(\\.slot))\n", "", "StagingTests"),
    _of("a run is certified with something left", "Staging/Shredding/Shredding",
        "        guard left.isEmpty else {", "        guard left.count < 1_000 else {", "StagingTests"),
    _of("a certificate's signature is not checked", "Staging/Shredding/CertificateFiles",
        "guard key.isValid(signature, of: bytes) else {",
        "guard key.isValid(signature, of: bytes) || !signature.isEmpty else {", "StagingTests"),
    # One owner, and what it finds
    _of("two processes own a run", "Staging/Files/RunLock",
        "flock(descriptor, LOCK_EX | LOCK_NB)", "flock(descriptor, LOCK_SH | LOCK_NB)", "StagingTests"),
    _of("half-written chunks stay after a crash", "Staging/Recovery",
        "        try await discardWriting(chunks.filter { $0.state == .writing }, &report)\n", "", "StagingTests"),
    _of("a run that was never noted is damaged", "Staging/Manifest/Manifest+Run",
        '.runNotFound, "the run was cut off', '.manifestDamaged, "the run was cut off',
        "StagingTests"),
    _of("a killed process's copy of a key stays", "Staging/Keys/KeyFile",
        "guard kill(process, 0) != 0, errno == ESRCH else", "guard kill(process, 0) != 0, errno == EPERM else",
        "StagingTests"),
    _of("a list of runs that cannot be read is empty", "Pipeline/Run/Workplace",
        "in try LocalFileSystem().list(folder) where", "in (try? LocalFileSystem().list(folder)) ?? [] where",
        "PipelineTests"),
    _of("a small reservation overtakes a large one", "Staging/Budget/DiskBudgetStateMachine",
        "guard waiting.isEmpty, used + bytes <= limit else {", "guard used + bytes <= limit else {", "StagingTests"),
    # Records
    _of("a stream is done after its first chunk", "Extract/RecordExtraction",
        "isLast ? .done : .running", ".done", "ExtractTests"),
    _of("links end at their first page", "Connectors/HubSpot/LinkReader",
        "open.append(LinkPlace(id: id, after: after))", "_ = LinkPlace(id: id, after: after)", "HubSpotConnectorTests"),
    _of("a merged record's alias is forgotten", "Transform/Links/LinkTargets",
        "UInt64(row.survivor ?? row.ordinal)", "UInt64(row.ordinal)", "TransformTests"),
    _of("a survivor's blank fields stay blank", "Transform/Dedupe/GroupMerge",
        "if rules[position] == .survivor, let own, !Self.isBlank(own) {", "if rules[position] == .survivor, let own {",
        "TransformTests"),
    _of("a skipped record counts as created", "Load/ChunkLoad",
        "outcome: .skipped, code: code,", "outcome: .created, code: code,", "LoadTests"),
    _of("what is in doubt is sent again blindly", "Staging/Manifest/Manifest+Batches",
        "states: Set<BatchState> = [.open, .ambiguous]", "states: Set<BatchState> = [.open]", "LoadTests"),
    _of("receipts are joined by their position", "Model/JoinedReceipts",
        "receipts.count == count, receipts.indices.allSatisfy({ receipts[$0].key == key($0) })",
        "receipts.count == count", "LoadTests"),
    # The other side
    _of("a write whose fate is unknown is repeated", "ConnectorKit/Policies/RetryingClient",
        "isAllowed: request.isIdempotent || error.isSurelyNotSent)", "isAllowed: true)", "ConnectorKitTests"),
    _of("seconds to wait are taken for milliseconds", "ConnectorKit/Policies/RetryAfter",
        "Int64(seconds * 1000)", "Int64(seconds)", "ConnectorKitTests"),
    _of("servers are trusted without a certificate", "Transport/CurlTransfer+Options",
        "set(CURLOPT_SSL_VERIFYPEER, 1)", "set(CURLOPT_SSL_VERIFYPEER, 0)", "TransportTests"),
    # Proof
    _of("texts agree by their length", "Pipeline/Verify/FieldComparison",
        "return trimmed(sentText) == trimmed(heldText)", "return trimmed(sentText).count == trimmed(heldText).count",
        "PipelineTests"),
    _of("an undo deletes what somebody has edited", "Pipeline/Undo/UndoEntry",
        "if !change.isOurs { return true }", "if !change.isOurs { return false }", "PipelineTests"),
]
