// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import CCurl
import MigratezModel

/// One request on its way; made by a task, then owned by the event loop's thread until it has finished.
final class CurlTransfer: @unchecked Sendable {
    // Sound to share: after `CurlEngine.start` only the loop's thread touches the variables; the pipes have locks.

    /// Where the answer goes.
    enum Delivery {
        /// The whole answer at once, to `completion`.
        case whole
        /// Piece by piece.
        case pieces(ResponsePipe)
    }

    let request: HTTPRequest
    let url: RequestURL
    let delivery: Delivery
    let upload: UploadPipe?
    let limits: TransportConfiguration
    /// Called exactly once, by the loop; the body is empty unless the delivery is `whole`.
    var completion: ((Result<HTTPResponse, any Error>) -> Void)?

    /// Order of start; the oldest is never paused for lack of room.
    var number = 0
    var isCancelled = false
    var easy: UnsafeMutableRawPointer?
    var headerList: UnsafeMutablePointer<curl_slist>?

    /// Bytes of a `.bytes` body that libcurl has taken.
    var bytesTaken = 0
    var hasTakenAll = false
    var head: HTTPResponseHead?
    var headInProgress = HTTPResponseHead(status: 0)
    var headerBytes = 0
    var headerCount = 0
    var body: [UInt8] = []
    var bytesDecoded = 0
    /// Why a callback ended the transfer.
    var refusal: MigratezError?
    /// Whether the host's name stood for an address that the request may not be sent to.
    var isOutOfReach = false
    /// Set by a callback, carried out by the loop after it.
    var wantsPause = false
    var isReceivePaused = false
    var stall: StallDetector

    /// - Throws: `invalidSetting`, `insecureURL` or `addressOutOfReach` if the request cannot be sent as it is.
    init(_ request: HTTPRequest, delivery: Delivery, limits: TransportConfiguration) throws(MigratezError) {
        self.request = request
        self.delivery = delivery
        self.limits = limits
        url = try RequestURL(request.url)
        try url.check(request.reach)
        for header in request.headers { try CurlTransfer.check(header) }
        if case .stream(let length, _) = request.body {
            upload = UploadPipe(length: length)
        } else {
            upload = nil
        }
        stall = StallDetector(window: limits.stallWindow, bytesMin: limits.stallBytesMin)
    }

    /// Method, host and path.
    var subject: String { "\(request.method.rawValue) \(url)" }

    /// How far the request has got. `CURLINFO_REQUEST_SIZE` counts the bytes of request heads that were sent.
    var stage: TransportFailure.Stage {
        if let head { return .partialAnswer(status: head.status) }
        guard let easy else { return .notSent }
        return mz_easy_info_long(easy, CURLINFO_REQUEST_SIZE) > 0 || bytesTaken > 0 ? .fateUnknown : .notSent
    }

    /// An error that the transport itself decides on.
    func failure(
        _ code: ErrorCode, _ reason: String, remedy: MigratezError.Remedy = .retry(after: nil)
    ) -> MigratezError {
        MigratezError(code, "\(subject): \(reason)", remedy: remedy, cause: TransportFailure(stage: stage))
    }

    /// The producer of the body gave more bytes than announced. Asked by its task, so it looks at nothing of the loop's.
    var bodyTooLong: MigratezError {
        MigratezError(
            .internalError, "\(subject): the body has more bytes than its announced length",
            cause: TransportFailure(stage: .fateUnknown))
    }

    /// A name is a token (RFC 9110 §5.6.2); a value has no control characters, above all no line break, which would
    /// begin another header or another request.
    private static func check(_ header: HTTPHeader) throws(MigratezError) {
        let isToken =
            !header.name.isEmpty
            && header.name.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0)
                    || "!#$%&'*+-.^_`|~".utf8.contains($0)
            }
        guard isToken, header.value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }) else {
            throw MigratezError(
                .invalidSetting, "a request header has characters that are not allowed", remedy: .fixConfiguration)
        }
    }
}

/// Tells whether a body that is under way has come to a stand-still.
struct StallDetector {
    private let window: Duration
    private let bytesMin: Int
    private var start: ContinuousClock.Instant?
    private var bytes = 0

    init(window: Duration, bytesMin: Int) {
        self.window = window
        self.bytesMin = bytesMin
    }

    /// Bytes of a body moved, in either direction.
    mutating func note(_ count: Int) { bytes += count }

    /// The other end of ours, producer or consumer, keeps the body waiting: the time so far does not count.
    mutating func restart() {
        start = nil
        bytes = 0
    }

    /// - Parameter isMoving: whether bytes are to be expected now; while not, nothing is measured.
    /// - Returns: whether a whole window has passed with too few bytes.
    mutating func check(isMoving: Bool, at now: ContinuousClock.Instant) -> Bool {
        guard isMoving, let start else {
            self.start = isMoving ? now : nil
            bytes = 0
            return false
        }
        guard start.duration(to: now) >= window else { return false }
        defer {
            self.start = now
            bytes = 0
        }
        return bytes < bytesMin
    }
}
