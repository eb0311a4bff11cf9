// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezJSON
import MigratezModel
import MigratezPipeline
import MigratezStaging
import MigratezTestKit

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Holds what a migration left against what the account says that it must come to.
struct SimulationVerdict {
    private let account: SimulatedAccount
    private let run: Run
    private let destination: MemoryDestination
    private let disk: SimulatedDisk
    private var found: [String] = []

    init(_ account: SimulatedAccount, _ run: Run, _ destination: MemoryDestination, _ disk: SimulatedDisk) {
        self.account = account
        self.run = run
        self.destination = destination
        self.disk = disk
    }

    /// What is wrong, one sentence each; empty if nothing is.
    func findings() async throws -> [String] {
        var verdict = self
        try await verdict.judgeOutcomes()
        verdict.judgeDestination()
        try await verdict.judgeBalance()
        try await verdict.judgeStaging()
        verdict.judgeDisk()
        return verdict.found
    }

    /// Each record has the outcome that the account says, once, and the id that the destination holds it under.
    private mutating func judgeOutcomes() async throws {
        for (stream, object) in SimulatedAccount.objects.sorted(by: { $0.key < $1.key }) {
            let expected = account.expected[stream] ?? [:]
            var seen: Set<String> = []
            var malformed = 0
            for outcome in try await run.staging.outcomes(of: stream) {
                guard let id = outcome.sourceID, let wanted = expected[id] else {
                    malformed += outcome.code == ErrorCode.malformedRecord.description ? 1 : 0
                    continue
                }
                if !seen.insert(id).inserted { found.append("\(stream) \(id) has two outcomes") }
                if outcome.outcome != wanted.outcome || wanted.code.map({ $0.description != outcome.code }) == true {
                    found.append("\(stream) \(id) was \(outcome.outcome) \(outcome.code ?? ""), not \(wanted)")
                }
                let held = destination.record(key(stream, id), of: object)?.id
                if wanted.outcome == .created, outcome.targetID == nil || outcome.targetID != held {
                    found.append("\(stream) \(id) is said to be another record than the one that was made for it")
                }
            }
            for id in expected.keys.sorted() where !seen.contains(id) { found.append("\(stream) \(id) has no outcome") }
            if malformed != account.malformed[stream] ?? 0 {
                found.append("\(malformed) malformed records of \(stream), not \(account.malformed[stream] ?? 0)")
            }
        }
    }

    /// The destination holds each record that is to be created once, with every field right, and nothing else.
    private mutating func judgeDestination() {
        var surplus = Dictionary(grouping: destination.held) { "\($0.object) \($0.key ?? "")" }
        for (name, held) in surplus.sorted(by: { $0.key < $1.key }) where held.count > 1 {
            found.append("\(name) is there \(held.count) times")
        }
        for (stream, object) in SimulatedAccount.objects.sorted(by: { $0.key < $1.key }) {
            for (id, wanted) in (account.expected[stream] ?? [:]).sorted(by: { $0.key < $1.key })
            where wanted.outcome == .created {
                guard let held = surplus.removeValue(forKey: "\(object) \(key(stream, id))")?.first else {
                    found.append("lost: \(stream) \(id)")
                    continue
                }
                judge(held, stream, id, wanted)
            }
        }
        judgeLinks(&surplus)
        for name in surplus.keys.sorted() { found.append("nobody asked for \(name)") }
    }

    private mutating func judge(
        _ held: MemoryDestination.Held, _ stream: StreamName, _ id: String, _ wanted: SimulatedAccount.Expectation
    ) {
        for (field, text) in wanted.fields.sorted(by: { $0.key < $1.key }) where held.fields[field]?.text != text {
            found.append("\(field) of \(stream) \(id) is wrong")
        }
        let references = Dictionary(held.references.map { ($0.field, $0.targetID) }) { first, _ in first }
        let parents = wanted.references.mapValues { parent in
            destination.record(key(SimulatedAccount.company, parent), of: "Account")?.id
        }
        if references != parents.compactMapValues({ $0 }) { found.append("\(stream) \(id) refers to another record") }
        if let content = wanted.content, held.content != content {
            found.append(
                "\(stream) \(id) has another content: \(held.content?.count ?? -1) bytes, not \(content.count)")
        }
        if held.writes != 1 { found.append("\(stream) \(id) was written \(held.writes) times") }
    }

    private mutating func judgeLinks(_ surplus: inout [String: [MemoryDestination.Held]]) {
        let names = surplus.keys.filter { $0.hasPrefix("NoteLink ") }
        let held = names.flatMap { surplus.removeValue(forKey: $0) ?? [] }.map { link in
            link.references.sorted { $0.object > $1.object }.map(\.targetID)
        }.sorted { $0.lexicographicallyPrecedes($1) }
        let wanted = account.noteLinks.map { pair in
            [
                destination.record(key(SimulatedAccount.note, pair[0]), of: "Note")?.id ?? "",
                destination.record(key(SimulatedAccount.contact, pair[1]), of: "Contact")?.id ?? "",
            ]
        }.sorted { $0.lexicographicallyPrecedes($1) }
        if held != wanted { found.append("links of notes: \(held), not \(wanted)") }
    }

    /// What was read is what came of it, by the run's own count and by the account's.
    private mutating func judgeBalance() async throws {
        for balance in try await run.staging.manifest.read({ try $0.reconciliation() }) {
            let stream = balance.stream.name
            if !balance.isClosed { found.append("\(stream) does not add up") }
            let there = account.records[stream]?.count ?? account.links[stream]?.count ?? 0
            if balance.read != there { found.append("\(balance.read) of \(stream) were read; there are \(there)") }
        }
    }

    /// Every chunk has come to its end, and each file is that of a chunk.
    private mutating func judgeStaging() async throws {
        let folder = run.staging.folder
        var known: Set<String> = []
        for chunk in try await run.staging.manifest.read({ try $0.chunks() }) {
            let isFinal =
                switch chunk.address.kind {
                case .raw: chunk.state == .shredded
                case .ready, .content: chunk.state == .spent || chunk.state == .shredded
                default: chunk.state == .sealed || chunk.state == .shredded
                }
            if !isFinal { found.append("chunk \(chunk.address) is left \(chunk.state)") }
            guard chunk.state == .sealed || chunk.state == .spent else { continue }
            known.insert(folder.file(of: chunk))
            if disk.files[folder.file(of: chunk)]?.count != chunk.storedBytes {
                found.append("the file of chunk \(chunk.address) is gone or has another length")
            }
        }
        for path in disk.files.keys.sorted() {
            if path.hasPrefix(folder.spill) { found.append("a spill file is left") }
            if path.hasPrefix(folder.chunks), !known.contains(path) { found.append("\(path) is a file of no chunk") }
        }
    }

    /// Nothing of any record lies in the clear, in whatever file.
    private mutating func judgeDisk() {
        let canary = Array(account.canary.utf8)
        var files = disk.files
        for ending in ["", "-wal"] {
            let path = run.staging.folder.manifest + ending
            files[path] = Self.contents(path)
        }
        for (path, bytes) in files.sorted(by: { $0.key < $1.key }) where Self.holds(bytes, canary) {
            found.append("\(path.split(separator: "/").suffix(2).joined(separator: "/")) holds a value in the clear")
        }
    }

    private static func holds(_ bytes: [UInt8], _ text: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { bytes in
            var place = 0
            while place + text.count <= bytes.count, let start = bytes.baseAddress {
                guard let found = memchr(start + place, Int32(text[0]), bytes.count - place - text.count + 1) else {
                    return false
                }
                if memcmp(found, text, text.count) == 0 { return true }
                place = UnsafeRawPointer(found) - start + 1
            }
            return false
        }
    }

    private static func contents(_ path: String) -> [UInt8]? {
        guard let file = try? LocalFileSystem().open(path, .reading), let length = try? file.length() else {
            return nil
        }
        return try? file.read(length, at: 0)
    }

    private func key(_ stream: StreamName, _ id: String) -> String { "memory-\(stream)-\(id)" }
}
