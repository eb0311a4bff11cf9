// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Foundation
import MigratezTestKit

/// A real browser without a window, which decides what of a page is markup and what runs.
///
/// Opt-in, because few machines have one: `MIGRATEZ_BROWSER=1`.
enum Browser {
    static var isEnabled: Bool {
        ProcessInfo.processInfo.environment["MIGRATEZ_BROWSER"] == "1" && isInstalled("chromium")
    }
    static let reason = "set MIGRATEZ_BROWSER=1 and install chromium to run it"

    /// Where a script of the page's would leave its mark: every way to call attention that the strings of the corpus use.
    static let tripwire = """
        <script>
        for (const name of ["alert", "prompt", "confirm", "eval", "print", "open"])
            window[name] = () => document.documentElement.setAttribute("data-executed", name);
        </script>
        """

    /// A page as it stands in the browser once everything in it has run.
    struct Page {
        var document: String
        /// What it told the console: scripts that failed or were forbidden, files that were not there.
        var console: [String]
        /// Whether the tripwire was touched.
        var hasExecuted: Bool { document.contains(/<html[^>]* data-executed=/) }
    }

    /// Shows the page.
    static func load(_ page: String) async throws -> Page {
        try await withTemporaryFolder { folder in
            try page.write(toFile: "\(folder)/page.html", atomically: true, encoding: .utf8)
            // Nothing of this machine's browser is used, and root has to do without its sandbox.
            let command = """
                cd '\(folder)' && HOME='\(folder)' timeout 120 chromium --headless --no-sandbox --disable-gpu \
                --user-data-dir='\(folder)/profile' --host-resolver-rules='MAP * ~NOTFOUND' --enable-logging=stderr \
                --virtual-time-budget=5000 --dump-dom 'file://\(folder)/page.html' 2>'\(folder)/log'
                """
            let (status, output) = shell(command)
            let log = try String(contentsOfFile: "\(folder)/log", encoding: .utf8)
            guard status == 0, !output.isEmpty else { throw Failure(log: String(log.suffix(2000))) }
            let console = log.split(separator: "\n").filter { $0.contains("CONSOLE") }.map(String.init)
            return Page(document: String(decoding: output, as: UTF8.self), console: console)
        }
    }

    /// The browser did not show the page.
    struct Failure: Error {
        var log: String
    }
}
