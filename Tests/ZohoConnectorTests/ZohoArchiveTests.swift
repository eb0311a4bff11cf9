// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezTestKit
import MigratezTransport
import MigratezZohoConnector
import Testing

/// Archives that a bulk read may get, in every form that writers of zip files give them, and in none.
@Suite struct `An archive of a bulk read` {
    private static let csv = "Id,Email,Modified_Time\n1,a@x.test,2026-01-01T10:00:00+05:30\n2,,\n"

    /// An archive, put together by hand.
    private struct Archive {
        var method: UInt16 = 8
        var flags: UInt16 = 0
        var crc: UInt32?
        var plainSize: Int?
        var extra: [UInt8] = []
        var members = 1
        var hasSignature = true
        var isCut = false
        var plain = Array(csv.utf8)

        var bytes: [UInt8] {
            // What is deflated, without the ten bytes before it and the eight behind it (RFC 1952).
            let gzip = Packing.gzip.pack(plain)
            let content = method == 0 ? plain : Array(gzip[10..<gzip.count - 8])
            let told = gzip.suffix(8).prefix(4).enumerated().reduce(UInt32(0)) {
                $0 | UInt32($1.1) << (8 * UInt32($1.0))
            }
            let facts = four(crc ?? told) + four(UInt32(content.count)) + four(UInt32(plainSize ?? plain.count))
            let follows = flags & 8 != 0
            let name = Array("1.csv".utf8)
            let head = [20, 0] + two(flags) + two(method) + [0, 0, 0, 0]
            let lengths = two(UInt16(name.count)) + two(UInt16(extra.count))
            var member = four(0x0403_4B50) + head + (follows ? [UInt8](repeating: 0, count: 12) : facts) + lengths
            member += name + extra + content
            if follows { member += (hasSignature ? four(0x0807_4B50) : []) + facts }
            let entry =
                four(0x0201_4B50) + [20, 0] + head + facts + lengths + [UInt8](repeating: 0, count: 14) + name + extra
            let all = (0..<members).flatMap { _ in member } + (0..<members).flatMap { _ in entry }
            let end = four(0x0605_4B50) + [0, 0, 0, 0, 1, 0, 1, 0] + four(0) + four(0) + [0, 0]
            return isCut ? Array(all.dropLast(20)) : all + end
        }

        private func two(_ number: UInt16) -> [UInt8] { [UInt8(number & 0xFF), UInt8(number >> 8)] }
        private func four(_ number: UInt32) -> [UInt8] { (0..<4).map { UInt8(number >> (8 * UInt32($0)) & 0xFF) } }
    }

    private static let place = "/crm/bulk/v8/read/7/result"

    /// An organisation that has one job, whose result is those bytes.
    private func organisation(_ archive: [UInt8], records: Int, place: String) -> StubHTTPClient {
        StubHTTPClient { request, _ in
            let path = request.url.split(separator: "?")[0]
            func answer(_ json: JSONValue) -> HTTPResponse { HTTPResponse(status: 200, body: json.serialized()) }
            if path.hasSuffix("/token") { return answer(["access_token": "t", "expires_in": 3600]) }
            if path.hasSuffix("/settings/modules") { return answer(["modules": [["api_name": "Contacts"]]]) }
            if path.hasSuffix("/settings/fields") {
                let types = [("id", "bigint"), ("Email", "email"), ("Modified_Time", "datetime")]
                return answer([
                    "fields": .array(types.map { ["api_name": .string($0.0), "data_type": .string($0.1)] })
                ])
            }
            if path.hasSuffix("/read") { return answer(["data": [["details": ["id": "7"]]]]) }
            if path.hasSuffix("/result") { return HTTPResponse(status: 200, body: archive) }
            let result: JSONValue = [
                "count": .number(String(records)), "more_records": false,
                "download_url": .string(place),
            ]
            return answer(["data": [["state": "COMPLETED", "result": result]]])
        }
    }

    /// The records that come of a result with those bytes.
    private func read(_ archive: [UInt8], records: Int = 2) async throws -> [JSONValue] {
        try await read(organisation(archive, records: records, place: Self.place))
    }

    private func read(_ http: StubHTTPClient) async throws -> [JSONValue] {
        let settings = ConnectorSettings(
            texts: ["base_url": "http://127.0.0.1:1", "auth.client_id": "c", "extract.api": "bulk"],
            secrets: ZohoOrg.secrets)
        let source = try ZohoSource(settings: settings, http: http, clock: ManualClock(advancesBySleeping: true))
        let page = try await source.readPage(of: StreamName("Contacts")!, fields: ["Email"], after: nil)
        return try page.records.map { try JSONValue(parsing: Array(page.bytes[$0])) }
    }

    private static let good = [
        Archive(), Archive(method: 0), Archive(flags: 8), Archive(flags: 8, hasSignature: false),
        Archive(extra: [0x55, 0x54, 1, 0, 0]), Archive(flags: 0x808),
    ].map(\.bytes)

    @Test(arguments: good.indices) func `is read in each of its forms`(_ index: Int) async throws {
        let records = try await read(Self.good[index])
        #expect(
            records == [
                ["id": "1", "Email": "a@x.test", "Modified_Time": "2026-01-01T10:00:00+05:30"],
                ["id": "2", "Email": .null, "Modified_Time": .null],
            ])
    }

    private static let bad =
        [
            Archive(crc: 1), Archive(flags: 8, crc: 1), Archive(plainSize: 5), Archive(method: 0, flags: 8),
            Archive(flags: 1), Archive(method: 12), Archive(members: 2), Archive(isCut: true),
        ].map(\.bytes) + [[], Array(Archive().bytes.prefix(40)), Array("<html>Sign in</html>".utf8)]

    @Test(arguments: bad.indices) func `that is damaged or another thing is refused`(_ index: Int) async throws {
        let error = await #expect(throws: MigratezError.self) { _ = try await read(Self.bad[index]) }
        #expect(error?.code == .brokenResponse && error?.message.contains("zip") == true)
    }

    @Test func `that unpacks to much more than it can hold is refused in bounded memory`() async throws {
        let bomb = Archive(plain: [UInt8](repeating: 0x20, count: 48 << 20)).bytes
        #expect(bomb.count < 64 << 10)
        let error = await #expect(throws: MigratezError.self) { _ = try await read(bomb) }
        #expect(error?.code == .brokenResponse && error?.message.contains("names") == true)
    }

    @Test func `at an address that is none of Zoho's is not asked for`() async throws {
        for place in ["https://zoho.com.example.test/7.zip", "https://evilzoho.com/7.zip", "http://127.0.0.1:2/7.zip"] {
            let http = organisation(Archive().bytes, records: 2, place: place)
            let error = await #expect(throws: MigratezError.self) { _ = try await read(http) }
            #expect(error?.code == .brokenResponse && error?.remedy == .stop)
            #expect(!http.requests.contains { $0.url.contains("7.zip") })
        }
    }

    @Test func `with fewer records than were told is refused`() async throws {
        let error = await #expect(throws: MigratezError.self) { _ = try await read(Archive().bytes, records: 3) }
        #expect(error?.code == .brokenResponse)
    }
}
