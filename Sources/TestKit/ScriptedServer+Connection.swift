// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

extension ScriptedServer {
    /// Reads requests and answers them until the connection ends.
    func serve(_ connection: ScriptedConnection) {
        var connection = connection
        switch reading {
        case .resetAtOnce: return connection.reset()
        case .nothing:
            while !isStopped { usleep(1000) }
            return
        case .whole, .head: break
        }
        while var request = connection.readHead() {
            if reading == .whole, !connection.readBody(of: &request) { return }
            let numbered = state.withLock { state in
                request.number = state.requests.count + 1
                state.requests.append(request)
                return request
            }
            for step in answer(numbered).steps {
                guard connection.carryOut(step, isStopped: { isStopped }) else { return }
            }
        }
    }
}

/// The server's end of one connection.
struct ScriptedConnection {
    let descriptor: Int32
    let number: Int
    private var unread: [UInt8] = []

    init(descriptor: Int32, number: Int) {
        self.descriptor = descriptor
        self.number = number
    }

    /// Closing it after this sends a reset.
    func reset() {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    }

    /// `false` = the connection is to be closed.
    func carryOut(_ step: ScriptedServer.Step, isStopped: () -> Bool) -> Bool {
        switch step {
        case .bytes(let bytes): return write(bytes)
        case .counted(let bytes, let tell):
            guard write(bytes) else { return false }
            tell(bytes.count)
            return true
        case .repeated(let bytes, let times, let interval):
            for _ in 0..<times {
                guard !isStopped() else { return false }
                ScriptedConnection.sleep(interval)
                guard write(bytes) else { return false }
            }
            return true
        case .pause(let duration):
            ScriptedConnection.sleep(duration)
            return true
        case .wait(let gate):
            while !gate.isOpen {
                if isStopped() { return false }
                usleep(500)
            }
            return true
        case .close: return false
        case .reset:
            reset()
            return false
        }
    }

    /// The head of the next request; `nil` = the peer is gone.
    mutating func readHead() -> ScriptedServer.Request? {
        let end = Array("\r\n\r\n".utf8)
        var scanned = 0
        while true {
            if let position = ScriptedConnection.position(of: end, in: unread, from: scanned) {
                let lines = String(decoding: unread[..<position], as: UTF8.self).split(separator: "\r\n")
                unread.removeSubrange(..<(position + end.count))
                let first = (lines.first ?? "").split(separator: " ")
                guard first.count == 3 else { return nil }
                let headers = lines.dropFirst().map { line in
                    let name = line.prefix { $0 != ":" }
                    return (name: String(name), value: String(line.dropFirst(name.count + 1).drop { $0 == " " }))
                }
                return ScriptedServer.Request(
                    connection: number, number: 0, method: String(first[0]), target: String(first[1]), headers: headers,
                    body: [])
            }
            scanned = max(0, unread.count - 3)
            guard fill() else { return nil }
        }
    }

    /// Reads the body that the head announces; `false` = the peer left before its end.
    mutating func readBody(of request: inout ScriptedServer.Request) -> Bool {
        if request.header("Transfer-Encoding")?.lowercased() == "chunked" {
            while let line = readLine(), let size = Int(line, radix: 16) {
                guard let piece = read(size + 2) else { return false }
                if size == 0 { return true }
                request.body += piece.dropLast(2)
            }
            return false
        }
        guard let length = request.header("Content-Length").flatMap({ Int($0) }) else { return true }
        guard let body = read(length) else { return false }
        request.body = body
        return true
    }

    private mutating func readLine() -> String? {
        while true {
            if let end = unread.firstIndex(of: 0x0A) {
                let line = String(decoding: unread[..<end].filter { $0 != 0x0D }, as: UTF8.self)
                unread.removeSubrange(...end)
                return line
            }
            guard fill() else { return nil }
        }
    }

    private mutating func read(_ count: Int) -> [UInt8]? {
        while unread.count < count { guard fill() else { return nil } }
        let bytes = Array(unread[..<count])
        unread.removeSubrange(..<count)
        return bytes
    }

    private mutating func fill() -> Bool {
        let count = withUnsafeTemporaryAllocation(byteCount: 64 << 10, alignment: 1) { buffer -> Int in
            let count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
            if count > 0 {
                unread.append(contentsOf: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<count]))
            }
            return count
        }
        return count > 0
    }

    private func write(_ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { buffer in
            var sent = 0
            while sent < buffer.count {
                let count = send(
                    descriptor, UnsafeRawBufferPointer(rebasing: buffer[sent...]).baseAddress, buffer.count - sent,
                    Int32(MSG_NOSIGNAL))
                guard count > 0 else { return false }
                sent += count
            }
            return true
        }
    }

    private static func position(of pattern: [UInt8], in bytes: [UInt8], from start: Int) -> Int? {
        guard bytes.count >= pattern.count else { return nil }
        return (min(start, bytes.count - pattern.count)...(bytes.count - pattern.count)).first {
            bytes[$0...].starts(with: pattern)
        }
    }

    private static func sleep(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        if seconds > 0 || attoseconds > 0 { usleep(UInt32(seconds * 1_000_000 + attoseconds / 1_000_000_000_000)) }
    }
}
