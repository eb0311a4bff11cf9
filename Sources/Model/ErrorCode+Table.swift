// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// All codes, in the order of their classes. A number is never reused; its meaning may be worded better.
extension ErrorCode {
    // Configuration
    package static let invalidPipeline = ErrorCode(.cfg, 1, "the pipeline file is not valid")
    package static let invalidSetting = ErrorCode(.cfg, 2, "a setting is missing or not valid")
    package static let missingSecret = ErrorCode(.cfg, 3, "a secret that the pipeline refers to cannot be read")
    package static let notSupported = ErrorCode(.cfg, 4, "this is not supported yet")
    package static let fileNotFound = ErrorCode(.cfg, 5, "a file that was named does not exist or cannot be read")
    package static let runNotFound = ErrorCode(.cfg, 6, "there is no such run")
    package static let wrongRunState = ErrorCode(.cfg, 7, "the run is not in a state that allows this")
    package static let gateBreached = ErrorCode(.cfg, 8, "a gate of the pipeline is not met")
    package static let pipelineChanged = ErrorCode(.cfg, 9, "the pipeline file is not the one that the run began with")

    // The other side
    package static let credentialsRejected = ErrorCode(.auth, 1, "the credentials were refused")
    package static let accountChanged = ErrorCode(.auth, 2, "this is not the account that the run began with")
    package static let permissionMissing = ErrorCode(.perm, 1, "a right or scope is missing")
    package static let throttled = ErrorCode(.rate, 1, "the service asks to slow down")
    package static let quotaExhausted = ErrorCode(.quota, 1, "the allowance of requests is used up")
    package static let storageFull = ErrorCode(.quota, 2, "the destination has no storage left")
    package static let timeUsedUp = ErrorCode(.quota, 3, "the time that the run was given is used up")
    package static let objectsFull = ErrorCode(
        .quota, 4, "the destination takes no further objects of its account's own making")
    package static let unreachable = ErrorCode(.net, 1, "the service cannot be reached")
    package static let timedOut = ErrorCode(.net, 2, "the service did not answer in time")
    package static let brokenResponse = ErrorCode(.net, 3, "the answer broke off or is malformed")
    package static let serverFailed = ErrorCode(.net, 4, "the service failed")
    package static let responseTooLarge = ErrorCode(.net, 5, "the answer is larger than allowed")
    package static let untrustedServer = ErrorCode(.net, 6, "the server's certificate is not trusted")
    package static let insecureURL = ErrorCode(.net, 7, "plain http is allowed to loopback addresses only")
    package static let requestRefused = ErrorCode(.net, 8, "the service refused the request")
    package static let addressOutOfReach = ErrorCode(
        .net, 9, "the address is in a private network, which the connection does not allow")

    // Records
    package static let rowLocked = ErrorCode(.lock, 1, "the row or its parent is locked")
    package static let requiredFieldMissing = ErrorCode(.req, 1, "a required field has no value")
    package static let wrongType = ErrorCode(.type, 1, "a value has the wrong type")
    package static let tooLong = ErrorCode(.len, 1, "a value is too long")
    package static let contentTooLarge = ErrorCode(.len, 2, "a file is larger than the destination takes")
    package static let notInPicklist = ErrorCode(.pick, 1, "a value is not in the fixed list of the field")
    package static let valueNotMapped = ErrorCode(.pick, 2, "a value is not in the pipeline's value map")
    package static let duplicate = ErrorCode(.dup, 1, "the destination holds such a record already")
    package static let parentMissing = ErrorCode(.ref, 1, "a linked record does not exist in the source")
    package static let parentNotLoaded = ErrorCode(.ref, 2, "a linked record was not loaded")
    package static let ownerUnmatched = ErrorCode(.ref, 3, "the owner has no counterpart in the destination")
    package static let recordDeleted = ErrorCode(.ref, 4, "the record was deleted in the destination")
    package static let ownerInactive = ErrorCode(
        .ref, 5, "the destination does not let an inactive user own the record")
    package static let parentNotRead = ErrorCode(.ref, 6, "a linked record was not read, because the run is limited")
    package static let ruleViolated = ErrorCode(.rule, 1, "a rule of the destination refused the row")
    package static let mappingFailed = ErrorCode(.map, 1, "the mapping cannot be applied to the record")
    package static let unchanged = ErrorCode(.delta, 1, "nothing changed since the last run")
    package static let changedThere = ErrorCode(
        .delta, 2, "the destination was changed since the last run, and the pipeline lets that stand")
    package static let changedOnBothSides = ErrorCode(.delta, 3, "both sides were changed since the last run")
    package static let erasedOnRequest = ErrorCode(.subject, 1, "the record was erased at the request of its subject")
    package static let restrictedOnRequest = ErrorCode(
        .subject, 2, "the record is held back at the request of its subject")
    package static let malformedRecord = ErrorCode(.src, 1, "the source sent a malformed record")
    package static let cursorLoop = ErrorCode(.src, 2, "the source repeated a page")
    package static let countMismatch = ErrorCode(.src, 3, "the source's own total differs from what was read")
    package static let repeatedRecord = ErrorCode(.src, 4, "the source sent the same record twice")
    package static let contentUnavailable = ErrorCode(.src, 5, "the content of a file cannot be read")

    // Here
    package static let chunkCorrupt = ErrorCode(.stage, 1, "a staged chunk is damaged")
    package static let chunkAuthentication = ErrorCode(.stage, 2, "a staged chunk fails authentication")
    package static let chunkMismatch = ErrorCode(.stage, 3, "a staged chunk is not the one that was asked for")
    package static let invalidTransition = ErrorCode(.stage, 4, "the chunk's state does not allow this")
    package static let runBusy = ErrorCode(.stage, 5, "another process works on this run")
    package static let manifestTooNew = ErrorCode(.stage, 6, "the manifest was written by a newer version")
    package static let keyMissing = ErrorCode(.stage, 7, "a key is missing, destroyed or not accessible")
    package static let keyWrong = ErrorCode(.stage, 8, "the key does not open this run")
    package static let manifestDamaged = ErrorCode(.stage, 9, "the manifest is damaged")
    package static let limitExceeded = ErrorCode(.stage, 10, "a hard limit on staged data was exceeded")
    package static let shredIncomplete = ErrorCode(.stage, 11, "shredding could not be completed")
    package static let certificateInvalid = ErrorCode(.stage, 12, "the certificate is not valid")
    package static let chunkInterrupted = ErrorCode(.stage, 13, "the writing of a chunk was cut off")
    package static let keyExposed = ErrorCode(.stage, 14, "others than its owner may read or write a key file")
    package static let keyDamaged = ErrorCode(.stage, 15, "a key file or key slot is damaged")
    package static let auditFailed = ErrorCode(.stage, 16, "the audit log cannot be written, so nothing was done")
    package static let auditInvalid = ErrorCode(.stage, 17, "the audit log is not as it was written")
    package static let diskFull = ErrorCode(.disk, 1, "there is no space left")
    package static let diskFailed = ErrorCode(.disk, 2, "the disk or file system failed")
    package static let diskBudget = ErrorCode(.disk, 3, "the staging limit is too small for this")
    package static let internalError = ErrorCode(.bug, 1, "a defect in Migratez; please report it")

    /// Every code of this table, for explanations and for the check that none is used twice.
    package static let all: [ErrorCode] = [
        .invalidPipeline, .invalidSetting, .missingSecret, .notSupported, .fileNotFound, .runNotFound, .wrongRunState,
        .gateBreached, .pipelineChanged, .credentialsRejected, .accountChanged, .permissionMissing, .throttled,
        .quotaExhausted, .storageFull, .timeUsedUp, .objectsFull, .unreachable, .timedOut, .brokenResponse,
        .serverFailed,
        .responseTooLarge, .untrustedServer, .insecureURL, .requestRefused, .addressOutOfReach, .rowLocked,
        .requiredFieldMissing, .wrongType, .tooLong, .notInPicklist, .valueNotMapped, .duplicate, .parentMissing,
        .parentNotLoaded, .ownerUnmatched, .recordDeleted,
        .ownerInactive, .parentNotRead, .ruleViolated, .mappingFailed, .unchanged, .changedThere, .changedOnBothSides,
        .erasedOnRequest, .restrictedOnRequest, .malformedRecord, .cursorLoop, .countMismatch, .repeatedRecord,
        .contentUnavailable, .contentTooLarge,
        .chunkCorrupt, .chunkAuthentication, .chunkMismatch, .invalidTransition, .runBusy, .manifestTooNew,
        .keyMissing, .keyWrong, .manifestDamaged, .limitExceeded, .shredIncomplete, .certificateInvalid,
        .chunkInterrupted, .keyExposed, .keyDamaged, .auditFailed, .auditInvalid, .diskFull, .diskFailed, .diskBudget,
        .internalError,
    ]
}
