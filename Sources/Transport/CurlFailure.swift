// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import CCurl
import MigratezModel

/// Translates what libcurl reports (curl.se/libcurl/c/libcurl-errors.html) into errors of ours.
enum CurlFailure {
    /// - Parameters:
    ///   - subject: method, host and path.
    ///   - stage: how far the request got.
    static func error(_ code: CURLcode, subject: String, stage: TransportFailure.Stage) -> MigratezError {
        let (ours, reason, remedy) = meaning(code, stage: stage)
        return MigratezError(
            ours, "\(subject): \(reason)", remedy: remedy, hint: hint(code, ours),
            cause: TransportFailure(stage: stage, curlCode: Int(code.rawValue)))
    }

    private static func meaning(
        _ code: CURLcode, stage: TransportFailure.Stage
    ) -> (ErrorCode, String, MigratezError.Remedy) {
        let retry = MigratezError.Remedy.retry(after: nil)
        switch code {
        case CURLE_COULDNT_RESOLVE_HOST: return (.unreachable, "the host's name cannot be resolved", retry)
        case CURLE_COULDNT_RESOLVE_PROXY: return (.unreachable, "the proxy's name cannot be resolved", retry)
        case CURLE_COULDNT_CONNECT: return (.unreachable, "no connection", retry)
        case CURLE_OPERATION_TIMEDOUT:
            return stage == .notSent
                ? (.timedOut, "no connection in time", retry) : (.timedOut, "no complete answer in time", retry)
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_CERTPROBLEM:
            return (.untrustedServer, "the server's certificate is not trusted", .fixConfiguration)
        case CURLE_SSL_CACERT_BADFILE:
            return (.invalidSetting, "the file of certificate authorities cannot be read", .fixConfiguration)
        case CURLE_SSL_CONNECT_ERROR: return (.unreachable, "the TLS handshake failed", retry)
        case CURLE_GOT_NOTHING: return (.brokenResponse, "the connection was closed without an answer", retry)
        case CURLE_PARTIAL_FILE: return (.brokenResponse, "the answer broke off", retry)
        case CURLE_SEND_ERROR, CURLE_SEND_FAIL_REWIND:
            return (.brokenResponse, "the connection broke while the request was sent", retry)
        case CURLE_RECV_ERROR, CURLE_HTTP2, CURLE_HTTP2_STREAM:
            return (.brokenResponse, "the connection broke", retry)
        case CURLE_BAD_CONTENT_ENCODING: return (.brokenResponse, "the answer cannot be decompressed", retry)
        case CURLE_WEIRD_SERVER_REPLY, CURLE_UNSUPPORTED_PROTOCOL:
            return (.brokenResponse, "the answer is not HTTP", retry)
        case CURLE_OUT_OF_MEMORY: return (.brokenResponse, "out of memory, or headers out of all bounds", .stop)
        // libcurl's own texts for a code are fixed strings: nothing of the request is in them.
        default: return (.brokenResponse, String(cString: curl_easy_strerror(code)), retry)
        }
    }

    private static func hint(_ code: CURLcode, _ ours: ErrorCode) -> String? {
        if ours == .untrustedServer {
            return
                "if the server is yours, add its certificate authority to the trusted ones; checks cannot be switched off"
        }
        return code == CURLE_SSL_CONNECT_ERROR
            ? "if it persists: a server must speak TLS 1.2 or newer with forward secrecy and AES-GCM or ChaCha20" : nil
    }
}
