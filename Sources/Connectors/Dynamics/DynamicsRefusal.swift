// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
package import MigratezModel
import MigratezTransport

/// A refusal as the Web API states it: `{"error":{"code":"0x80040217","message":"…"}}`.
package struct DynamicsRefusal: Error, Sendable, Equatable, CustomStringConvertible {
    package var status: Int
    /// In small letters; empty if the answer named none.
    package var vendorCode: String
    /// Dataverse's own words; they may quote values and must not leave the encrypted rejects.
    package var text: String

    package init(status: Int, vendorCode: String, text: String) {
        self.status = status
        self.vendorCode = vendorCode.lowercased()
        self.text = text
    }

    init(status: Int, body: [UInt8]) {
        let error = (try? JSONValue(parsing: body))?["error"]
        self.init(
            status: status, vendorCode: error?["code"]?.text ?? "", text: error?["message"]?.text ?? "")
    }

    init(_ response: HTTPResponse) { self.init(status: response.status, body: response.body) }

    /// Code and status only: the text may quote values.
    package var description: String { "status \(status)" + (vendorCode.isEmpty ? "" : ": \(vendorCode)") }

    var rule: DynamicsErrorRule { DynamicsErrorRule.rule(for: vendorCode, status: status) }

    /// Whether what was asked for is at fault, and not the moment, the token or the rights to the whole table.
    var isAboutRows: Bool { status < 500 && rule.triage.isAboutRows }

    /// The row's rejection. The text names the column in quotes, among other words.
    ///
    /// - Parameter columns: the names that a column may have.
    package func rejection(columns: Set<String>) -> Rejection {
        var named: [String] = []
        for word in text.split(whereSeparator: { "'\"".contains($0) }).map(String.init)
        where columns.contains(word) && !named.contains(word) {
            named.append(word)
        }
        return Rejection(
            rule.code, remedy: rule.remedy, fields: named, vendorCode: vendorCode.isEmpty ? "\(status)" : vendorCode,
            vendorText: text)
    }

    /// What it means for whoever made the request.
    func error(of request: HTTPRequest) -> MigratezError {
        if vendorCode.isEmpty {
            var error = MigratezError.refusal(of: request, HTTPResponse(status: status))
            error.cause = self
            return error
        }
        let rule = rule
        let isServers = status >= 500
        return MigratezError(
            isServers && rule.triage.isAboutRows ? .serverFailed : rule.code,
            "\(request): the service answers \(status) (\(vendorCode))",
            // Whoever meets this as an error has no row to reject.
            remedy: isServers ? .retry(after: nil) : rule.triage.isAboutRows ? .fixConfiguration : rule.remedy,
            hint: rule.code == .permissionMissing
                ? "give the application user the security role that the connector's documentation describes" : nil,
            cause: self)
    }
}

extension MigratezError {
    /// The refusal that led to this error, if one did.
    var refused: DynamicsRefusal? { cause as? DynamicsRefusal }
}
