// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import ArgumentParser
import MigratezModel
import MigratezPipeline

/// The exit codes; scripts may rely on them. Where `sysexits.h` has a number for the case, it is that number.
extension ExitCode {
    /// Done, but differences exist (`verify`, `plan --detailed-exitcode`).
    static let differences = ExitCode(2)
    /// Done, some records are quarantined.
    static let quarantined = ExitCode(3)
    /// Stopped by a gate; the state is saved, `resume` works.
    static let gate = ExitCode(4)
    /// The pipeline file or its mapping is not valid.
    static let invalidPipeline = ExitCode(65)
    /// Source or target cannot be reached.
    static let unreachable = ExitCode(69)
    /// A defect in Migratez itself.
    static let internalError = ExitCode(70)
    /// The local disk or staged data failed.
    static let stagingFailed = ExitCode(74)
    /// The allowance of requests is used up; `resume` later.
    static let tryLater = ExitCode(75)
    /// Credentials or rights were refused.
    static let refused = ExitCode(77)
    /// A setting or secret is missing.
    static let configurationMissing = ExitCode(78)
    /// Interrupted with Ctrl-C (143: by SIGTERM); the state is saved.
    static let interrupted = ExitCode(130)

    /// The table for `--help`.
    static let table = """
        EXIT CODES
          0  all done                             65  pipeline file not valid
          1  failed                               69  source or target unreachable
          2  done, differences exist              70  internal error, please report
          3  done, some records quarantined       74  local disk or staging error
          4  stopped by a gate, resume works      75  allowance used up, resume later
         64  wrong usage                          77  credentials refused
        130  interrupted, state saved             78  setting or secret missing
        143  ended by SIGTERM, state saved
        """

    /// The code for how work on a run ended.
    ///
    /// - Parameter signal: which one interrupted it, if one did.
    init(_ end: SessionEnd, signal: Int32?) {
        self =
            switch end {
            case .done(let rejected): rejected == 0 ? .success : .quarantined
            case .stopped(.paused): .gate
            case .stopped(.cancelled): .failure
            case .interrupted: signal.map { Interruption(signal: $0).exitCode } ?? .interrupted
            case .failed(let error): ExitCode(error)
            }
    }

    /// The code for an error that ended a command.
    init(_ error: MigratezError) {
        self =
            switch error.code.class {
            case .cfg:
                switch error.code {
                case .invalidPipeline, .pipelineChanged, .badCorrections: .invalidPipeline
                case .gateBreached: .gate
                case .invalidSetting, .missingSecret, .fileNotFound: .configurationMissing
                // What can be wrong with a pipeline file, or with a plan made of one (`ErrorCode+PipelineFile`).
                case _ where (10...49).contains(error.code.number): .invalidPipeline
                default: .failure
                }
            case .auth, .perm: .refused
            case .rate, .quota: .tryLater
            // It answered, and it answered no.
            case .net: error.code == .requestRefused ? .failure : .unreachable
            case .stage, .disk: .stagingFailed
            case .bug: .internalError
            case .lock, .req, .type, .len, .pick, .dup, .ref, .rule, .map, .delta, .subject, .src:
                .failure
            }
    }
}
