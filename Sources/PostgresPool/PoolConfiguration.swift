/// Where the server is and how the pool behaves.
package struct PoolConfiguration: Sendable {
    /// What libpq takes: `postgresql://…` with `sslmode`, `sslrootcert` and the like.
    package var url: String
    /// The most connections that exist at once, those being closed included.
    package var maximumCount = 8
    /// Connections held ready.
    package var minimumIdleCount = 2
    /// The most connections being made at once.
    package var maximumConnectingCount = 2
    /// The most callers that wait at once.
    package var maximumWaiterCount = 256
    /// The longest that a caller waits.
    package var acquireTimeout: Duration = .seconds(2)
    package var connectTimeout: Duration = .seconds(5)
    /// The first and the longest pause after failed connects.
    ///
    /// The longest bounds how soon after the server's return there is full service.
    package var backoff: ClosedRange<Duration> = .milliseconds(100)...(.seconds(2))
    /// A connection idle for longer is asked for a sign of life before it is lent.
    package var validateAfterIdle: Duration = .seconds(1)
    package var validationTimeout: Duration = .milliseconds(500)
    /// The age at which a connection is replaced, give or take `lifetimeJitter` of it.
    package var lifetime: Duration = .seconds(1_800)
    package var lifetimeJitter = 0.1
    /// Connections beyond `minimumIdleCount` close after idling this long.
    package var idleTimeout: Duration = .seconds(600)
    /// Kept by a timer of ours, so that it holds behind a pooler and on a hung server too.
    package var statementTimeout: Duration = .seconds(30)
    /// How long the place of a connection is kept for a server that does not read its cancellation.
    package var cancelLimit: Duration = .seconds(30)
    /// Prepare statements once a connection; turned off when a pooler cannot have them.
    package var preparesStatements = true
    /// A lease that lives longer is counted and reported as a leak, once.
    package var leakThreshold: Duration = .seconds(60)
    /// Called with the place that holds a leaked lease.
    package var onLeak: (@Sendable (_ place: String) -> Void)?

    package init(url: String) {
        self.url = url
    }
}

/// What the pool holds now and has done so far.
package struct PoolMetrics: Sendable, Equatable {
    package var connecting = 0
    package var idle = 0
    package var validating = 0
    package var leased = 0
    package var closing = 0
    package var waiting = 0

    package var grants: UInt64 = 0
    package var refusedFull: UInt64 = 0
    package var refusedDeadline: UInt64 = 0
    package var refusedCircuit: UInt64 = 0
    package var connects: UInt64 = 0
    package var connectFailures: UInt64 = 0
    package var validationFailures: UInt64 = 0
    package var destroyed: UInt64 = 0
    package var retired: UInt64 = 0
    package var leaks: UInt64 = 0
    package var isCircuitOpen = false

    /// Statements run, whatever became of them.
    package var statements: UInt64 = 0
    /// Statements that ran out of time.
    package var statementTimeouts: UInt64 = 0
    /// Statements whose caller went away.
    package var cancellations: UInt64 = 0
    /// Statements that broke their connection otherwise.
    package var lostStatements: UInt64 = 0
    /// How long callers waited for a connection.
    package var waits = DurationCounts()
    /// How long statements took.
    package var durations = DurationCounts()
    /// Whether statements are prepared.
    package var isPreparing = false
}

/// How many durations fell below each of a few bounds.
package struct DurationCounts: Sendable, Equatable {
    /// The bounds in seconds.
    package static let bounds = [
        0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
    ]

    /// The durations up to each bound and above the one before; the last is above all bounds.
    package private(set) var counts = [UInt64](repeating: 0, count: bounds.count + 1)
    /// All durations together, in seconds.
    package private(set) var sum = 0.0

    package init() {}

    package mutating func add(_ duration: Duration) {
        let seconds = duration / .seconds(1)
        let place = Self.bounds.firstIndex { seconds <= $0 } ?? Self.bounds.count
        counts[place] += 1
        sum += seconds
    }
}
