// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezJSON
import MigratezModel
import MigratezSingerConnector
import MigratezTestKit
import Testing

/// Targets that behave, and targets that do not.
@Suite struct `A target` {
    private func batch(
        _ numbers: ClosedRange<Int>, _ fields: (Int) -> String = { #"{"name":"Person \#($0)"}"# }
    ) -> Batch {
        Batch(object: "person", rows: numbers.map { Batch.Row(key: "k-\($0)", fields: Array(fields($0).utf8)) })
    }

    private func write(
        _ batch: Batch, to destination: SingerDestination, _ intent: NotedIntent = NotedIntent()
    ) async throws -> [Receipt] {
        try await destination.write(batch, by: destination.route(for: "person", expectedRows: 1), intent: intent)
    }

    @Test func `gets a schema, the rows with their keys and references, and a state, and confirms them`() async throws {
        try await TargetWorld.with { world in
            let destination = try world.destination()
            var rows = batch(1...3) { #"{"name":"Person \#($0)","age":\#($0),"ratio":1.50,"tags":["a"],"gone":null}"# }
            rows.rows[1].references = [
                .init(field: "firm_id", object: "firm", key: "f-1", targetID: "9"),
                .init(field: "boss_id", object: "person", key: "k-1", targetID: ""),
            ]
            let receipts = try await write(rows, to: destination)
            #expect(receipts == (1...3).map { Receipt(key: "k-\($0)", result: .created(id: "k-\($0)")) })
            #expect(world.records.map(\.key) == ["k-1", "k-2", "k-3"])
            #expect(
                world.lines.contains(
                    #"{"type":"RECORD","stream":"person","record":{"migratez_id":"k-2","name":"Person 2","age":2,"ratio":1.50,"tags":["a"],"gone":null,"firm_id":"9","boss_id":"k-1"}}"#
                ))
            let schema = try #require(world.schemas.last)
            let types = schema.members.map { "\($0.key) \(($0.value["type"]?.elements ?? []).compactMap(\.text))" }
            #expect(
                types == [
                    #"migratez_id ["string"]"#, #"name ["null", "string"]"#, #"age ["null", "integer"]"#,
                    #"ratio ["null", "number"]"#, #"tags ["null", "array"]"#, #"gone ["null", "string"]"#,
                    #"firm_id ["null", "string"]"#, #"boss_id ["null", "string"]"#,
                ])
            // A type that turns up later widens the field, and is told before the rows that have it.
            _ = try await write(batch(4...4) { _ in #"{"age":"unknown","new":true}"# }, to: destination)
            #expect(
                world.schemas.last?["age"]?["type"] == ["null", "integer", "string"]
                    && world.schemas.last?["new"]?["type"] == ["null", "boolean"])
        }
    }

    @Test func `takes more than a pipe holds, while nobody waits for anybody`() async throws {
        try await TargetWorld.with { world in
            let long = String(repeating: "x", count: 300)
            let receipts = try await write(
                batch(1...8_000) { #"{"name":"\#(long)\#($0)"}"# }, to: world.destination())
            #expect(receipts.count == 8_000 && Set(world.records.map(\.key)).count == 8_000)
        }
    }

    @Test func `that cannot start leaves no row in doubt`() async throws {
        try await TargetWorld.with { world in
            let intent = NotedIntent()
            let destination = try world.destination(.dead)
            let error = await #expect(throws: MigratezError.self) {
                try await write(batch(1...3), to: destination, intent)
            }
            #expect(error?.code == .serverFailed && error?.message.contains("cannot log in") == true)
            #expect(intent.last == nil)
            let found = try await destination.resolve(
                batch(1...3), by: destination.route(for: "person", expectedRows: 1), note: intent.last)
            #expect(found.isEmpty)
        }
    }

    @Test(arguments: [TargetWorld.Fault.once, .silent, .full])
    func `that ends without confirming leaves rows in doubt: they are sent again only where that doubles nothing`(
        fault: TargetWorld.Fault
    ) async throws {
        for writes in ["append", "upsert", nil] {
            try await TargetWorld.with { world in
                let intent = NotedIntent()
                // It takes its schema well; what is wrong with it shows with the rows.
                let destination = try world.destination(fault, writes: writes)
                let route = destination.route(for: "person", expectedRows: 1)
                let error = await #expect(throws: MigratezError.self) {
                    try await write(batch(1...3), to: destination, intent)
                }
                #expect(error.map { [.serverFailed, .brokenResponse].contains($0.code) } == true && error?.hint != nil)
                // These two fail at the first word already.
                guard fault == .once else {
                    #expect(intent.last == nil)
                    return
                }
                let found = try await destination.resolve(batch(1...3), by: route, note: intent.last)
                if writes == "upsert" {
                    #expect(found.isEmpty)
                    #expect(try await write(batch(1...3), to: destination, intent).count == 3)
                    #expect(Set(world.records.map(\.key)).count == 3)
                } else {
                    #expect(found.map(\.key) == ["k-1", "k-2", "k-3"] && world.records.count == 3)
                    for receipt in found {
                        guard case .rejected(let rejection) = receipt.result else {
                            Issue.record("\(receipt.result)")
                            continue
                        }
                        #expect(
                            rejection.code == .brokenResponse
                                && rejection.reason?.contains("whether it keeps it") == true)
                    }
                }
            }
        }
    }

    @Test func `is not asked for what it cannot tell, and every answer says why`() async throws {
        try await TargetWorld.with { world in
            let destination = try world.destination()
            let questions: [() async throws -> Void] = [
                { _ = try await destination.read(object: "person", ids: ["1"], fields: []) },
                { _ = try await destination.match(object: "person", fields: ["a"], values: [["b"]], returning: []) },
                { _ = try await destination.delete(object: "person", ids: ["1"]) },
                { _ = try await destination.sample(object: "person", fields: [], count: 1) },
            ]
            for question in questions {
                let error = await #expect(throws: MigratezError.self) { try await question() }
                #expect(error?.code == .notSupported && error?.hint != nil)
            }
            #expect(try await destination.count(object: "person", keyPrefix: "k-") == nil)
            var change = batch(1...2)
            change.rows[0].targetID = "k-1"
            let receipts = try await write(change, to: destination)
            guard case .rejected(let rejection) = receipts[0].result else {
                Issue.record("\(receipts)")
                return
            }
            #expect(rejection.code == .notSupported && receipts[1].result == .created(id: "k-2"))
            #expect(world.records.map(\.key) == ["k-2"])
            #expect(try await destination.account(for: ["person"]).unknown.count == 2)
        }
    }
}
