// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel
import MigratezTransport

extension MigratezError {
    /// Whether the request may have been carried out although no usable answer came.
    package var leavesFateUnknown: Bool {
        switch code {
        case .serverFailed: true
        case .timedOut, .brokenResponse, .unreachable, .responseTooLarge: !isSurelyNotSent
        default: false
        }
    }
}
