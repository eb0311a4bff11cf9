// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezModel
import MigratezStaging
import MigratezTransport

/// Looks at what a run needs from its surroundings, without asking a service anything and without making anything.
package struct Doctor: Sendable {
    package enum State: String, Sendable, CaseIterable {
        case good
        /// A run works, but something is not as it should be.
        case warning
        /// A run cannot work so.
        case bad
    }

    package struct Finding: Sendable, Equatable {
        /// What was looked at: `disk`, `clock`.
        package var subject: String
        package var state: State
        package var detail: String
        /// What to do about it.
        package var remedy: String?
    }

    /// A setting and where its value comes from; the value itself is not told.
    package struct Origin: Sendable, Equatable {
        /// `source.auth.token`
        package var setting: String
        /// `acme.yaml:6`, `${env:HUBSPOT_TOKEN}`
        package var origin: String
        package var state: State
        package var detail: String
    }

    private let workplace: Workplace

    package init(_ workplace: Workplace) { self.workplace = workplace }

    /// What every run needs.
    ///
    /// - Parameter plan: the pipeline that it is held against, if one was named.
    package func examine(_ plan: PipelinePlan?) -> [Finding] {
        [stateFolder, rootKey(plan), clock, memory(plan), disk(plan), tls].compactMap { $0 }
    }

    /// Every setting of both sides, in the order of the file.
    package func origins(of plan: PipelinePlan) async -> [Origin] {
        let resolver = ReferenceResolver(environment: workplace.environment, folder: plan.folder)
        var origins: [Origin] = []
        for (side, connection) in [("source", plan.source), ("target", plan.target)] {
            for (name, value) in connection.settings {
                let path = [side] + name.split(separator: ".").map(String.init)
                var origin = Origin(
                    setting: "\(side).\(name)", origin: "\(plan.file):\(plan.marks[path].line)", state: .good,
                    detail: "written in the file")
                for reference in value.references {
                    origin.origin = reference.description
                    origin = await checked(origin, reference, resolver)
                    if origin.state != .good { break }
                }
                origins.append(origin)
            }
        }
        if let key = plan.staging.key {
            let origin = Origin(setting: "staging.key", origin: key.description, state: .good, detail: "")
            origins.append(await checked(origin, key, resolver))
        }
        return origins.sorted { $0.setting < $1.setting }
    }

    private func checked(_ origin: Origin, _ reference: Reference, _ resolver: ReferenceResolver) async -> Origin {
        var origin = origin
        do {
            _ = try await resolver.text(of: reference)
            origin.detail = "found"
        } catch {
            origin.state = .bad
            origin.detail = error.reason
        }
        return origin
    }

    private var stateFolder: Finding {
        let path = workplace.stateFolder
        let name = workplace.environment["XDG_STATE_HOME"] != nil ? "XDG_STATE_HOME" : "HOME"
        let files = FileManager.default
        guard files.fileExists(atPath: path) else {
            return Finding(subject: "state", state: .good, detail: "\(path), from \(name); made by the first run")
        }
        guard files.isWritableFile(atPath: path) else {
            return Finding(
                subject: "state", state: .bad, detail: "\(path), from \(name), cannot be written",
                remedy: "chown or chmod it, or set XDG_STATE_HOME")
        }
        return Finding(subject: "state", state: .good, detail: "\(path), from \(name)")
    }

    private func rootKey(_ plan: PipelinePlan?) -> Finding? {
        // A key that the pipeline refers to is among the settings.
        if plan?.staging.key != nil { return nil }
        let path = workplace.rootKeyPath
        guard FileManager.default.fileExists(atPath: path) else {
            return Finding(subject: "key", state: .good, detail: "\(path) will be made by the first run")
        }
        do throws(MigratezError) {
            _ = try KeyFile.load(path)
            return Finding(subject: "key", state: .good, detail: path)
        } catch {
            return Finding(subject: "key", state: .bad, detail: error.message, remedy: error.hint)
        }
    }

    /// A clock that nobody sets signs tokens and certificates with the wrong time.
    private var clock: Finding {
        let now = workplace.clock.now
        let isPlausible = now > Timestamp(milliseconds: 1_735_689_600_000)
        guard isPlausible else {
            return Finding(
                subject: "clock", state: .bad, detail: "it says \(now)", remedy: "set it: tokens depend on it")
        }
        return Finding(subject: "clock", state: .good, detail: now.description)
    }

    private func memory(_ plan: PipelinePlan?) -> Finding? {
        guard let available = Machine.availableMemory else { return nil }
        let needed = plan?.limits.memoryMax ?? LimitSpec().memoryMax
        let detail = "\(available) available, limits.memory is \(needed)"
        guard available >= needed else {
            return Finding(
                subject: "memory", state: .warning, detail: detail, remedy: "free some, or lower limits.memory")
        }
        return Finding(subject: "memory", state: .good, detail: detail)
    }

    private func disk(_ plan: PipelinePlan?) -> Finding? {
        guard let plan else { return nil }
        let folder = plan.staging.folder
        guard let free = Machine.freeSpace(at: folder) else {
            return Finding(
                subject: "disk", state: .bad, detail: "\(folder) cannot be looked at",
                remedy: "look at staging.dir in \(plan.file)")
        }
        // The least with which a stage can hand over to the next: some chunks of each kind.
        let needed = ByteCount(plan.staging.chunkSizeMax.bytes * 8)
        var detail = "\(free) free for \(folder)"
        if let limit = plan.staging.diskMax { detail += ", staging.disk_limit is \(limit)" }
        guard free >= needed else {
            return Finding(
                subject: "disk", state: .bad, detail: detail, remedy: "free some space, or move staging.dir")
        }
        if let limit = plan.staging.diskMax, limit > free {
            return Finding(
                subject: "disk", state: .warning, detail: detail, remedy: "lower staging.disk_limit to what is there")
        }
        return Finding(subject: "disk", state: .good, detail: detail)
    }

    private var tls: Finding {
        // It and its TLS library come first, then those for compression and names.
        let libraries = CurlClient.libraryVersion.split(separator: " ").prefix(2)
        let extra = workplace.environment["SSL_CERT_FILE"].map { ", and the authorities in \($0)" } ?? ""
        return Finding(
            subject: "tls", state: .good,
            detail: "\(libraries.joined(separator: ", ")); TLS 1.2 or newer, the system's authorities\(extra)")
    }
}

extension SettingValue {
    /// What the value is put together from.
    fileprivate var references: [Reference] {
        switch self {
        case .secret(let reference): [reference]
        case .text(let template, _):
            template.parts.compactMap { if case .reference(let reference) = $0 { reference } else { nil } }
        }
    }
}

extension Reference: CustomStringConvertible {
    /// As it is written in a pipeline file, without a default.
    package var description: String {
        switch self {
        case .environment(let name, _): "${env:\(name)}"
        case .file(let path): "${file:\(path)}"
        case .command(let command): "${cmd:\(command)}"
        case .credential(let name): "${cred:\(name)}"
        }
    }
}
