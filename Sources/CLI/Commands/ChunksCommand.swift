// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import ArgumentParser
import MigratezModel
import MigratezPipeline
import MigratezStaging

/// `migratez chunks …`
struct ChunksCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "chunks", abstract: "Looks at staged chunks, checks them, brings failed ones back.",
        subcommands: [List.self, Show.self, Cat.self, Verify.self, Retry.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "ls", abstract: "Lists chunks.",
            discussion: "EXAMPLE\n  migratez chunks ls 7f3a --state failed")

        @OptionGroup var common: CommonOptions
        @OptionGroup var reference: RunArgument
        @Option(help: "Only chunks in this state: \(ChunkState.names).") var state: String?

        func run() async throws {
            let wanted = try state.map { try ChunkState(named: $0) }
            let workplace = try common.workplace()
            let inspection = try RunInspection(try RunRegistry(workplace).find(reference.run).folder(in: workplace))
            let chunks = try await inspection.manifest.read { try $0.chunks(state: wanted) }
            var table = Table(
                "chunks",
                [
                    .left("CHUNK"), .right("RECORDS"), .right("BYTES"), .left("STATE"), .right("TRIES"),
                    .left("LAST ERROR"),
                ])
            for chunk in chunks {
                table.add([
                    .text(chunk.address.description), .number(chunk.records), .bytes(ByteCount(chunk.storedBytes)),
                    .text(chunk.state.rawValue), .number(chunk.attempt), .text(chunk.failure),
                ])
            }
            Console().show(Document(table))
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "Tells what the manifest knows of one chunk.",
            discussion: "EXAMPLE\n  migratez chunks show 7f3a contact-raw-000031")

        @OptionGroup var common: CommonOptions
        @Argument(help: "The run.") var run: String
        @Argument(help: "The chunk.") var chunk: String

        func run() async throws {
            let workplace = try common.workplace()
            let inspection = try RunInspection(try RunRegistry(workplace).find(run).folder(in: workplace))
            let chunk = try await inspection.chunk(named: chunk)
            let digest = chunk.sha256.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
            var document = Document("chunk")
            document.fact("chunk", .text(chunk.address.description))
            document.fact("state", .text(chunk.state.rawValue))
            if let failure = chunk.failure { document.fact("failure", .text(failure)) }
            document.fact("attempt", .number(chunk.attempt))
            document.fact("records", .number(chunk.records))
            document.fact("plaintext", .bytes(ByteCount(chunk.plaintextBytes)))
            document.fact("stored", .bytes(ByteCount(chunk.storedBytes)))
            document.fact("sha256", .text(digest))
            Console().show(document)
        }
    }

    struct Cat: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "cat", abstract: "Decrypts a chunk and prints its lines. This shows personal data.",
            discussion: "EXAMPLE\n  migratez chunks cat 7f3a contact-rejects-000001")

        @OptionGroup var common: CommonOptions
        @Argument(help: "The run.") var run: String
        @Argument(help: "The chunk.") var chunk: String

        func run() async throws {
            try common.display.requireText("lines of a chunk")
            let workplace = try common.workplace()
            let inspection = try await workplace.inspectWithKey(run)
            let chunk = try await inspection.chunk(named: chunk)
            var reader = try inspection.openChunkReader(chunk)
            try workplace.audit(.decrypt, run: inspection.folder.run, object: chunk.address.description)
            var block: [UInt8] = []
            let console = Console()
            while try reader.next(into: &block) { console.say(bytes: block) }
        }
    }

    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "verify", abstract: "Reads every staged chunk to its end and checks it against the manifest.",
            discussion: "EXAMPLE\n  migratez chunks verify 7f3a")

        @OptionGroup var common: CommonOptions
        @OptionGroup var reference: RunArgument

        func run() async throws {
            let workplace = try common.workplace()
            let inspection = try await workplace.inspectWithKey(reference.run)
            var good = 0
            var table = Table("damaged", [.left("CHUNK"), .left("ERROR")])
            for chunk in try await inspection.manifest.read({ try $0.chunks() })
            where [.sealed, .leased, .spent].contains(chunk.state) {
                do {
                    var reader = try inspection.openChunkReader(chunk, verifyDigest: true)
                    var block: [UInt8] = []
                    while try reader.next(into: &block) {}
                    good += 1
                } catch {
                    table.add([.text(chunk.address.description), .text("\(error)")])
                }
            }
            let bad = table.rows.count
            var document = Document("chunks_verification")
            document.add(table, lines: table.rows.map { "\($0[0].text): \($0[1].text)" })
            document.fact(
                "good", .number(good), line: "\(good.grouped) chunks are as they were sealed, \(bad.grouped) are not")
            document.fact("bad", .number(bad), line: "")
            if bad > 0 { document.remark("fix: migratez chunks retry \(inspection.folder.run)") }
            Console().show(document)
            if bad > 0 { throw ExitCode.stagingFailed }
        }
    }

    struct Retry: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "retry",
            abstract: "Brings damaged and failed chunks back; raw ones are read from the source again, alone.",
            discussion: "EXAMPLE\n  migratez chunks retry 7f3a")

        @OptionGroup var common: CommonOptions
        @OptionGroup var reference: RunArgument

        func run() async throws {
            let workplace = try common.workplace()
            let console = Console()
            let (entry, connection) = try await workplace.open(reference)
            let run = try await Run.reopen(entry, connection, in: workplace) { console.note($0) }
            let results: [(chunk: ChunkAddress, result: ChunkRetry.Result)]
            do {
                results = try await ChunkRetry(run).retry()
            } catch {
                try await run.close()
                throw error
            }
            try await run.close()
            var hasLost = false
            var table = Table("chunks", [.left("CHUNK"), .left("RESULT"), .left("REASON")])
            for (chunk, result) in results {
                switch result {
                case .good: table.add([.text(chunk.description), "good", "its file is as it was sealed"])
                case .remade: table.add([.text(chunk.description), "remade", "read from the source again"])
                case .lost(let error):
                    hasLost = true
                    table.add([.text(chunk.description), "lost", .text("\(error.description). \(error.hint ?? "")")])
                }
            }
            var document = Document("chunks_retry")
            document.add(
                table,
                lines: results.isEmpty
                    ? ["no chunk has failed"] : table.rows.map { "\($0[0].text): \($0[1].text), \($0[2].text)" })
            console.show(document)
            if hasLost { throw ExitCode.stagingFailed }
        }
    }
}

extension ChunkState {
    static var names: String { allCases.map(\.rawValue).joined(separator: ", ") }

    init(named name: String) throws {
        guard let state = ChunkState(rawValue: name) else {
            throw ValidationError("'\(name)' is not a state of a chunk; they are: \(Self.names)")
        }
        self = state
    }
}

extension RunInspection {
    /// The chunk with this name, such as `contact-raw-000031`.
    func chunk(named name: String) async throws -> Chunk {
        let found = try await manifest.read { try $0.chunks().first { $0.address.description == name } }
        guard let found else {
            throw MigratezError(
                .runNotFound, "run \(folder.run) has no chunk '\(name)'", remedy: .fixConfiguration,
                hint: "migratez chunks ls \(folder.run)")
        }
        return found
    }
}
