// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezChunkLines
import MigratezModel
import MigratezStaging
import MigratezTestKit
import MigratezTransform
import Synchronization
import Testing

@Suite struct RecordPassTests {
    @Test(arguments: [0, 1, 2, 10_001])
    func `records pass in order, with their values untouched`(count: Int) async throws {
        var scene = TransformScene()
        scene.contacts = (0..<count).map { #"{"id":\#($0),"email":"p\#($0)@x.test","notes":1.0}"# }
        try await scene.run { _, result in
            #expect(
                result.ready[contact]
                    == (0..<count).map {
                        #"{"n":\#($0),"id":"\#($0)","fields":{"EMAIL":"p\#($0)@x.test","NOTES":1.0}}"#
                    })
            #expect(result.outcomes[contact]?.isEmpty == true)
        }
    }

    @Test func `every record that is not moved has an outcome with its reason`() async throws {
        var scene = TransformScene()
        scene.filter = "!archived"
        scene.contacts = [
            #"{"id":"a","email":"a@x.test"}"#,
            #"{"id":"b","archived":true}"#,
            #"{"$malformed":{"locator":"line 3","reason":"cut off","bytes":"ff"}}"#,
            #"{"email":"nobody@x.test"}"#,
            #"{"id":"a","email":"again@x.test"}"#,
            #"{"id":"c","phone":"\#(String(repeating: "1", count: 31))"}"#,
            #"{"id":"","email":"empty@x.test"}"#,
        ]
        try await scene.run { area, result in
            #expect(result.lines().map(\.ordinal) == [0])
            #expect(result.outcome(1) == RecordOutcome(ordinal: 1, outcome: .filtered, sourceID: "b"))
            #expect(
                result.outcome(2)
                    == RecordOutcome(ordinal: 2, outcome: .rejected, code: .malformedRecord, sourceID: "line 3"))
            #expect(result.outcome(3) == RecordOutcome(ordinal: 3, outcome: .rejected, code: .malformedRecord))
            #expect(
                result.outcome(4)
                    == RecordOutcome(
                        ordinal: 4, outcome: .skipped, code: .repeatedRecord, sourceID: "a", survivor: 0))
            #expect(result.outcome(5)?.code == ErrorCode.tooLong.description)
            #expect(result.outcome(6)?.code == ErrorCode.malformedRecord.description)
            let rejects = try await area.manifest.read { try $0.rejects(of: contact, limit: 10) }
            #expect(rejects.map(\.ordinal) == [2, 3, 5, 6])
            #expect(rejects.map(\.line) == [0, 1, 2, 3])
            #expect(try await area.texts(of: contact, .rejects).count == 4)
            result.expectConservation(contacts: 7, companies: 0, edges: 0)
        }
    }

    @Test(arguments: [1, 2, 3, 4])
    func `every record and link ends once, and a run that was cut off ends the same`(seed: UInt64) async throws {
        var generator = SeededGenerator(seed: seed)
        let scene = TransformScene.random(using: &generator)
        var expected: Transformed?
        try await scene.run { _, result in
            result.expectConservation(
                contacts: scene.contacts.count, companies: scene.companies.count, edges: scene.edges.count)
            expected = result
        }
        // The rename that gives a chunk its name fails, at a later chunk each time.
        for failing in [0, 1, 2, 4, 7] {
            try await withTemporaryFolder { path in
                let small = StagedRun(path, chunkBytes: .KiB(8), chunkRecordsMax: 40)
                var area = try await scene.stage(in: small)
                try await area.close()
                let faulty = StagedRun(
                    path, chunkBytes: .KiB(8), chunkRecordsMax: 40, fileSystem: FailingRename(after: failing))
                area = try await faulty.open()
                do { try await scene.transform(area) } catch let error as MigratezError {
                    #expect(error.code == .diskFailed)
                }
                try await area.close()
                area = try await small.open()
                try await scene.transform(area)
                let result = try await Transformed(area)
                #expect(result == expected, "seed \(seed), chunk \(failing)")
                try await area.close()
            }
        }
    }
}

extension TransformScene {
    /// A CRM with everything in it that can go wrong.
    static func random(using generator: inout SeededGenerator) -> TransformScene {
        var scene = TransformScene()
        scene.filter = "!archived"
        scene.onMissing = LinkSpec.OnMissing.allCases.randomElement(using: &generator) ?? .empty
        scene.choose = Bool.random(using: &generator) ? .primary : .first
        scene.duplicates = [
            DuplicateRule(keys: ["email"], keep: .mostComplete, merge: ["phone": .longest, "notes": .concat]),
            DuplicateRule(keys: ["phone"], keep: .first),
        ]
        scene.companyDuplicates = [DuplicateRule(keys: ["name"], keep: .first)]
        scene.companies = (0..<60).map { #"{"id":"c\#($0)","name":"n\#(Int.random(in: 0..<50, using: &generator))"}"# }
        scene.contacts = (0..<700).map { number in
            switch Int.random(in: 0..<20, using: &generator) {
            case 0: return #"{"$malformed":{"locator":"line \#(number)","reason":"cut","bytes":""}}"#
            case 1: return #"{"id":"\#(number)","archived":true}"#
            case 2: return #"{"id":"\#(number / 2)","email":"again@x.test"}"#
            case 3: return #"{"id":"\#(number)","phone":"\#(String(repeating: "9", count: 31))"}"#
            default:
                let email = Int.random(in: 0..<500, using: &generator)
                let phone = Int.random(in: 0..<900, using: &generator)
                return
                    #"{"id":"\#(number)","email":"e\#(email)@x.test","phone":"555\#(1000 + phone)","notes":"\#(number)"}"#
            }
        }
        scene.edges = (0..<600).map { _ in
            Edge(
                from: "\(Int.random(in: 0..<720, using: &generator))",
                to: "c\(Int.random(in: 0..<66, using: &generator))",
                isPrimary: Bool.random(using: &generator))
        }
        return scene
    }
}

/// Files on the disk, of which the rename after so many others fails once.
final class FailingRename: FileSystem {
    private let inner = LocalFileSystem()
    private let counter: Counter

    init(after count: Int) { counter = Counter(count) }

    func rename(_ path: String, to newPath: String) throws(MigratezError) {
        guard counter.takeOne() else { throw MigratezError(.diskFailed, "the rename failed as told") }
        try inner.rename(path, to: newPath)
    }

    func createFolder(_ path: String) throws(MigratezError) { try inner.createFolder(path) }
    func open(_ path: String, _ mode: OpenMode) throws(MigratezError) -> any OpenFile { try inner.open(path, mode) }
    func remove(_ path: String) throws(MigratezError) { try inner.remove(path) }
    func removeFolder(_ path: String) throws(MigratezError) { try inner.removeFolder(path) }
    func syncFolder(_ path: String) throws(MigratezError) { try inner.syncFolder(path) }
    func list(_ path: String) throws(MigratezError) -> [FolderEntry] { try inner.list(path) }
    func length(_ path: String) throws(MigratezError) -> Int? { try inner.length(path) }
}

/// Counts down from a number, past zero.
final class Counter: Sendable {
    private let left: Mutex<Int>

    init(_ count: Int) { left = Mutex(count) }

    /// Whether it was not zero.
    func takeOne() -> Bool {
        left.withLock { left in
            left -= 1
            return left != -1
        }
    }
}
