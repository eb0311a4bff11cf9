// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import CCurl
import MigratezModel

extension CurlTransfer {
    /// Tells libcurl everything about the request. On the loop's thread.
    func configure(_ easy: UnsafeMutableRawPointer) {
        self.easy = easy
        set(CURLOPT_URL, url.text)
        set(CURLOPT_PROTOCOLS_STR, url.isSecure ? "https" : "http")
        set(CURLOPT_FOLLOWLOCATION, 0)
        set(CURLOPT_NOSIGNAL, 1)
        set(CURLOPT_TIMEOUT_MS, milliseconds(request.deadline))
        set(CURLOPT_CONNECTTIMEOUT_MS, milliseconds(limits.connectTimeout))
        set(CURLOPT_TCP_KEEPALIVE, 1)
        // Load balancers close idle connections after 60 s and more; one that is older is not tried.
        set(CURLOPT_MAXAGE_CONN, 50)
        // Only a wish: libcurl refuses it for a handle that still has a buffer.
        _ = mz_easy_set_long(easy, CURLOPT_BUFFERSIZE, CurlTransfer.receiveBufferBytes)
        // https goes through the proxy that HTTPS_PROXY and NO_PROXY name, if any: TLS stays end to end. A loopback
        // address never does.
        if url.isLoopback { set(CURLOPT_PROXY, "") }
        set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        configureTLS()
        configureVersion()
        configureMethod()
        configureHeaders()
        configureCallbacks()
        configureReach()
    }

    /// Frees what libcurl does not copy. After the handle has left the multi handle.
    func release() {
        curl_slist_free_all(headerList)
        headerList = nil
        easy = nil
    }

    static let receiveBufferBytes = 32 << 10

    private func configureTLS() {
        set(CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2)
        // Of TLS 1.2 the suites that have forward secrecy and authenticated encryption (RFC 9325 §4.2), whatever the
        // machine's configuration of OpenSSL allows besides; TLS 1.3 has no others.
        set(CURLOPT_SSL_CIPHER_LIST, "ECDHE+AESGCM:ECDHE+CHACHA20")
        set(CURLOPT_SSL_VERIFYPEER, 1)
        set(CURLOPT_SSL_VERIFYHOST, 2)
        // OpenSSL trusts the file and, besides, the folder of the system's authorities (CURLOPT_CAPATH, set at build).
        if let file = limits.extraCertificates { set(CURLOPT_CAINFO, file) }
    }

    /// HTTP/2 where the server offers it, except for streams: there, a pause must stop one TCP connection of its own
    /// and not the other requests that share it.
    private func configureVersion() {
        let isStream: Bool
        if case .pieces = delivery { isStream = true } else { isStream = upload != nil }
        set(CURLOPT_HTTP_VERSION, isStream ? CURL_HTTP_VERSION_1_1 : CURL_HTTP_VERSION_2TLS)
        set(CURLOPT_PIPEWAIT, isStream ? 0 : 1)
        // libcurl can be told no limit for the window of zstd, which may be 128 MiB; so zstd is not offered.
        set(CURLOPT_ACCEPT_ENCODING, "gzip, br")
        set(CURLOPT_HTTP_CONTENT_DECODING, 1)
    }

    private func configureMethod() {
        let length: Int?
        switch request.body {
        case .empty: length = 0
        case .bytes(let bytes): length = bytes.count
        case .stream(let announced, _): length = announced
        }
        if length == 0 {
            switch request.method {
            case .get: set(CURLOPT_HTTPGET, 1)
            case .head: set(CURLOPT_NOBODY, 1)
            case .post, .put, .patch:
                set(CURLOPT_POSTFIELDSIZE_LARGE, offset: 0)
                set(CURLOPT_COPYPOSTFIELDS, "")
            case .delete: break
            }
            // When a kept connection turns out to be dead, libcurl sends the request again on a new one. With a body it
            // asks first (`rewind` below); without one only a new connection prevents that.
            if !request.isIdempotent { set(CURLOPT_FRESH_CONNECT, 1) }
        } else {
            set(CURLOPT_POST, 1)
            set(CURLOPT_POSTFIELDSIZE_LARGE, offset: length ?? -1)
        }
        if request.method != .head { set(CURLOPT_CUSTOMREQUEST, request.method.rawValue) }
    }

    private func configureHeaders() {
        func append(_ line: String) { headerList = curl_slist_append(headerList, line) }
        func has(_ name: String) -> Bool { request.headers.contains { HTTPHeaders.equal($0.name, name) } }
        // "Name;" is how libcurl is told of a header without a value, "Name:" removes one.
        for header in request.headers {
            append(header.value.isEmpty ? "\(header.name);" : "\(header.name): \(header.value)")
        }
        if !has("User-Agent") { append("User-Agent: migratez") }
        if !has("Content-Type") { append("Content-Type:") }
        // No wait of a second for `100 Continue` before a large body.
        append("Expect:")
        if case .stream(nil, _) = request.body { append("Transfer-Encoding: chunked") }
        if let headerList, let easy { _ = mz_easy_set_list(easy, CURLOPT_HTTPHEADER, headerList) }
    }

    private func set(_ option: CURLoption, _ value: Int) {
        if let easy { check(mz_easy_set_long(easy, option, value), option) }
    }

    private func set(_ option: CURLoption, offset: Int) {
        if let easy { check(mz_easy_set_offset(easy, option, curl_off_t(offset)), option) }
    }

    private func set(_ option: CURLoption, _ value: String) {
        if let easy { check(mz_easy_set_text(easy, option, value), option) }
    }

    /// An option that was not taken might be the one that checks certificates: the transfer must not start.
    private func check(_ code: CURLcode, _ option: CURLoption) {
        guard code != CURLE_OK, refusal == nil else { return }
        refusal = MigratezError(
            .internalError, "\(subject): libcurl refuses option \(option.rawValue)",
            cause: TransportFailure(stage: .notSent, curlCode: Int(code.rawValue)))
    }

    private func milliseconds(_ duration: Duration) -> Int {
        let (seconds, attoseconds) = duration.components
        let value = Double(seconds) * 1000 + Double(attoseconds) / 1e15
        // 0 would mean "no limit".
        return Int(min(max(value, 1), Double(Int32.max)))
    }
}
