// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import MigratezSimulatorKit
import Synchronization
import Testing

/// Answers with what it was asked, and remembers how often.
final class KitEchoService: SimulatorService {
    let served = Atomic<Int>(0)

    func respond(to request: SimulatorRequest) async -> SimulatorResponse {
        served.add(1, ordering: .relaxed)
        switch request.path.first {
        case "stream":
            let left = Mutex(["one ", "two ", "three"])
            return SimulatorResponse(
                body: .stream(length: nil) { left.withLock { $0.isEmpty ? nil : Array($0.removeFirst().utf8) } })
        case "length": return .text(String(request.body.count))
        case "empty": return .empty()
        default:
            let query = request.query.map { "\($0.name)=\($0.value)" }.joined(separator: ";")
            return .text("\(request.method.rawValue) \(request.path.joined(separator: "|")) \(query)")
        }
    }

    func route(of request: SimulatorRequest) -> SimulatorRoute {
        SimulatorRoute("\(request.method.rawValue) \(request.path.first ?? "")", isWrite: request.method != .get)
    }
}

@Suite struct `Simulator server` {
    /// Runs `body` against a server of its own.
    static func serving(
        _ configuration: SimulatorServer.Configuration = .init(),
        _ body: (SimulatorServer, KitEchoService) async throws -> Void
    ) async throws {
        let service = KitEchoService()
        try await SimulatorServer.run(service, configuration: configuration) { try await body($0, service) }
    }

    @Test func `requests that are sent ahead are answered in their order on one connection`() async throws {
        try await Self.serving { server, _ in
            let requests =
                (0..<20).map { "GET /a/\($0) HTTP/1.1\r\nHost: x\r\n\r\n" }.joined()
                + "GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            let reply = await KitRawConnection.exchange(Array(requests.utf8), port: server.port)
            let places = (0..<20).map { reply.text.firstRange(of: "GET a|\($0) ")?.lowerBound }
            #expect(places.allSatisfy { $0 != nil })
            #expect(places.compactMap { $0 } == places.compactMap { $0 }.sorted())
            #expect(reply.text.hasSuffix("GET last "))
            #expect(reply.ending == .closed)
        }
    }

    @Test(arguments: [0, 1, 999, 1000, 1001]) func `a body is taken whole up to the limit`(_ count: Int) async throws {
        var configuration = SimulatorServer.Configuration()
        configuration.bodyBytesMax = ByteCount(1000)
        try await Self.serving(configuration) { server, service in
            let reply = await KitRawConnection.send(
                "POST", "/length", body: Array(repeating: 7, count: count), port: server.port)
            #expect(reply.status == (count <= 1000 ? 200 : 413))
            if count <= 1000 { #expect(reply.body == String(count)) }
            #expect(service.served.load(ordering: .relaxed) == (count <= 1000 ? 1 : 0))
        }
    }

    @Test func `whoever expects it is told to go on with the body`() async throws {
        try await Self.serving { server, _ in
            let head = "POST /length HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
            let reply = await KitRawConnection.exchange(Array(head.utf8), port: server.port) { $0.count >= 12 }
            #expect(reply.text.hasPrefix("HTTP/1.1 100 Continue\r\n"))
        }
    }

    @Test func `a streamed answer without a length is chunked`() async throws {
        try await Self.serving { server, _ in
            let reply = await KitRawConnection.send("GET", "/stream", port: server.port)
            #expect(reply.text.lowercased().contains("transfer-encoding: chunked"))
            #expect(reply.body == "4\r\none \r\n4\r\ntwo \r\n5\r\nthree\r\n0\r\n\r\n")
        }
    }

    @Test func `an answer without content has no length`() async throws {
        try await Self.serving { server, _ in
            let reply = await KitRawConnection.send("DELETE", "/empty", port: server.port)
            #expect(reply.status == 204)
            #expect(!reply.text.lowercased().contains("content-length"))
        }
    }

    @Test func `paths and queries arrive decoded`() async throws {
        try await Self.serving { server, _ in
            let reply = await KitRawConnection.send("GET", "/a%2Fb/%C3%A9?x=1%2C2+3&y&z=%", port: server.port)
            #expect(reply.body == "GET a/b|é x=1,2 3;y=;z=%")
        }
    }

    @Test func `the journal counts routes, writes and statuses`() async throws {
        try await Self.serving { server, _ in
            _ = await KitRawConnection.send("GET", "/a", port: server.port)
            _ = await KitRawConnection.send("POST", "/a", port: server.port)
            _ = await KitRawConnection.send("GET", "/_simulator/state", port: server.port)
            let counts = server.journal.counts
            #expect(counts.requests == 2)
            #expect(counts.writes == 1)
            #expect(counts.byRoute == ["GET a": 1, "POST a": 1])
            #expect(counts.byStatus == [200: 2])
            let journal = await KitRawConnection.send("GET", "/_simulator/journal", port: server.port)
            let expected =
                #"{"requests":2,"writes":1,"routes":{"GET a":1,"POST a":1},"statuses":{"200":2},"faults":{},"#
                + #""under_way_max":1}"#
            #expect(journal.body == expected)
        }
    }
}
