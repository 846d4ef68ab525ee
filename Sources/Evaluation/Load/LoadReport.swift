/// The results of a load run, as they are written to a file (in snake case).
package struct LoadReport: Encodable, Sendable {
    /// One kind of request.
    package struct Operation: Encodable, Sendable {
        package var requests: Int
        package var errors: [String: Int]
        package var latencyMs: LatencySummary

        package init(_ operation: LoadTally.Operation) {
            requests = operation.requests
            errors = operation.errors
            latencyMs = LatencySummary(operation.latencies, failures: operation.failedRequests)
        }
    }

    /// One second of the run.
    package struct Second: Encodable, Sendable {
        package var second: Int
        package var answers: UInt64
        package var errors: Int
        package var p50Ms: Double?
        package var p99Ms: Double?
        package var maxMs: Double?
    }

    /// What was asked of the run.
    package struct Settings: Encodable, Sendable {
        package var scenario: String
        package var loop: String
        package var spacing: String?
        package var rate: Double?
        package var users: Int
        package var rampS: Double
        package var durationS: Double
        package var timeoutMs: Double
        package var seed: UInt64
        package var queries: String
        package var collection: String
        package var address: String

        package init(
            scenario: String,
            loop: String,
            spacing: String?,
            rate: Double?,
            users: Int,
            ramp: Double,
            duration: Double,
            timeout: Double,
            seed: UInt64,
            queries: String,
            collection: String,
            address: String
        ) {
            (self.scenario, self.loop, self.spacing, self.rate) = (scenario, loop, spacing, rate)
            (self.users, rampS, durationS, timeoutMs) = (users, ramp, duration, timeout)
            (self.seed, self.queries, self.collection) = (seed, queries, collection)
            self.address = address
        }
    }

    /// What was sent and received, bodies alone.
    package struct Traffic: Encodable, Sendable {
        package var bytesSent: Int
        package var bytesReceived: Int
        /// From the intended start to the first byte of the answer.
        package var firstByteMs: LatencySummary
        /// From the call to the open connection.
        package var connectMs: LatencySummary

        package init(
            bytesSent: Int,
            bytesReceived: Int,
            firstByte: Latencies,
            connect: Latencies
        ) {
            (self.bytesSent, self.bytesReceived) = (bytesSent, bytesReceived)
            firstByteMs = LatencySummary(firstByte)
            connectMs = LatencySummary(connect)
        }
    }

    /// Answers that had what was asked for, and those that had not.
    package struct Check: Encodable, Sendable, Equatable {
        package var passed: Int
        package var failed: Int
    }

    /// The connections of the run.
    package struct Connections: Encodable, Sendable {
        package var most: Int
        package var opened: Int
        package var closedIdle: Int

        package init(most: Int, opened: Int, closedIdle: Int) {
            (self.most, self.opened, self.closedIdle) = (most, opened, closedIdle)
        }
    }

    package var format = 1
    package var machine: String
    package var commit: String
    /// Vectors, queries and their digest, as in other results; null when it is not known.
    package var data: JSONFragment
    package var settings: Settings
    /// Rows of the collection before the run.
    package var rows: Int
    package var seconds: Double
    package var answersPerSecond: Double
    package var total: Operation
    package var operations: [String: Operation]
    package var connections: Connections
    package var traffic: Traffic
    package var checks: [String: Check]
    /// The histogram itself: microseconds and how many answers took them, by rising time.
    ///
    /// As in `812.5:3 813:1`, one text, so that the file stays readable.
    package var histogramUs: String
    /// How late the program itself began requests.
    package var clientLatenessMs: LatencySummary
    package var timeline: [Second]
    package var thresholds: [LoadThreshold.Verdict]
    package var serverBefore: JSONFragment
    /// Null when the server did not answer any more.
    package var serverAfter: JSONFragment

    package init(
        machine: String,
        commit: String,
        data: JSONFragment,
        settings: Settings,
        rows: Int,
        seconds: Double,
        tally: LoadTally,
        connections: Connections,
        traffic: Traffic,
        lateness: Latencies,
        thresholds: [LoadThreshold],
        serverBefore: JSONFragment,
        serverAfter: JSONFragment
    ) {
        self.machine = machine
        self.commit = commit
        self.data = data
        self.settings = settings
        self.rows = rows
        self.seconds = seconds
        answersPerSecond = seconds > 0 ? Double(tally.total.latencies.count) / seconds : 0
        total = Operation(tally.total)
        operations = tally.operations.mapValues { Operation($0) }
        self.connections = connections
        self.traffic = traffic
        checks = [
            "result_not_empty": Check(
                passed: Int(tally.total.latencies.count),
                failed: tally.total.errors["bad_result"] ?? 0
            )
        ]
        histogramUs = tally.total.latencies.buckets.map { "\($0.microseconds):\($0.count)" }
            .joined(separator: " ")
        clientLatenessMs = LatencySummary(lateness)
        timeline = tally.timeline.enumerated().map { index, second in
            let latency = LatencySummary(second.latencies, failures: second.failedRequests)
            return Second(
                second: index,
                answers: latency.count,
                errors: second.errors,
                p50Ms: latency.p50,
                p99Ms: latency.p99,
                maxMs: latency.max
            )
        }
        self.thresholds = thresholds.map { $0.verdict(tally, seconds: seconds) }
        self.serverBefore = serverBefore
        self.serverAfter = serverAfter
    }
}
