// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezPipeline
import MigratezSimulatorKit
import MigratezStaging
import MigratezSyntheticCRM
import MigratezTestKit
import MigratezTransport
import Synchronization
import Testing

/// Lists that do not lead from their first page to their last one, and sources that change while they are read.
@Suite(.serialized) struct `Paging` {
    /// Small pages, so that there is something between them.
    private static func inSmallPages(_ text: String) -> String {
        text.replacing("connector: hubspot\n", with: "connector: hubspot\n  page_size: 10\n")
    }

    // MARK: Cursors

    @Test(.timeLimit(.minutes(2)), arguments: ["page-again*1", "page-again=1", "first-page*1", "first-page=1"])
    func `that repeats or goes in a circle ends the run, and nothing comes twice`(_ rule: String) async throws {
        let undisturbed = try await Undisturbed.shared.picture()
        try await MainJobWorld.with(
            records: Undisturbed.records, sourceFaults: "\(rule)@/crm/v3/objects/contacts", edit: Self.inSmallPages
        ) { world in
            let (run, setup) = try await world.begin()
            let failure = await #expect(throws: MigratezError.self) {
                try await RunExecution(run, setup, progress: SilentProgress()).execute([.extract, .transform, .load])
            }
            #expect(failure?.code == .cursorLoop, "\(failure.map(String.init(describing:)) ?? "")")
            #expect(world.hubspot.journal.counts.requests < 500, "a circle is left")
            try await run.close()
            world.hubspot.faults.replace(with: FaultPlan())
            try await world.resume()
            let picture = try OrgPicture(world.org)
            #expect(picture == undisturbed, "\(picture.differences(from: undisturbed))")
        }
    }

    @Test(.timeLimit(.minutes(1))) func `at a cursor that has expired says so, each time`() async throws {
        try await MainJobWorld.with(records: Undisturbed.records, edit: Self.inSmallPages) { world in
            let (run, setup) = try await world.begin()
            world.hubspot.faults.replace(with: try FaultPlan(parsing: "status:400=1@/crm/v3/objects/contacts"))
            for _ in 0..<2 {
                let failure = await #expect(throws: MigratezError.self) {
                    try await RunExecution(run, setup, progress: SilentProgress()).execute([.extract])
                }
                #expect(failure?.code == .requestRefused)
            }
            try await run.close()
            world.hubspot.faults.replace(with: FaultPlan())
            try await world.resume()
            let (picture, undisturbed) = (try OrgPicture(world.org), try await Undisturbed.shared.picture())
            #expect(picture == undisturbed, "\(picture.differences(from: undisturbed))")
        }
    }

    // MARK: Changes between two pages

    /// What somebody does to contacts of which some were read and some were not.
    enum Change: String, CaseIterable, Sendable { case insert, update, delete, merge, all }

    @Test(.timeLimit(.minutes(2)), arguments: Change.allCases)
    func `while somebody works in the source loses and doubles nothing, and the next run brings the rest`(
        _ change: Change
    ) async throws {
        let follows: (String) -> String = {
            Self.inSmallPages($0).replacing(
                "verify:", with: "delta: { on_delete: delete, deletions: \"<= 50%\" }\nverify:")
        }
        try await MainJobWorld.with(records: 400, edit: follows) { world in
            let editor = SourceEditor(world)
            let ids = editor.ids(.contact, 1_000)
            try #require(ids.count > 60)
            let busy = BetweenPages(world.workplace.http, of: "/crm/v3/objects/contacts", after: 3) {
                try await Self.apply(change, editor, read: Array(ids.prefix(10)), unread: Array(ids.suffix(10)))
            }
            var workplace = world.workplace
            workplace.http = busy
            let connection = try await PlanConnection.open(world.pipeline, in: workplace)
            let setup = try await RunSetup.discover(
                connection.plan, source: connection.source, destination: connection.destination)
            let run = try await Run.begin(connection, in: workplace) { _ in }
            try await RunExecution(run, setup, progress: SilentProgress()).execute([.extract, .transform, .load])
            #expect(busy.isDone)
            for balance in try await run.staging.manifest.read({ try $0.reconciliation() }) {
                #expect(balance.isClosed, "\(balance.stream.name)")
            }
            let picture = try OrgPicture(world.org)
            for (object, keys) in picture.ids {
                #expect(
                    Set(keys.values).count == keys.count && picture.records[object]?.count == keys.count, "\(object)")
            }
            try await run.close()
            // What was changed behind the reader's back is brought by the next run: then all is as in the source.
            try await world.goOn().close()
            let (caughtUp, expected) = (try OrgPicture(world.org), try await world.wholeRunElsewhere())
            #expect(caughtUp == expected, "\(caughtUp.differences(from: expected).joined(separator: "\n"))")
        }
    }

    private static func apply(
        _ change: Change, _ editor: SourceEditor, read: [String], unread: [String]
    ) async throws {
        let isAll = change == .all
        if isAll || change == .insert {
            for number in 0..<3 {
                try await editor.create(
                    "contacts", ["lastname": .string("Late \(number)"), "email": .string("late.\(number)@acme.test")])
            }
        }
        if isAll || change == .update {
            for id in [read[0], unread[0]] { try await editor.change("contacts", id, ["jobtitle": "Between pages"]) }
        }
        if isAll || change == .delete {
            for id in [read[1], unread[1]] { try await editor.archive("contacts", id) }
        }
        if isAll || change == .merge {
            try await editor.merge("contacts", read[2], into: unread[2])
            try await editor.merge("contacts", unread[3], into: read[3])
            try await editor.merge("contacts", read[4], into: read[5])
        }
    }
}

/// Lets somebody do something after so many pages of a list were read, before the next one is.
private final class BetweenPages: HTTPClient {
    private let inner: any HTTPClient
    private let path: String
    private let pages: Int
    private let work: @Sendable () async throws -> Void
    private let count = Mutex(0)

    init(
        _ inner: any HTTPClient, of path: String, after pages: Int, _ work: @escaping @Sendable () async throws -> Void
    ) {
        self.inner = inner
        self.path = path
        self.pages = pages
        self.work = work
    }

    var isDone: Bool { count.withLock { $0 > pages } }

    private func visit(_ request: HTTPRequest) async throws {
        guard request.method == .get, request.url.contains(path + "?") else { return }
        let number = count.withLock { count in
            count += 1
            return count
        }
        if number == pages + 1 { try await work() }
    }

    func send(_ request: HTTPRequest) async throws -> HTTPResponse {
        try await visit(request)
        return try await inner.send(request)
    }

    func stream(
        _ request: HTTPRequest, receive: (HTTPResponseHead) async throws -> Void,
        chunk: ([UInt8]) async throws -> Void
    ) async throws {
        try await visit(request)
        try await inner.stream(request, receive: receive, chunk: chunk)
    }
}
