// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

/// A CRM, or files, to read from.
///
/// Contract:
/// - Calls are safe to repeat; a call never changes anything on the other side.
/// - A throttle, a broken connection or a server error that may pass is retried inside (by the transport's policies);
///   what comes out as an error is final for now, and its `remedy` says what may help.
/// - `readPage` with the same cursor gives the same records or later ones, never fewer of those that still exist.
/// - Cancellation is honoured at every await.
package protocol Source: Sendable {
    /// The connector's name, the first part of every row key: `hubspot`.
    var name: String { get }

    /// The objects with their fields, read from the other side. Only what `objects` names.
    func discover(_ objects: [StreamName]) async throws -> [ObjectSchema]

    /// The objects that this account has of its own, for people who look for what there is to move.
    ///
    /// - Throws: `permissionMissing` if whoever logs in may not see them.
    func ownObjects() async throws -> [OwnObject]

    /// The labels that links of this kind may have by the account's own definition; empty if there are none or the source
    /// cannot tell.
    func linkLabels(from: StreamName, to: StreamName) async throws -> [String]

    /// Where id and fields are in a record of the object.
    func layout(of object: StreamName) -> RecordLayout

    /// One page of records, in an order in which a cursor can go on.
    ///
    /// - Parameters:
    ///   - fields: the fields to bring; a source that always brings all may ignore it.
    ///   - cursor: where the page begins; `nil` = at the start.
    func readPage(of object: StreamName, fields: [String], after cursor: Cursor?) async throws -> Page

    /// Cuts the object into slices that are read side by side, each page after page from a cursor of its own.
    ///
    /// - Slices are disjoint, and together they hold every record of the object, those that are created later included:
    ///   the outermost ones are open. Where a record belongs must not change while it exists.
    /// - A cursor knows where its slice ends: `readPage` from there on names no next page behind the slice's last one.
    /// - Records come in the order of the slices, and within a slice in that of its pages. What counts as read first
    ///   is decided by that order, whichever slice is done first.
    ///
    /// A run asks once, when it begins with the object, and goes by the answer to its end.
    ///
    /// - Parameter atMost: how many slices are wanted, 2 or more. A source gives fewer where they would hold less than a
    ///   page each.
    /// - Returns: where each slice begins, at least two; none if the object is read in one piece, from its start.
    func slices(of object: StreamName, atMost: Int) async throws -> [Cursor]

    /// The source's own count of the object's records, if it can tell one that is exact.
    func count(of object: StreamName) async throws -> Int?

    /// About how many records the object has, for progress only: an index that lags behind will do.
    func estimatedCount(of object: StreamName) async throws -> Int?

    /// How many ids `readLinks` takes at most; `nil` if the source has no links of this kind.
    func linkBatchSize(from: StreamName, to: StreamName) -> Int?

    /// All links from the given records to records of `to`, read to their last page.
    ///
    /// - Parameter records: (id, raw record bytes); a file source finds its links in the record itself.
    func readLinks(
        from: StreamName, to: StreamName, of records: [(id: String, bytes: ArraySlice<UInt8>)]
    ) async throws -> [Edge]

    /// Hands on the bytes of a record's content as they arrive, from the first one each time, never held whole.
    ///
    /// - Parameters:
    ///   - record: the record as `readPage` gave it; an address that stands in it may be used.
    ///   - piece: takes the next bytes, at most 256 KiB of them; while it works, no more are asked for than the
    ///     connection holds.
    /// - Throws: `Rejection(.contentUnavailable)` if this content is gone or refused: the record is rejected, and the run
    ///   goes on. Whatever else is thrown is of the connection; what was handed on until then is then not the whole.
    func readContent(
        of object: StreamName, id: String, record: ArraySlice<UInt8>, piece: ([UInt8]) async throws -> Void
    ) async throws

    /// The people that records belong to, inactive ones too; empty if the source has none.
    func people() async throws -> [Person]

    /// Records by id, in no particular order, on one page that has no next one; an id that does not exist is absent.
    ///
    /// - Parameter ids: any number of them.
    func readRecords(of object: StreamName, ids: [String], fields: [String]) async throws -> Page

    /// What tells the account from every other one of its kind, whoever logs in: a portal's number, a folder.
    func identity() async throws -> String

    /// Who answers, as whom, with which rights and which allowances; the rights are held against what reading `objects`
    /// takes.
    ///
    /// - Throws: `unreachable`, `credentialsRejected` and their like. What else cannot be found out is in the report.
    func account(for objects: [StreamName]) async throws -> AccountReport

    /// Requests for reading so many records of the object, without its links.
    func estimatedCalls(reading object: StreamName, records: Int) -> [CallEstimate]

    /// Requests for reading the links of so many records of `from`.
    func estimatedCalls(linksFrom from: StreamName, to: StreamName, records: Int) -> [CallEstimate]

    /// Requests for reading the content of so many records.
    func estimatedCalls(readingContentOf object: StreamName, records: Int) -> [CallEstimate]

    /// Where a person can look at the record in a browser, if there is such a place.
    func recordAddress(of object: StreamName, id: String) async throws -> String?

    /// What holds its requests back, for progress and metrics; `nil` if nothing does.
    var limiter: RateLimiter? { get }
}

extension Source {
    package var limiter: RateLimiter? { nil }
    package func slices(of object: StreamName, atMost: Int) async throws -> [Cursor] { [] }
    package func ownObjects() async throws -> [OwnObject] { [] }
    package func linkLabels(from: StreamName, to: StreamName) async throws -> [String] { [] }
    package func estimatedCalls(reading object: StreamName, records: Int) -> [CallEstimate] { [] }
    package func estimatedCalls(linksFrom from: StreamName, to: StreamName, records: Int) -> [CallEstimate] { [] }
    package func estimatedCalls(readingContentOf object: StreamName, records: Int) -> [CallEstimate] {
        [CallEstimate("content \(object)", records)]
    }
    package func readContent(
        of object: StreamName, id: String, record: ArraySlice<UInt8>, piece: ([UInt8]) async throws -> Void
    ) async throws {
        throw MigratezError(
            .notSupported, "\(name) gives no content of \(object) records", remedy: .fixConfiguration,
            hint: "take the key content of the object out of the pipeline file")
    }
    package func recordAddress(of object: StreamName, id: String) async throws -> String? { nil }
    package func estimatedCount(of object: StreamName) async throws -> Int? { try await count(of: object) }
}

/// Somebody who can own records.
package struct Person: Sendable, Hashable {
    package var id: String
    package var email: String?
    package var isActive: Bool

    package init(id: String, email: String?, isActive: Bool) {
        self.id = id
        self.email = email
        self.isActive = isActive
    }
}
