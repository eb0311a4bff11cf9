// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezModel
import MigratezPipeline
import MigratezTestKit
import MigratezTransport
import Synchronization
import Testing

/// Nobody listens at the address of a side, for some connections or until somebody starts it again.
@Suite(.serialized) struct `A side that is not there` {
    @Test(.timeLimit(.minutes(2)), arguments: ["/crm", "/services/data"])
    func `is asked again until it is`(_ side: String) async throws {
        try await move(missing: side, connections: 5) { failure, refused in
            #expect(failure == nil, "\(failure.map(String.init(describing:)) ?? "")")
            #expect(refused == 5)
        }
    }

    @Test(.timeLimit(.minutes(2)), arguments: ["/crm", "/services/data"])
    func `ends the run in the end, which goes on when it is back`(_ side: String) async throws {
        try await move(missing: side, connections: .max) { failure, refused in
            #expect(failure?.code == .unreachable, "\(failure.map(String.init(describing:)) ?? "")")
            #expect((5...200).contains(refused), "\(refused) connections")
        }
    }

    /// Moves everything while the first connections to a side are refused; `judge` gets what the run ended with and how
    /// many were refused. Then the side is there, and the run comes to its end.
    private func move(
        missing side: String, connections: Int, _ judge: (MigratezError?, _ refused: Int) -> Void
    ) async throws {
        let undisturbed = try await Undisturbed.shared.picture()
        let client = try AbsentSide(path: side)
        try await MainJobWorld.with(records: Undisturbed.records, http: client) { world in
            let (run, setup) = try await world.begin()
            client.refuse(connections)
            var failure: MigratezError?
            do {
                try await RunExecution(run, setup, progress: SilentProgress()).execute([.extract, .transform, .load])
            } catch let error as MigratezError { failure = error }
            judge(failure, client.refuse(0))
            try await run.close()
            if failure != nil { try await world.resume() }
            let picture = try OrgPicture(world.org)
            #expect(picture == undisturbed, "\(picture.differences(from: undisturbed))")
        }
    }
}

/// Sends requests whose path begins so to a port where nobody listens, as many as it is told.
private final class AbsentSide: HTTPClient {
    private let inner: CurlClient
    private let path: String
    /// A port that was given back.
    private let closed: String
    private let counts = Mutex((left: 0, refused: 0))

    init(path: String) throws {
        inner = try CurlClient(TransportConfiguration())
        self.path = path
        let server = try ScriptedServer()
        closed = server.url
        server.stop()
    }

    /// Refuses the next ones; how many were refused until now.
    @discardableResult
    func refuse(_ count: Int) -> Int {
        counts.withLock { counts in
            counts.left = count
            return counts.refused
        }
    }

    private func directed(_ request: HTTPRequest) -> HTTPRequest {
        guard let start = request.url.range(of: path)?.lowerBound else { return request }
        let isRefused = counts.withLock { counts in
            guard counts.left > 0 else { return false }
            counts.left -= 1
            counts.refused += 1
            return true
        }
        guard isRefused else { return request }
        var request = request
        request.url = closed + request.url[start...]
        return request
    }

    func send(_ request: HTTPRequest) async throws -> HTTPResponse { try await inner.send(directed(request)) }

    func stream(
        _ request: HTTPRequest, receive: (HTTPResponseHead) async throws -> Void,
        chunk: ([UInt8]) async throws -> Void
    ) async throws {
        try await inner.stream(directed(request), receive: receive, chunk: chunk)
    }
}
