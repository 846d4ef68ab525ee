// How long a client may take, as a value that knows neither sockets nor a clock.
//
// - Every phase that waits for the client has an end that no trickle of bytes moves, except the answer,
//   where every 8 KiB taken begin the time anew.
// - While the server works, the client may wait as long as the server does.

/// The phases of one connection.
struct ConnectionClock {
    /// Why a connection is closed.
    enum Reason: String {
        case idle
        case slowHeader = "slow_header"
        case slowBody = "slow_body"
        case notReading = "not_reading"
    }

    private enum Phase {
        case idle
        case header
        case body
        case working
    }

    let limits: HTTPLimits
    private var phase = Phase.idle
    /// When the phase must be over.
    private var phaseEnd: Duration?
    private var openRequestCount = 0
    /// Whether bytes of a further request came while the server worked.
    private var hasEarlyBytes = false
    /// Since when too little of the answers was taken, and what was unsent then.
    private var stalledSince: Duration?
    private var stalledByteCount = 0

    /// So much has to be taken for the time to begin anew, if there is as much.
    static let leastByteCount = 8 << 10

    init(limits: HTTPLimits, now: Duration) {
        self.limits = limits
        phaseEnd = now + limits.idleTimeout
    }

    /// Bytes came.
    mutating func received(now: Duration) {
        if phase == .working { hasEarlyBytes = true }
        guard phase == .idle else { return }
        phase = .header
        phaseEnd = now + limits.headerTimeout
    }

    /// A request's headers are complete.
    mutating func head(bodyByteCount: Int?, now: Duration) {
        openRequestCount += 1
        hasEarlyBytes = false
        phase = .body
        phaseEnd = now + limits.bodyTimeout + .seconds((bodyByteCount ?? 0) >> 20)
    }

    /// The head that was counted last will be read by somebody else, who counts it.
    mutating func headReturned(now: Duration) {
        openRequestCount = max(0, openRequestCount - 1)
        phase = .header
        phaseEnd = now + limits.headerTimeout
    }

    /// A request is complete.
    mutating func requestEnded() {
        phase = .working
        phaseEnd = nil
    }

    /// An answer was written to its end.
    mutating func answerEnded(now: Duration) {
        openRequestCount = max(0, openRequestCount - 1)
        // An answer may come before the end of its request, whose rest has its time still.
        guard openRequestCount == 0, phase == .working else { return }
        phase = hasEarlyBytes ? .header : .idle
        phaseEnd = now + (hasEarlyBytes ? limits.headerTimeout : limits.idleTimeout)
        hasEarlyBytes = false
    }

    /// What of the answers the socket has not taken; it is asked when something is written, when a
    /// write is done, and when time is checked.
    mutating func unsent(_ byteCount: Int, now: Duration) {
        if byteCount == 0 {
            stalledSince = nil
        } else if stalledSince == nil || stalledByteCount - byteCount >= Self.leastByteCount {
            (stalledSince, stalledByteCount) = (now, byteCount)
        } else {
            // What an answer adds is no byte that was taken.
            stalledByteCount = max(stalledByteCount, byteCount)
        }
    }

    /// When to check next; nil when only an event can change anything.
    var nextCheck: Duration? {
        let drainEnd = stalledSince.map { $0 + limits.drainTimeout }
        switch (phaseEnd, drainEnd) {
        case (let phaseEnd?, let drainEnd?): return min(phaseEnd, drainEnd)
        case (let end, nil), (nil, let end): return end
        }
    }

    /// Why the connection has to be closed now; nil when it need not be.
    func verdict(now: Duration) -> Reason? {
        if let stalledSince, now - stalledSince >= limits.drainTimeout { return .notReading }
        guard let phaseEnd, now >= phaseEnd else { return nil }
        switch phase {
        case .idle: return stalledSince == nil ? .idle : nil
        case .header: return .slowHeader
        case .body: return .slowBody
        case .working: return nil
        }
    }
}
