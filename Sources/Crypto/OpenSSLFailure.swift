// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import COpenSSL
import MigratezModel

/// A failure that OpenSSL reports where none can come from the input: a lack of memory, a broken installation.
///
/// The error queue of the thread is emptied, and only OpenSSL's numeric code is kept: its texts may quote input.
func opensslFailure(_ verb: StaticString) -> MigratezError {
    let code = ERR_get_error()
    ERR_clear_error()
    return MigratezError(.internalError, "OpenSSL could not \(verb) (code \(code))")
}
