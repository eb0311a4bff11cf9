// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

/// Why no complete answer came, and what that means for the request; the `cause` of the transport's errors.
package struct TransportFailure: Error, Sendable, Hashable, CustomStringConvertible {
    /// How far the request got.
    package enum Stage: Sendable, Hashable {
        /// Not a byte of the request left this machine: it was certainly not carried out.
        case notSent
        /// It was sent, in part or whole, and no answer came: it may have been carried out or not.
        case fateUnknown
        /// An answer began with this status and broke off.
        case partialAnswer(status: Int)
    }

    package var stage: Stage
    /// libcurl's number for the failure (curl.haxx.se/libcurl/c/libcurl-errors.html); 0 if the transport itself refused.
    package var curlCode: Int

    package init(stage: Stage, curlCode: Int = 0) {
        self.stage = stage
        self.curlCode = curlCode
    }

    package var description: String {
        let code = curlCode == 0 ? "" : ", curl \(curlCode)"
        switch stage {
        case .notSent: return "the request was not sent\(code)"
        case .fateUnknown: return "sent, but no answer came\(code)"
        case .partialAnswer(let status): return "the answer (\(status)) broke off\(code)"
        }
    }
}

extension MigratezError {
    /// The transport's failure that led to this error, if one did.
    package var transportFailure: TransportFailure? {
        var next = cause
        while let error = next {
            if let failure = error as? TransportFailure { return failure }
            next = (error as? MigratezError)?.cause
        }
        return nil
    }

    /// Whether the request certainly was not carried out because it never left this machine.
    package var isSurelyNotSent: Bool { transportFailure?.stage == .notSent }
}
