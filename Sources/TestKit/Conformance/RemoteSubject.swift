// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

/// What both sides of a connector that works through a network say of the vendor.
package protocol RemoteSubject: Sendable {
    /// Whether the vendor's headers tell how much of a day's allowance is used.
    var tellsDailyUse: Bool { get }
    /// Makes the next requests that read or write records go wrong.
    func inject(_ fault: ConformanceFault, times: Int)
    /// The same for requests that read or write contents.
    func injectIntoContents(_ fault: ConformanceFault, times: Int)
}

extension RemoteSubject {
    package var tellsDailyUse: Bool { true }
    package func injectIntoContents(_ fault: ConformanceFault, times: Int) { inject(fault, times: times) }
}
