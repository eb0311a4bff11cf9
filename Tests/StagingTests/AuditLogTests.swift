// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezCrypto
import MigratezModel
import MigratezStaging
import MigratezTestKit
import Testing

@Suite struct AuditLogTests {
    private static let user = AuditUser(id: 1000, name: "ada")

    /// A log in an empty folder.
    private struct World {
        let temporary: TemporaryFolder
        let log: AuditLog
        let clock = ManualClock()

        init() throws {
            temporary = try TemporaryFolder()
            log = Self.log(temporary, LocalFileSystem())
            try LocalFileSystem().createFolder("\(temporary.path)/keys")
        }

        static func log(_ temporary: TemporaryFolder, _ fileSystem: any FileSystem) -> AuditLog {
            AuditLog(folder: "\(temporary.path)/audit", keys: "\(temporary.path)/keys", fileSystem: fileSystem)
        }

        func append(_ action: AuditAction, _ object: String? = nil, to other: AuditLog? = nil) throws {
            clock.advance(by: .seconds(1))
            try (other ?? log).append(
                action, by: AuditLogTests.user, at: clock.now, run: RunID("9f3c01aa"), object: object)
        }

        /// Some entries of several kinds.
        func fill() throws {
            try append(.start)
            try append(.decrypt, "contact-raw-000001")
            try append(.shred)
            try append(.failedAuthentication)
        }

        func write(_ bytes: [UInt8], to path: String) throws {
            try LocalFileSystem().remove(path)
            try LocalFileSystem().open(path, .new).write(bytes, at: 0)
        }

        var failure: ErrorCode? {
            get async { await code { _ = try log.verify() } }
        }
    }

    @Test func `what is written down is read back, and the whole log is as it was written`() throws {
        let world = try World()
        #expect(try world.log.verify().number == 0)
        try world.fill()
        let entries = try world.log.entries()
        #expect(entries.map(\.number) == [1, 2, 3, 4])
        #expect(entries.map(\.action) == [.start, .decrypt, .shred, .failedAuthentication])
        #expect(entries[1].object == "contact-raw-000001" && entries[0].object == nil)
        #expect(Set(entries.map(\.user)) == [Self.user] && entries.allSatisfy { $0.run?.text == "9f3c01aa" })
        #expect(entries[0].time < entries[3].time)
        #expect(try world.log.verify().number == 4)
        #expect(try world.log.entries(from: 3).map(\.number) == [3, 4])
        let key = try SigningKey.loadOrCreate("\(world.temporary.path)/keys/signing-key")
        #expect(try world.log.verify(trusting: key.publicKey).number == 4)
        let other = try Ed25519.PrivateKey()
        #expect(throws: MigratezError.self) { try world.log.verify(trusting: other.publicKey) }
    }

    @Test func `a text that could be taken for a field or a line is made harmless`() throws {
        let world = try World()
        try world.append(.decrypt, "a\tb\nc d é" + String(repeating: "x", count: 500))
        try world.append(.decrypt, "-")
        let objects = try world.log.entries().map(\.object)
        #expect(objects.first??.hasPrefix("a_b_c_d__xxx") == true && objects.first??.count == 128)
        #expect(objects.last == "_")
        #expect(try world.log.verify().number == 2)
    }

    @Test func `every changed byte of the log and of its head is found out`() async throws {
        let world = try World()
        try world.fill()
        for path in [world.log.path, world.log.headPath] {
            let whole = try contents(ofFile: path)
            for index in whole.indices {
                try overwrite(path, with: [whole[index] ^ 1], at: index)
                #expect(await world.failure == .auditInvalid, "byte \(index) of \(path)")
                try overwrite(path, with: [whole[index]], at: index)
            }
        }
        #expect(await world.failure == nil)
    }

    @Test func `every missing, doubled, moved or added line is found out, and every cut-off end`() async throws {
        let world = try World()
        try world.fill()
        let whole = try contents(ofFile: world.log.path)
        let rows = stride(from: 0, to: whole.count, by: 512).map { Array(whole[$0..<($0 + 512)]) }
        #expect(rows.count == 5)
        var edits: [[[UInt8]]] = []
        for index in rows.indices {
            var (missing, doubled) = (rows, rows)
            missing.remove(at: index)
            doubled.insert(rows[index], at: index)
            edits += [missing, doubled]
            for other in rows.indices where other > index {
                var moved = rows
                moved.swapAt(index, other)
                edits.append(moved)
            }
        }
        for (number, edit) in edits.enumerated() {
            try world.write(edit.flatMap(\.self), to: world.log.path)
            #expect(await world.failure == .auditInvalid, "edit \(number)")
        }
        for length in 0..<whole.count {
            try world.write(Array(whole[..<length]), to: world.log.path)
            #expect(await world.failure == .auditInvalid, "\(length) bytes")
        }
        try world.write(whole, to: world.log.path)
        #expect(await world.failure == nil)
        for path in [world.log.path, world.log.headPath] {
            let bytes = try contents(ofFile: path)
            try LocalFileSystem().remove(path)
            #expect(await world.failure == .auditInvalid, "\(path) is gone")
            try world.write(bytes, to: path)
        }
    }

    @Test func `a line that somebody else signed is found out`() async throws {
        let (world, other) = (try World(), try World())
        try world.fill()
        for _ in 0..<5 { try other.append(.start) }
        let foreign = try contents(ofFile: other.log.path)
        try overwrite(world.log.path, with: Array(foreign[(5 * 512)...]), at: 5 * 512)
        #expect(await world.failure == .auditInvalid)
        #expect(await code { try world.append(.start) } == .auditInvalid, "nothing is done after that")
    }

    @Test func `a log that was put back together with its head is found out by a head that was kept elsewhere`()
        async throws
    {
        let world = try World()
        try world.fill()
        let earlier = (try contents(ofFile: world.log.path), try contents(ofFile: world.log.headPath))
        try world.append(.decrypt, "contact-raw-000002")
        let known = try world.log.verify()
        try world.write(earlier.0, to: world.log.path)
        try world.write(earlier.1, to: world.log.headPath)
        #expect(await world.failure == nil)
        #expect(await code { _ = try world.log.verify(upTo: known) } == .auditInvalid)
        try world.append(.decrypt, "contact-raw-000003")
        #expect(await code { _ = try world.log.verify(upTo: known) } == .auditInvalid, "another entry took its place")
    }

    @Test func `an entry that cannot be written is an error, and the log goes on behind it`() async throws {
        var stop = 0
        while true {
            let world = try World()
            try world.append(.start)
            let stopping = World.log(world.temporary, StoppingFileSystem(after: stop))
            let failure = await code { try world.append(.decrypt, "contact-raw-000001", to: stopping) }
            if failure == nil { break }
            #expect(failure == .auditFailed, "stopped after \(stop) operations")
            try world.append(.shred)
            let actions = try world.log.entries().map(\.action)
            #expect(
                [[.start, .shred], [.start, .decrypt, .shred]].contains(actions), "stopped after \(stop) operations")
            #expect(try world.log.verify().number == actions.count)
            stop += 1
        }
        #expect(stop >= 8)
    }

    @Test func `a line that a crash cut off is written over, and never adopted`() async throws {
        let world = try World()
        try world.fill()
        let (whole, head) = (try contents(ofFile: world.log.path), try contents(ofFile: world.log.headPath))
        try world.append(.decrypt, "contact-raw-000002")
        let longer = try contents(ofFile: world.log.path)
        for length in stride(from: whole.count + 1, to: longer.count, by: 37) {
            try world.write(Array(longer[..<length]), to: world.log.path)
            try world.write(head, to: world.log.headPath)
            try world.append(.shred)
            #expect(try world.log.verify().number == 5)
            #expect(try world.log.entries().last?.action == .shred)
        }
    }

    @Test func `several at once do not come between each other`() async throws {
        let world = try World()
        let (log, clock) = (world.log, world.clock)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<8 {
                group.addTask { try log.append(.start, by: Self.user, at: clock.now, object: "\(number)") }
            }
            try await group.waitForAll()
        }
        #expect(Set(try log.entries().compactMap(\.object)).count == 8)
        #expect(try log.verify().number == 8)
    }
}
