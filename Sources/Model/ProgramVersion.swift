// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// The version of this program, as its commands, reports and requests tell it.
package enum ProgramVersion {
    package static let text = "0.1.0"
}
