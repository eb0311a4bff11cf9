// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import MigratezPipeline
import MigratezStaging
import Synchronization

/// Keeps account of commands that ended because somebody was not let in.
enum FailedAuthentication {
    private static let shared = Mutex<Workplace?>(nil)

    /// Where the command works, as soon as that is known; nobody is let in or refused before.
    static var workplace: Workplace? {
        get { shared.withLock { $0 } }
        set { shared.withLock { $0 = newValue } }
    }

    /// Notes the error in the audit log if it is such a one. The command has failed already, so a log that cannot be
    /// written is a second error beside the first.
    static func note(_ error: MigratezError) {
        guard error.code.class == .auth || error.code == .keyWrong, let workplace else { return }
        do throws(MigratezError) {
            try workplace.audit(.failedAuthentication, code: error.code)
        } catch {
            Console().fail(error)
        }
    }
}
