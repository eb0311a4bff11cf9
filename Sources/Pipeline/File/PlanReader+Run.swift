// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezChunkFormat
import MigratezModel
import MigratezTransform
import MigratezYAML

/// `staging:`, `limits:`, `retention:`, `gates:` and `verify:`.
extension PlanReader {
    mutating func readStaging(_ top: Section) -> StagingSpec {
        var staging = StagingSpec(folder: absolutePath("staging"))
        guard let section = section(top, "staging") else {
            return staging
        }
        if let folder = text(section, "dir") { staging.folder = absolutePath(folder) }
        if let chunk = self.section(section, "chunk") {
            staging.chunkRecordsMax = count(chunk, "records") ?? staging.chunkRecordsMax
            staging.chunkSizeMax = size(chunk, "bytes") ?? staging.chunkSizeMax
            staging.compressionLevel =
                value(chunk, "compress", .grammar, .wrongForm) { text in
                    text.hasPrefix("zstd:") ? Int(text.dropFirst(5)).flatMap { (1...9).contains($0) ? $0 : nil } : nil
                } ?? staging.compressionLevel
        }
        staging.diskMax = size(section, "disk_limit")
        staging.key = section["key"].flatMap { secret($0, "staging.key") }
        for node in elements(section, "recipients") {
            guard let recipient = scalar(node, "staging.recipients") else { continue }
            if (try? AgeRecipient.parse(recipient)) == nil {
                let form = section.form(of: "recipients").element.description
                report(.wrongForm, node.position, "a recipient must be \(form)")
            }
            staging.recipients.append(recipient)
        }
        return staging
    }

    mutating func readLimits(_ top: Section) -> LimitSpec {
        var limits = LimitSpec()
        guard let section = section(top, "limits") else { return limits }
        if let memory = size(section, "memory") {
            if memory < .MiB(64) {
                report(.wrongUnit, section.position(of: "memory"), "limits.memory must be at least 64MiB")
            }
            limits.memoryMax = memory
        }
        if section["jobs"].map({ if case .scalar("auto") = $0.content { true } else { false } }) != true {
            limits.jobsMax = count(section, "jobs")
        }
        limits.slicesMax = count(section, "slices") ?? limits.slicesMax
        return limits
    }

    mutating func readRetention(_ top: Section) -> RetentionSpec {
        var retention = RetentionSpec()
        guard let section = section(top, "retention") else { return retention }
        retention.afterConfirm = choice(section, "after_confirm", RetentionSpec.Disposal.self) ?? .shred
        retention.spentChunks = choice(section, "spent_chunks", RetentionSpec.Disposal.self) ?? .shred
        retention.unconfirmedMax = value(section, "unconfirmed", .span) { Quantity.duration($0) }
        if section["keep"] != nil {
            retention.kept = []
            let words = section.form(of: "keep").words
            for node in elements(section, "keep") {
                guard let word = scalar(node, "retention.keep") else { continue }
                retention.kept.append(word)
                if !words.contains(word) {
                    report(
                        .wrongForm, node.position, "retention.keep can name \(listed(words)), not '\(word)'",
                        suggestion: closest(to: word, among: words))
                }
            }
        }
        return retention
    }

    /// Others may open staged data only where it was asked for that data stays.
    mutating func checkRecipients(_ staging: StagingSpec, _ retention: RetentionSpec) {
        guard !staging.recipients.isEmpty, retention.afterConfirm == .shred else { return }
        report(
            .conflict, marks[["staging", "recipients"]],
            "staging.recipients lets others open the staged data, but retention.after_confirm has it destroyed",
            remedy: "Write 'retention: { after_confirm: keep }', or leave the recipients out")
    }

    mutating func readGates(_ top: Section, streams: [StreamName]) -> GateSpec {
        var gates = GateSpec()
        guard let section = section(top, "gates") else { return gates }
        if let expect = self.section(section, "expect") {
            for member in expect.members {
                guard let stream = streams.first(where: { $0.text == member.key }) else {
                    report(
                        .unknownObject, member.keyPosition,
                        "'\(member.key)' is not one of the objects of this pipeline",
                        suggestion: closest(to: member.key, among: streams.map(\.text)))
                    continue
                }
                let expectation = value(expect, member.key, .grammar, .wrongForm) { text in
                    Self.bound(text).flatMap { bound in
                        Quantity.count(bound.rest).map {
                            GateSpec.Expectation(stream: stream, comparison: bound.comparison, count: $0)
                        }
                    }
                }
                if let expectation { gates.expectations.append(expectation) }
            }
        }
        gates.rejectedShareMax = share(atMost: section, "quarantine")
        gates.consecutiveErrorsMax = count(section, "consecutive_errors")
        gates.onBreach = choice(section, "on_breach", GateSpec.Breach.self) ?? .pause
        return gates
    }

    mutating func readDelta(_ top: Section) -> DeltaSpec {
        var delta = DeltaSpec()
        guard let section = section(top, "delta") else { return delta }
        delta.onConflict = choice(section, "on_conflict", ConflictRule.self) ?? delta.onConflict
        delta.onDelete = choice(section, "on_delete", DeletionRule.self) ?? delta.onDelete
        delta.deletedShareMax = share(atMost: section, "deletions") ?? delta.deletedShareMax
        return delta
    }

    /// A bound such as `<= 5%`.
    private mutating func share(atMost section: Section, _ key: String) -> Double? {
        value(section, key, .grammar) { text in
            Self.bound(text).flatMap { $0.comparison == .atMost ? Quantity.share($0.rest) : nil }
        }
    }

    private static func bound(_ text: String) -> (comparison: GateSpec.Comparison, rest: String)? {
        guard let comparison = GateSpec.Comparison(rawValue: String(text.prefix(2))) else { return nil }
        return (comparison, String(text.dropFirst(2).drop { $0 == " " }))
    }

    mutating func readVerify(_ top: Section) -> VerifySpec {
        var verify = VerifySpec()
        guard let section = section(top, "verify") else { return verify }
        verify.countsAreExact = word(section, "counts") != "off"
        verify.linksAreExact = word(section, "links") != "off"
        if let sample = self.section(section, "sample") {
            verify.sampleShare = share(sample, "share") ?? verify.sampleShare
            verify.sampleMin = count(sample, "at_least") ?? verify.sampleMin
        }
        verify.contents = choice(section, "contents", VerifySpec.Contents.self) ?? .sample
        let fields = texts(section, "fields")
        verify.fields = fields.isEmpty || fields == ["all"] ? nil : fields
        return verify
    }
}
