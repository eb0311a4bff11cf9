// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezSimulatorKit

/// A request that is refused, in the vendor's words: `{"status":"error","message",…,"category"}`.
struct HubSpotFailure: Error, Sendable {
    var status: Int
    var category: String
    var message: String
    var subCategory: String?
    /// Ids or names that the failure is about, each a list: `{"ids":["1"]}`.
    var context: [(key: String, values: [String])] = []
    /// Set for a limit on requests, whose body has another shape.
    var policy: Policy?

    /// The limits on requests, as `policyName` has them.
    enum Policy: String, Sendable {
        case tenSecondly = "TEN_SECONDLY_ROLLING"
        case secondly = "SECONDLY"
        case daily = "DAILY"

        var words: String {
            switch self {
            case .tenSecondly: "ten_secondly_rolling"
            case .secondly: "secondly"
            case .daily: "daily"
            }
        }
    }

    init(
        _ status: Int, _ category: String, _ message: String, subCategory: String? = nil,
        context: [(key: String, values: [String])] = []
    ) {
        self.status = status
        self.category = category
        self.message = message
        self.subCategory = subCategory
        self.context = context
    }

    static func invalid(_ message: String) -> HubSpotFailure { HubSpotFailure(400, "VALIDATION_ERROR", message) }

    static func notFound(_ object: ObjectType, _ ids: [String]) -> HubSpotFailure {
        HubSpotFailure(
            404, "OBJECT_NOT_FOUND", "Object not found.  objectId are usually numeric. (\(object.upper))",
            context: [("ids", ids)])
    }

    static func rateLimit(_ policy: Policy) -> HubSpotFailure {
        var failure = HubSpotFailure(429, "RATE_LIMITS", "You have reached your \(policy.words) limit.")
        failure.policy = policy
        return failure
    }

    func response(correlation: UInt64) -> SimulatorResponse {
        var writer = JSONWriter()
        writer.beginObject()
        member("status", "error", &writer)
        member("message", message, &writer)
        if let policy {
            member("errorType", "RATE_LIMIT", &writer)
            member("policyName", policy.rawValue, &writer)
        } else {
            let digits = String(correlation, radix: 16)
            member(
                "correlationId",
                "00000000-0000-4000-8000-" + String(repeating: "0", count: 12 - digits.utf8.count) + digits, &writer)
            member("category", category, &writer)
            writeDetails(&writer)
        }
        writer.endObject()
        return .json(writer.bytes, status: status)
    }

    /// As an entry of `errors` in a 207, with further context such as the trace id.
    func write(to writer: inout JSONWriter, adding more: [(key: String, values: [String])] = []) {
        writer.beginObject()
        member("status", "error", &writer)
        member("category", category, &writer)
        member("message", message, &writer)
        var failure = self
        failure.context += more
        failure.writeDetails(&writer)
        writer.endObject()
    }

    private func writeDetails(_ writer: inout JSONWriter) {
        if let subCategory { member("subCategory", subCategory, &writer) }
        guard !context.isEmpty else { return }
        writer.key("context")
        writer.beginObject()
        for (key, values) in context {
            writer.key(key)
            writer.beginArray()
            for value in values { writer.string(value) }
            writer.endArray()
        }
        writer.endObject()
    }

    private func member(_ key: String, _ value: String, _ writer: inout JSONWriter) {
        writer.key(key)
        writer.string(value)
    }
}
