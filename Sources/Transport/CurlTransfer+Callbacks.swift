// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import CCurl
import MigratezModel

extension CurlTransfer {
    /// Registers the functions that libcurl calls, all on the loop's thread.
    func configureCallbacks() {
        guard let easy else { return }
        let this = Unmanaged.passUnretained(self).toOpaque()
        _ = mz_easy_set_write(easy, CURLOPT_HEADERFUNCTION, onHeader)
        _ = mz_easy_set_pointer(easy, CURLOPT_HEADERDATA, this)
        _ = mz_easy_set_write(easy, CURLOPT_WRITEFUNCTION, onBody)
        _ = mz_easy_set_pointer(easy, CURLOPT_WRITEDATA, this)
        _ = mz_easy_set_read(easy, onRead)
        _ = mz_easy_set_pointer(easy, CURLOPT_READDATA, this)
        _ = mz_easy_set_seek(easy, onRewind)
        _ = mz_easy_set_pointer(easy, CURLOPT_SEEKDATA, this)
    }

    /// One header line with its line break, or the empty line at the end of a head. `false` = refuse the answer.
    fileprivate func takeHeaderLine(_ line: UnsafeRawBufferPointer) -> Bool {
        headerBytes += line.count
        headerCount += 1
        guard headerCount <= limits.headersMax, headerBytes <= limits.headerBytesMax.bytes else {
            return refuse(.responseTooLarge, "the answer has too many headers", remedy: .stop)
        }
        // What comes after the head are trailers; nobody needs them.
        guard head == nil else { return true }
        // Read as bytes, not characters: an answer has some ten such lines.
        if line.starts(with: "HTTP/".utf8) {
            headInProgress = HTTPResponseHead(status: CurlTransfer.status(in: line))
            return true
        }
        if line.first == 0x0D || line.first == 0x0A { return completeHead() }
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { return true }
        headInProgress.headers.append(
            HTTPHeader(String(decoding: line[..<colon], as: UTF8.self), CurlTransfer.trimmed(line[(colon + 1)...])))
        return true
    }

    private func completeHead() -> Bool {
        // An interim answer (RFC 9110 §15.2); the real one follows.
        guard headInProgress.status >= 200 else { return true }
        let complete = headInProgress
        head = complete
        let encodings = complete.headers.values("Content-Encoding")
        let known = ["", "identity", "gzip", "x-gzip", "br"]
        guard encodings.count <= 1, encodings.allSatisfy({ known.contains($0.lowercased()) }) else {
            return refuse(.brokenResponse, "the answer has a content encoding that was not asked for", remedy: .stop)
        }
        if request.method != .head, let length = complete.headers["Content-Length"].flatMap({ Int($0) }) {
            guard length <= request.responseBytesMax.bytes else { return refuseSize() }
            if encodings.isEmpty, case .whole = delivery { body.reserveCapacity(min(length, 1 << 20)) }
        }
        if case .pieces(let pipe) = delivery { pipe.begin(complete) }
        return true
    }

    /// Decoded bytes of the body. `false` = refuse the answer.
    ///
    /// Never asks libcurl for a pause by its return value: libcurl would then go on decompressing into a buffer of its
    /// own that has no limit but 64 MB.
    fileprivate func takeBody(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytesDecoded += bytes.count
        stall.note(bytes.count)
        guard bytesDecoded <= request.responseBytesMax.bytes else { return refuseSize() }
        if bytesDecoded > limits.expansionMax * CurlTransfer.receiveBufferBytes, let easy {
            // libcurl counts what came from the wire up to the buffer before the one that it is decoding.
            let wire = Int(mz_easy_info_offset(easy, CURLINFO_SIZE_DOWNLOAD_T)) + CurlTransfer.receiveBufferBytes
            guard bytesDecoded / limits.expansionMax <= wire else {
                return refuse(.responseTooLarge, "the answer expands out of all bounds", remedy: .stop)
            }
        }
        switch delivery {
        case .whole: body.append(contentsOf: bytes)
        case .pieces(let pipe):
            if pipe.append(bytes) >= limits.streamBytesMax.bytes { wantsPause = true }
        }
        return true
    }

    /// The next bytes of the request's body.
    fileprivate func giveBody(_ target: UnsafeMutableRawBufferPointer) -> Int {
        var count = 0
        switch request.body {
        case .empty: break
        case .bytes(let bytes):
            count = min(target.count, bytes.count - bytesTaken)
            bytes.withUnsafeBytes {
                target.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[bytesTaken...].prefix(count)))
            }
            hasTakenAll = bytesTaken + count == bytes.count
        case .stream:
            switch upload?.read(into: target) ?? .end {
            case .bytes(let taken):
                count = taken
                // With a known length, libcurl does not ask for more once it has that many.
                if case .stream(let length?, _) = request.body { hasTakenAll = bytesTaken + taken == length }
            case .nothingYet:
                stall.restart()
                return Int(CURL_READFUNC_PAUSE)
            case .end: hasTakenAll = true
            case .tooShort:
                _ = refuse(.internalError, "the body has fewer bytes than its announced length", remedy: .stop)
                return Int(CURL_READFUNC_ABORT)
            }
        }
        bytesTaken += count
        stall.note(count)
        return count
    }

    /// libcurl wants to send the body once more, on another connection, because the first died without an answer.
    fileprivate func rewind(to offset: Int) -> Bool {
        guard request.isIdempotent, case .bytes(let bytes) = request.body, (0...bytes.count).contains(offset) else {
            return false
        }
        bytesTaken = offset
        hasTakenAll = false
        return true
    }

    private func refuseSize() -> Bool {
        refuse(.responseTooLarge, "the answer has more than \(request.responseBytesMax)", remedy: .stop)
    }

    private func refuse(_ code: ErrorCode, _ reason: String, remedy: MigratezError.Remedy) -> Bool {
        if refusal == nil { refusal = failure(code, reason, remedy: remedy) }
        return false
    }

    /// `HTTP/1.1 200 OK` → 200; 0 if there is none.
    private static func status(in line: UnsafeRawBufferPointer) -> Int {
        let rest = line.drop { $0 != UInt8(ascii: " ") }.drop { $0 == UInt8(ascii: " ") }
        let digits = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        return Int(String(decoding: digits, as: UTF8.self)) ?? 0
    }

    /// The text without the white space around it (RFC 9110 §5.5).
    private static func trimmed(_ line: Slice<UnsafeRawBufferPointer>) -> String {
        var bytes = line.drop { $0 == 0x20 || $0 == 0x09 }
        while let last = bytes.last, last == 0x20 || last == 0x09 || last == 0x0D || last == 0x0A { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// The user pointer of every callback is the transfer, which the engine keeps alive while libcurl knows of it.
private func transfer(_ pointer: UnsafeMutableRawPointer?) -> CurlTransfer? {
    pointer.map { Unmanaged<CurlTransfer>.fromOpaque($0).takeUnretainedValue() }
}

// Formed here, outside any actor: a C callback that is formed on the main actor traps on another thread.

private let onHeader: curl_write_callback = { bytes, size, count, pointer in
    let line = UnsafeRawBufferPointer(start: bytes, count: size * count)
    return transfer(pointer)?.takeHeaderLine(line) == true ? line.count : 0
}

private let onBody: curl_write_callback = { bytes, size, count, pointer in
    let piece = UnsafeRawBufferPointer(start: bytes, count: size * count)
    // Any other number than that of the bytes ends the transfer, also for an empty piece.
    return transfer(pointer)?.takeBody(piece) == true ? piece.count : piece.count + 1
}

private let onRead: curl_read_callback = { target, size, count, pointer in
    transfer(pointer)?.giveBody(UnsafeMutableRawBufferPointer(start: target, count: size * count))
        ?? Int(CURL_READFUNC_ABORT)
}

private let onRewind: curl_seek_callback = { pointer, offset, origin in
    guard origin == 0, let transfer = transfer(pointer) else { return CURL_SEEKFUNC_FAIL }
    return transfer.rewind(to: Int(offset)) ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_FAIL
}
