import Evaluation

/// How a load run sends its requests.
struct LoadPlan: Sendable {
    /// What decides when the next request starts.
    enum Arrivals: Sendable {
        /// Each user asks, reads the answer, thinks, and asks again.
        case closed
        /// Requests start at set times, whatever became of those before.
        case open(rate: Double, spacing: ArrivalClock.Spacing)
    }

    var arrivals: Arrivals
    /// Users, each with a connection of its own.
    var users: Int
    /// Seconds in which the users connect, and in which an open loop reaches its rate.
    var rampSeconds: Double
    /// Seconds of the run, the ramp among them.
    var seconds: Double
    var seed: UInt64
}

/// What a load run saw.
struct LoadOutcome: Sendable {
    var tally: LoadTally
    /// How late this program began requests: large values mean that it was itself too slow.
    var lateness: Latencies
    /// From the call to the open connection, and from the intended start to the answer's head.
    var connect = Latencies()
    var firstByte = Latencies()
    /// Bytes of bodies.
    var bytesSent = 0
    var bytesReceived = 0
    var mostConnections = 0
    var connectionsOpened = 0
    /// Connections that the server closed while nothing was asked on them.
    var closedIdle = 0
    /// From the start to the last answer.
    var seconds = 0.0
}
