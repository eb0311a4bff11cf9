// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezModel

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A tap or target as the settings name it: a program and the words that always follow it.
struct Program: Sendable {
    let words: [String]

    /// The program's own name, for people.
    var name: String { words[0].split(separator: "/").last.map(String.init) ?? words[0] }

    /// - Parameter setting: words with a comma between them, which is how a list in a pipeline file arrives.
    init(_ setting: String?, side: String) throws(MigratezError) {
        let words = (setting ?? "").split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        guard let first = words.first, !first.isEmpty, !words.contains(where: { $0.utf8.contains(0) }) else {
            throw MigratezError(
                .invalidSetting, "the \(side) has no command", remedy: .fixConfiguration,
                hint: "set \(side).command to the program, or to a list of the program and its arguments")
        }
        self.words = words
    }

    /// Where the program is: a name without a slash is looked for on PATH, as a shell would. No shell is used.
    ///
    /// - Throws: `fileNotFound`.
    func path() throws(MigratezError) -> String {
        let program = words[0]
        let folders =
            program.contains("/")
            ? [""]
            : (Self.variable("PATH") ?? "/usr/local/bin:/usr/bin:/bin").split(separator: ":")
                .map { "\($0)/" }
        for folder in folders where Self.isProgram(folder + program) { return folder + program }
        throw MigratezError(
            .fileNotFound, "there is no program '\(program)'", remedy: .fixConfiguration,
            hint: program.contains(" ")
                ? "write a program with arguments as a list: command: [\(program.split(separator: " ").joined(separator: ", "))]"
                : "install it, or name its path: /home/me/taps/bin/\(program)")
    }

    /// What the program gets of our environment: what programs need to run at all, and no secrets of other connections.
    static var environment: [String] {
        let names = [
            "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR",
            "REQUESTS_CA_BUNDLE", "VIRTUAL_ENV", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy",
            "no_proxy", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "LC_ALL", "LC_CTYPE",
        ]
        return names.compactMap { name in variable(name).map { "\(name)=\($0)" } }
    }

    static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

    private static func isProgram(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG && access(path, X_OK) == 0
    }
}
