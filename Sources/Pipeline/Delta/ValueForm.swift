// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezLoad
import MigratezStaging

extension LoadDelta {
    /// A load that goes on from a baseline; values are compared as `FieldComparison` compares them.
    init(_ baseline: Baseline) {
        self.init(baseline) { value in
            guard let form = value.flatMap({ FieldComparison.canonical($0) }) else { return .blank }
            return baseline.fingerprint(of: form)
        }
    }
}
