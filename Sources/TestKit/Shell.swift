// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Runs `command` in a shell and waits for it; for tests against other people's tools.
///
/// The standard output is returned, at most 64 MiB of it; `status` is the exit code, or -1 if a signal ended it. No
/// value from outside the test may be put into `command`.
package func shell(_ command: String) -> (status: Int, output: [UInt8]) {
    guard let pipe = popen(command, "r") else { return (-1, []) }
    var output: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    while output.count < 64 << 20 {
        let count = fread(&buffer, 1, buffer.count, pipe)
        guard count > 0 else { break }
        output.append(contentsOf: buffer[..<count])
    }
    let status = pclose(pipe)
    return (status & 0x7F == 0 ? Int(status >> 8 & 0xFF) : -1, output)
}

/// Whether a program of this name is on the path: for `.enabled(if:)`.
package func isInstalled(_ program: String) -> Bool { shell("command -v \(program)").status == 0 }
