import Synchronization

/// Bounds how many wrong signatures one peer may have looked at.
package final class FailureLimiter: Sendable {
    private struct Bucket {
        var tokens: Double
        var time: Double
    }

    /// Peers that are remembered.
    private static let maximumPeerCount = 10_000

    private let burst: Double
    private let perSecond: Double
    private let buckets = Mutex<[String: Bucket]>([:])

    /// Lets a peer be wrong `burst` times at once and `perSecond` times a second from then on.
    package init(burst: Int = 20, perSecond: Double = 1) {
        self.burst = Double(burst)
        self.perSecond = perSecond
    }

    /// Refuses a peer that was wrong too often.
    func check(_ peer: String, now: Double) throws(TokenRefusal) {
        let isAllowed = buckets.withLock { buckets in
            guard let bucket = buckets[peer] else { return true }
            return filled(bucket, now: now) >= 1
        }
        guard isAllowed else {
            throw TokenRefusal(.tooMany, "Too many tokens of yours were wrong; try again later")
        }
    }

    /// Notes that a peer was wrong.
    func note(_ peer: String, now: Double) {
        buckets.withLock { buckets in
            if buckets.count >= Self.maximumPeerCount, buckets[peer] == nil {
                // Those that have nothing to answer for any more are forgotten first.
                buckets = buckets.filter { filled($0.value, now: now) < burst }
                if buckets.count >= Self.maximumPeerCount { buckets.removeAll() }
            }
            let tokens = buckets[peer].map { filled($0, now: now) } ?? burst
            buckets[peer] = Bucket(tokens: tokens - 1, time: now)
        }
    }

    private func filled(_ bucket: Bucket, now: Double) -> Double {
        min(burst, bucket.tokens + max(0, now - bucket.time) * perSecond)
    }
}
