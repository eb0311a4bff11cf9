// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

package import MigratezModel

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// What one process asks of the process that owns a run.
///
/// A file in the run's folder, addressed to one process by its pid and the time at which that began: a later owner, or a
/// stranger that got the same pid, is never meant. A file rather than a signal, because a signal to a pid that was
/// looked up a moment ago may hit anybody. The owner looks for it about once a second, and takes it by removing it; who
/// becomes the owner removes what was meant for another.
package struct RunRequest: Sendable, Hashable {
    package enum Action: String, Sendable, CaseIterable {
        /// Save and end; `resume` goes on.
        case pause
        /// Save and end for good.
        case cancel
    }

    package var action: Action
    /// Who asks.
    package var person: String

    package init(_ action: Action, by person: String) {
        self.action = action
        self.person = person
    }

    /// The file is four lines.
    private static let bytesMax = 1024

    /// Leaves the request for the owner.
    ///
    /// - Returns: the owner's pid; `nil` if nobody owns the run, and nothing was left.
    func leave(in folder: RunFolder, _ fileSystem: any FileSystem) throws(MigratezError) -> Int32? {
        guard let owner = RunLock.owner(folder.lock), let begun = RunRequest.beginning(of: owner) else { return nil }
        let text = [action.rawValue, String(owner), begun, person.replacing("\n", with: " ")].joined(separator: "\n")
        let temporary = "\(folder.request).\(getpid())"
        try fileSystem.remove(temporary)
        let file = try fileSystem.open(temporary, .new)
        try file.write(Array(text.utf8.prefix(RunRequest.bytesMax)), at: 0)
        try fileSystem.rename(temporary, to: folder.request)
        return owner
    }

    /// The request that was left for this process, taken away; `nil` if there is none.
    static func take(from folder: RunFolder, _ fileSystem: any FileSystem) throws(MigratezError) -> RunRequest? {
        guard let length = try fileSystem.length(folder.request) else { return nil }
        let bytes = try fileSystem.open(folder.request, .reading).read(min(length, bytesMax), at: 0)
        try fileSystem.remove(folder.request)
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count == 4, let action = Action(rawValue: String(lines[0])), lines[1] == String(getpid()),
            lines[2] == beginning(of: getpid()) ?? ""
        else { return nil }
        return RunRequest(action, by: String(lines[3]))
    }

    /// When a process began, in clock ticks since the machine did (proc_pid_stat(5), field 22); `nil` if there is no
    /// such process.
    private static func beginning(of pid: Int32) -> String? {
        let descriptor = open("/proc/\(pid)/stat", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: bytesMax)
        let count = read(descriptor, &buffer, buffer.count)
        guard count > 0 else { return nil }
        // The name of the program stands in brackets and may hold anything, brackets too: count from the last one.
        let text = String(decoding: buffer[..<count], as: UTF8.self)
        guard let bracket = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: bracket)...].split(separator: " ")
        return fields.count > 19 ? String(fields[19]) : nil
    }
}

extension RunControl {
    /// Asks the owner of a run to pause or to cancel it.
    ///
    /// - Returns: the owner's pid; `nil` if nobody owns the run, and nothing was asked.
    package static func ask(
        _ request: RunRequest, of folder: RunFolder, fileSystem: any FileSystem = LocalFileSystem()
    ) throws(MigratezError) -> Int32? {
        guard try fileSystem.length(folder.manifest) != nil else { throw RunInspection.notFound(folder) }
        return try request.leave(in: folder, fileSystem)
    }

    /// The process that owns the run now.
    package static func owner(of folder: RunFolder) -> Int32? { RunLock.owner(folder.lock) }
}

extension ManifestTransaction {
    /// Pauses or cancels a run that nobody works on: its owner was killed, or it rests.
    ///
    /// Only a run that looks as if it were worked on becomes paused. One whose data is let go of cannot be cancelled.
    package func stop(_ action: RunRequest.Action, by person: String) throws {
        let run = try run()
        switch action {
        case .pause:
            guard run.activity == .active else { return }
            try setActivity(.paused, message: "on request of \(person), after its process had ended")
            try addEvent("pause", fields: ["reason": .text("request"), "by": .text(person)])
        case .cancel:
            guard [.running, .loaded, .verified].contains(run.phase) else {
                throw MigratezError(
                    .wrongRunState, "the run is \(run.phase.rawValue), so it cannot be cancelled",
                    remedy: .fixConfiguration)
            }
            if run.activity == .cancelled { return }
            try setActivity(.cancelled, message: "on request of \(person)")
            try audit(actor: person, action: "cancel", detail: "while nobody worked on it")
        }
    }
}

extension StagingArea {
    /// What somebody asks of this process, once.
    package func takeRequest() throws(MigratezError) -> RunRequest? {
        try RunRequest.take(from: folder, fileSystem)
    }
}
