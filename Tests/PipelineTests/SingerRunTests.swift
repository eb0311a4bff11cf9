// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel
import MigratezPipeline
import MigratezStaging
import MigratezTestKit
import Testing

/// Whole runs out of a tap and into a target, both of which die in the middle.
@Suite(.serialized) struct `A tap and a target` {
    /// 2,500 people, each the next one's boss; dies behind 1,700 of them the first time it reads.
    private static let tap = """
        #!/bin/sh
        here=$(dirname "$0")
        grep -q a-secret-of-the-tap "$2" || exit 9
        if [ "$3" = --discover ]; then
            echo '{"streams":[{"tap_stream_id":"people","schema":{"properties":{"id":{},"name":{}}},"metadata":[]}]}'
            exit
        fi
        last=2500
        [ -e "$here/died" ] || last=1700
        echo '{"type":"SCHEMA","stream":"people","schema":{},"key_properties":["id"]}'
        i=1
        while [ $i -le $last ]; do
            echo "{\\"type\\":\\"RECORD\\",\\"stream\\":\\"people\\",\\"record\\":{\\"id\\":$i,\\"name\\":\\"Person $i\\",\\"boss\\":$((i + 1))}}"
            i=$((i + 1))
        done
        [ $last = 2500 ] || { touch "$here/died"; exit 3; }
        """

    /// Keeps what it is given; dies the first time it is given rows, after it kept them.
    private static let target = """
        #!/bin/sh
        here=$(dirname "$0")
        cat > "$here/given"
        grep '"type":"RECORD"' "$here/given" >> "$here/kept"
        if [ ! -e "$here/target-died" ] && grep -q '"type":"RECORD"' "$here/given"; then
            touch "$here/target-died"
            exit 4
        fi
        grep '"type":"STATE"' "$here/given"
        """

    @Test func `every record of a tap that dies arrives once, with its links`() async throws {
        let pipeline = """
            migratez: 1
            name: out
            source: { connector: singer, command: FOLDER/tap, secrets: { key: "${env:KEY}" }, objects: { person: {
              stream: people, links: { person: { member: boss } } } } }
            target: { connector: ndjson, dir: out }
            objects: { person: { to: person, fields: { number: id, name: name } } }
            links: [{ from: person, to: person, as: person_to_person }]
            """
        try await SingerWorld.with(["tap": Self.tap, "pipeline.yaml": pipeline]) { world in
            let (run, failures) = try await world.move()
            #expect(failures.map(\.code) == [.serverFailed])
            _ = try await world.balance(run)
            for report in try await Verification(run, scope: .all, progress: SilentProgress()).verify() {
                #expect(report.isGood && report.compared == report.loaded && report.loaded >= 2_499, "\(report.stream)")
            }
            #expect(Set(try world.lines("out/person.ndjson")).count == 2_500)
            #expect(try world.lines("out/person_to_person.ndjson").count == 2_499)
            try await run.close()
        }
    }

    @Test(arguments: ["append", "upsert"])
    func `rows of a target that dies are sent again only where that doubles nothing`(writes: String) async throws {
        let people = (1...40).map { "{\"id\": \($0), \"name\": \"Person \($0)\"}\n" }.joined()
        let pipeline = """
            migratez: 1
            name: into
            source: { connector: ndjson, objects: { person: { file: people.ndjson, id: id } } }
            target: { connector: singer, command: FOLDER/target, writes: \(writes) }
            objects: { person: { to: person, fields: { name: name } } }
            """
        let files = ["target": Self.target, "pipeline.yaml": pipeline, "people.ndjson": people]
        try await SingerWorld.with(files) { world in
            let (run, failures) = try await world.move()
            #expect(failures.map(\.code) == [.serverFailed])
            let balance = try await world.balance(run)
            let kept = try world.lines("kept")
            #expect(Set(kept).count == 40)
            if writes == "append" {
                #expect(kept.count == 40 && balance[.rejected] == 40 && balance[.created] == 0)
            } else {
                #expect(kept.count == 80 && balance[.rejected] == 0 && balance[.created] == 40)
            }
            // Where nothing was loaded, there is nothing to be read back.
            if writes == "upsert" {
                let error = await #expect(throws: MigratezError.self) {
                    try await Verification(run, scope: .all, progress: SilentProgress()).verify()
                }
                #expect(error?.code == .notSupported && error?.hint != nil)
            }
            try await run.close()
        }
    }
}
