// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

/// What can be wrong with corrections that a person gives: numbers from 50 of the class CFG. They end a program with 65.
extension ErrorCode {
    package static let badCorrections = ErrorCode(.cfg, 50, "a file of corrections is not valid")
}
