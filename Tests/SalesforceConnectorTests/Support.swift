// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import FoundationEssentials
import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezSalesforceConnector
import MigratezTestKit
import MigratezTransport
import Synchronization

func readFile(_ path: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: path))) }

/// One client for all tests, as a process has one.
let sharedClient = Result { () throws(MigratezError) in try CurlClient() }

/// A destination at a loopback address that logs in with a refresh token.
func makeDestination(
    _ url: String, clock: any WallClock = ManualClock(advancesBySleeping: true), _ more: [String: String] = [:],
    secrets: [String: Secret] = ["auth.refresh_token": Secret("refresh-CANARY")]
) throws -> SalesforceDestination {
    var texts = ["base_url": url, "auth.kind": "refresh", "auth.client_id": "client"]
    texts.merge(more) { $1 }
    return try SalesforceDestination(
        settings: ConnectorSettings(texts: texts, secrets: secrets), http: sharedClient.get(), clock: clock)
}

/// Remembers what a connector noted.
final class RecordedIntent: WriteIntent {
    private let noted = Mutex<[String]>([])
    var notes: [String] { noted.withLock { $0 } }
    func note(_ note: String) async throws { noted.withLock { $0.append(note) } }
}

extension Batch.Row {
    /// A row from a JSON value.
    init(
        _ key: String, _ fields: JSONValue, references: [Batch.Reference] = [], targetID: String? = nil
    ) {
        self.init(key: key, fields: fields.serialized(), references: references, targetID: targetID)
    }
}

extension Receipt {
    /// The id that the record has in the destination, if it was written.
    var id: String? {
        switch result {
        case .created(let id), .updated(let id): id
        case .rejected: nil
        }
    }

    var rejection: Rejection? {
        if case .rejected(let rejection) = result { rejection } else { nil }
    }

    /// `created`, `updated` or the code.
    var word: String {
        switch result {
        case .created: "created"
        case .updated: "updated"
        case .rejected(let rejection): rejection.code.description
        }
    }
}

/// How often each word stands in a list.
func tally(_ receipts: [Receipt]) -> [String: Int] {
    Dictionary(receipts.map { ($0.word, 1) }, uniquingKeysWith: +)
}
