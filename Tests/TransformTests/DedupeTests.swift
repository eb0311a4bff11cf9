// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezChunkLines
import MigratezModel
import MigratezStaging
import MigratezTestKit
import MigratezTransform
import Testing

@Suite struct DedupeTests {
    private func scene(_ contacts: [String], _ rules: DuplicateRule...) -> TransformScene {
        var scene = TransformScene()
        scene.contacts = contacts
        scene.duplicates = rules
        return scene
    }

    @Test func `records with the same key become one, the others its aliases`() async throws {
        let contacts = [
            #"{"id":"1","email":"ada@x.test"}"#, #"{"id":"2","email":"bob@x.test"}"#,
            #"{"id":"3","email":" ADA@x.test"}"#, #"{"id":"4","email":""}"#, #"{"id":"5"}"#,
        ]
        try await scene(contacts, DuplicateRule(keys: ["email"], keep: .first)).run { _, result in
            #expect(result.lines().map(\.ordinal).sorted() == [0, 1, 3, 4])
            #expect(
                result.outcomes[contact] == [RecordOutcome(ordinal: 2, outcome: .merged, sourceID: "3", survivor: 0)])
        }
    }

    @Test func `several keys join transitively, along a chain of a thousand`() async throws {
        // 0 and 1 share an e-mail, 1 and 2 a phone, 2 and 3 an e-mail …; in an order that no scan could follow.
        var generator = SeededGenerator(seed: 7)
        let chain = (0..<1000).map { number in
            #"{"id":"\#(number)","email":"e\#(number / 2)@x.test","phone":"555\#(1000 + (number + 1) / 2)"}"#
        }.shuffled(using: &generator)
        let rules = [DuplicateRule(keys: ["email"], keep: .first), DuplicateRule(keys: ["phone"], keep: .first)]
        var scene = TransformScene()
        scene.contacts = chain + [#"{"id":"lone","email":"lone@x.test","phone":"777"}"#]
        scene.duplicates = rules
        try await scene.run { _, result in
            #expect(result.lines().map(\.ordinal).sorted() == [0, 1000])
            #expect(result.outcomes[contact]?.count == 999)
            #expect(result.outcomes[contact]?.allSatisfy { $0.outcome == .merged && $0.survivor == 0 } == true)
        }
    }

    @Test func `a group of ten thousand is folded into one`() async throws {
        let contacts = (0..<10_000).map { #"{"id":"\#($0)","email":"same@x.test","notes":"note \#($0)"}"# }
        let rule = DuplicateRule(keys: ["email"], keep: .first, merge: ["notes": .concat])
        try await scene(contacts, rule).run { _, result in
            #expect(result.lines().map(\.ordinal) == [0])
            #expect(result.outcomes[contact]?.count == 9_999)
            #expect(result.fields(0)?.hasPrefix(#"{"EMAIL":"same@x.test","NOTES":"note 0\nnote 1\nnote 2\n"#) == true)
        }
    }

    @Test func `nothing of a group is left for the next one`() async throws {
        let contacts = [
            #"{"id":"0","email":"a@x.test","phone":"1","notes":"x"}"#, #"{"id":"1","email":"b@x.test"}"#,
            #"{"id":"2","email":"a@x.test","name":"N","notes":"y"}"#, #"{"id":"3","email":"b@x.test","notes":"z"}"#,
            #"{"id":"4","email":"c@x.test","phone":null}"#, #"{"id":"5","email":"c@x.test"}"#,
        ]
        for merge in [DuplicateRule.Merge.survivor, .concat] {
            let rule = DuplicateRule(keys: ["email"], keep: .mostComplete, merge: ["notes": merge])
            let notes = merge == .concat ? #"x\ny"# : "x"
            try await scene(contacts, rule).run { _, result in
                #expect(
                    result.lines().map { String(decoding: $0.fields, as: UTF8.self) } == [
                        #"{"EMAIL":"a@x.test","PHONE":"1","NAME":"N","NOTES":"\#(notes)"}"#,
                        #"{"EMAIL":"b@x.test","NOTES":"z"}"#, #"{"EMAIL":"c@x.test"}"#,
                    ])
                #expect(result.lines().map(\.ordinal) == [0, 3, 4])
            }
        }
    }

    @Test(arguments: [
        (DuplicateRule.Survivor.first, 0), (.mostComplete, 1), (.mostRecent, 2), (.oldest, 3),
    ])
    func `the survivor is the one that the rule says`(keep: DuplicateRule.Survivor, expected: Int) async throws {
        let contacts = [
            #"{"id":"0","email":"a@x.test","modified":"2021-01-02T00:00:00Z"}"#,
            #"{"id":"1","email":"a@x.test","name":"N","phone":"1","notes":"x","modified":"2021-01-03T00:00:00Z"}"#,
            #"{"id":"2","email":"a@x.test","name":"N","modified":"2021-01-04T00:00:00Z"}"#,
            #"{"id":"3","email":"a@x.test","name":"N","modified":"2021-01-01T00:00:00Z"}"#,
            #"{"id":"4","email":"a@x.test","modified":null}"#,
        ]
        try await scene(contacts, DuplicateRule(keys: ["email"], keep: keep)).run { _, result in
            #expect(result.lines().map(\.ordinal) == [expected])
            #expect(result.outcomes[contact]?.allSatisfy { $0.survivor == expected } == true)
        }
    }

    @Test(arguments: [
        (DuplicateRule.Merge.survivor, #""b""#), (.newest, #""c""#), (.oldest, #""b""#), (.longest, #""dddd""#),
        (.concat, #""b\nc\ndddd\n[1,\"x\"]""#),
    ])
    func `a field takes the value that its rule says, and empty ones never win`(
        merge: DuplicateRule.Merge, expected: String
    ) async throws {
        let contacts =
            [
                #"{"id":"0","email":"a@x.test","notes":null,"modified":"2021-01-01T00:00:00Z"}"#,
                #"{"id":"1","email":"a@x.test","notes":"b","modified":"2021-01-02T00:00:00Z"}"#,
                #"{"id":"2","email":"a@x.test","notes":"c","modified":"2021-01-05T00:00:00Z"}"#,
                #"{"id":"3","email":"a@x.test","notes":"dddd","modified":"2021-01-04T00:00:00Z"}"#,
                #"{"id":"4","email":"a@x.test","notes":"c"}"#,
                #"{"id":"5","email":"a@x.test","notes":"","modified":"2021-01-06T00:00:00Z"}"#,
            ] + (merge == .concat ? [#"{"id":"6","email":"a@x.test","notes":[1,"x"]}"#] : [])
        var scene = scene(contacts, DuplicateRule(keys: ["email"], keep: .first, merge: ["notes": merge]))
        if merge == .survivor {
            // The survivor's own value is empty: that of another stands in, the newest one that has a date.
            scene.contacts.swapAt(0, 1)
        }
        try await scene.run { _, result in
            let found = result.fields(0)
            #expect(found == #"{"EMAIL":"a@x.test","NOTES":\#(expected)}"#)
        }
    }

    @Test func `records longer than a sorter's memory are merged, too`() async throws {
        let long = String(repeating: "long ", count: 600_000)
        let contacts = (0..<4).map { #"{"id":"\#($0)","email":"a@x.test","name":"\#($0)","notes":"\#($0)\#(long)"}"# }
        try await scene(contacts, DuplicateRule(keys: ["email"], keep: .first)).run { _, result in
            #expect(result.line(0)?.fields.count ?? 0 > 3_000_000)
            #expect(result.outcomes[contact]?.map(\.outcome) == [.merged, .merged, .merged])
        }
    }

    @Test func `a merged record that cannot be mapped is rejected, and its duplicates count as merged`() async throws {
        let phone = String(repeating: "1", count: 31)
        let contacts = [
            #"{"id":"0","email":"a@x.test"}"#, #"{"id":"1","email":"a@x.test","phone":"\#(phone)"}"#,
        ]
        try await scene(contacts, DuplicateRule(keys: ["email"], keep: .first)).run { _, result in
            #expect(result.ready[contact]?.isEmpty == true)
            #expect(result.outcomes[contact]?.map(\.outcome) == [.rejected, .merged])
        }
    }
}
