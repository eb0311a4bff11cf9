// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezConnectorKit
package import MigratezModel

/// An account that a source connector reads, with the truth about what it holds.
package protocol SourceSubject: Sendable {
    /// A new source for the same account, as another process would make it.
    func makeSource() throws -> any Source
    var sourceCapabilities: SourceCapabilities { get }

    /// What the account holds: more than one page of at least one object, and values that are easily spoiled.
    var streams: [ExpectedStream] { get }
    /// Links, some of them more than fit into one answer where the vendor cuts answers.
    var links: [ExpectedLinks] { get }
    /// Two objects that nothing links, if the source can say so.
    var unlinked: (from: StreamName, to: StreamName)? { get }
    /// How many people there are, inactive ones too.
    var peopleCount: Int { get }
    /// Objects whose records have content; none unless the connector says that it moves files.
    var contents: [ExpectedContents] { get }
    /// Who works in the account meanwhile; nil if the test's account cannot be changed. Of a source that cuts objects into
    /// slices there must be one, of an object that is cut.
    var editor: AccountEditor? { get }
}

extension SourceSubject {
    package var contents: [ExpectedContents] { [] }
}

/// The contents of an object's records.
package struct ExpectedContents: Sendable {
    package var stream: StreamName
    /// SHA-256 of each content, by the id of its record: empty ones, small ones, and some of more than one piece.
    package var digests: [String: [UInt8]]
    /// Records whose content the account does not give.
    package var unavailable: Set<String>

    package init(_ stream: StreamName, digests: [String: [UInt8]], unavailable: Set<String> = []) {
        self.stream = stream
        self.digests = digests
        self.unavailable = unavailable
    }
}

/// A source behind a network.
package protocol RemoteSourceSubject: SourceSubject, RemoteSubject {
    /// Makes the token that the source has worthless.
    func expireToken() async throws
    /// Uses up the day's requests.
    func exhaustQuota() async throws
    /// How many requests so far would have changed something.
    var writes: Int { get }
}

/// One object with its records.
package struct ExpectedStream: Sendable {
    package var stream: StreamName
    /// Each record's values by field, by id; `nil` = no value.
    package var records: [String: [String: String?]]

    package init(_ stream: StreamName, records: [String: [String: String?]]) {
        self.stream = stream
        self.records = records
    }

    var fields: [String] { Set(records.values.flatMap(\.keys)).sorted() }
}

/// The links between two objects.
package struct ExpectedLinks: Sendable {
    package var from: StreamName
    package var to: StreamName
    package var edges: Set<Edge>

    package init(from: StreamName, to: StreamName, edges: Set<Edge>) {
        self.from = from
        self.to = to
        self.edges = edges
    }
}
