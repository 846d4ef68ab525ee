// The load run.
//
// - Everything happens on one event loop, so nothing here is locked; times are nanoseconds since the
//   start of the run.
// - A request that an open loop intends is counted from its intended start, also while it waits for a
//   free connection.
// - A sweep ends whatever has no answer in time, so the run ends no later than its seconds and one
//   timeout, whatever the server does.

import Evaluation
import NIOCore
import NIOHTTP1
import NIOPosix

/// Drives the users of one run.
///
/// Unchecked: every member is touched on `loop` alone.
final class LoadDriver: @unchecked Sendable {
    /// A request on its way.
    private struct Pending {
        var operation: String
        var index: Int
        var start: UInt64
    }

    /// What a user is doing.
    private enum State {
        case away
        /// Since when.
        case connecting(UInt64)
        case resting(LoadConnection)
        case waiting(LoadConnection, Pending)
    }

    private static let sweepInterval = TimeAmount.milliseconds(20)
    /// How long a user waits before it connects again.
    private static let backoff = TimeAmount.seconds(1)
    /// What a failed attempt to connect is counted under.
    static let connecting = "connect"

    private let loop: any EventLoop
    private let server: ServerAddress
    private let plan: LoadPlan
    private let timeout: UInt64
    private let end: UInt64
    private let origin: NIODeadline
    private let finished: EventLoopPromise<LoadOutcome>
    private var requests: LoadRequests
    private var clock: ArrivalClock?
    private var random: SeededNumbers
    private var users: [State]
    /// Users of an open loop with nothing to do; the one that rested longest comes first.
    private var free = CircularBuffer<Int>()
    /// Requests of an open loop that no connection was free for.
    private var queue = CircularBuffer<(start: UInt64, request: LoadRequests.Request)>()
    private var outcome: LoadOutcome
    private var openCount = 0
    private var sweep: RepeatedTask?

    /// Makes a driver; `start` must be called on the loop.
    private init(
        loop: any EventLoop,
        server: ServerAddress,
        plan: LoadPlan,
        requests: LoadRequests
    ) {
        self.loop = loop
        self.server = server
        self.plan = plan
        self.requests = requests
        timeout = UInt64(requests.scenario.timeoutMilliseconds * 1e6)
        end = UInt64(plan.seconds * 1e9)
        origin = .now()
        finished = loop.makePromise()
        random = SeededNumbers(seed: plan.seed ^ 0x7468_696E_6B)
        users = Array(repeating: .away, count: plan.users)
        outcome = LoadOutcome(
            tally: LoadTally(operations: requests.scenario.operations.map(\.name)),
            lateness: Latencies()
        )
        if case .open(let rate, let spacing) = plan.arrivals {
            clock = ArrivalClock(
                rate: rate,
                spacing: spacing,
                rampSeconds: plan.rampSeconds,
                seed: plan.seed
            )
        }
    }

    /// Runs the plan to its end.
    static func run(
        _ plan: LoadPlan,
        requests: LoadRequests,
        server: ServerAddress,
        group: MultiThreadedEventLoopGroup
    ) async throws -> LoadOutcome {
        let loop = group.next()
        return try await loop.flatSubmit {
            let driver = LoadDriver(loop: loop, server: server, plan: plan, requests: requests)
            driver.start()
            return driver.finished.futureResult
        }.get()
    }

    private var now: UInt64 { (NIODeadline.now() - origin).nanosecondsAsUnsigned }

    private func start() {
        for user in users.indices {
            let delay = plan.rampSeconds * 1e9 * Double(user) / Double(users.count)
            loop.scheduleTask(in: .nanoseconds(Int64(delay))) { self.connect(user) }
        }
        sweep = loop.scheduleRepeatedTask(
            initialDelay: Self.sweepInterval,
            delay: Self.sweepInterval
        ) { _ in self.endLate() }
        scheduleArrival()
    }

    // MARK: Connections

    private func connect(_ user: Int) {
        guard now < end else { return }
        users[user] = .connecting(now)
        let bootstrap = ClientBootstrap(group: loop)
            .connectTimeout(.nanoseconds(Int64(timeout)))
            .channelOption(.socketOption(.so_reuseaddr), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHTTPClientHandlers()
                    try channel.pipeline.syncOperations.addHandler(
                        LoadConnection(user: user, driver: self)
                    )
                }
            }
        server.connect(bootstrap).whenFailure { error in
            let kind = error is ChannelError ? "connect_timeout" : "connect"
            self.outcome.tally.fail(
                Self.connecting,
                kind: kind,
                end: self.now,
                isRequest: false
            )
            self.reconnect(user)
        }
    }

    private func reconnect(_ user: Int) {
        users[user] = .away
        loop.scheduleTask(in: Self.backoff) { self.connect(user) }
    }

    /// A user's connection is open.
    func opened(_ user: Int, _ connection: LoadConnection) {
        outcome.connectionsOpened += 1
        openCount += 1
        if case .connecting(let start) = users[user] {
            outcome.connect.record(nanoseconds: now - min(start, now))
        }
        outcome.mostConnections = max(outcome.mostConnections, openCount)
        users[user] = .resting(connection)
        rest(user)
    }

    /// Counts a broken connection once, under `kind` if it was asked something.
    func lost(_ user: Int, _ connection: LoadConnection, _ kind: String) {
        switch users[user] {
        case .resting(let current) where current === connection:
            if now < end { outcome.closedIdle += 1 }
        case .waiting(let current, let pending) where current === connection:
            outcome.tally.fail(pending.operation, kind: kind, end: now)
        default: return
        }
        openCount -= 1
        reconnect(user)
    }

    // MARK: Requests

    /// The head of an answer arrived.
    func began(_ user: Int, _ connection: LoadConnection) {
        guard case .waiting(let current, let pending) = users[user], current === connection else {
            return
        }
        outcome.firstByte.record(nanoseconds: now - min(pending.start, now))
    }

    /// An answer arrived.
    func answered(
        _ user: Int,
        _ connection: LoadConnection,
        status: Int,
        body: ByteBuffer,
        isLast: Bool
    ) {
        guard case .waiting(let current, let pending) = users[user], current === connection else {
            return
        }
        let time = now
        outcome.bytesReceived += body.readableBytes
        let problem = requests.problem(operation: pending.index, status: status, body: body)
        if let problem {
            outcome.tally.fail(pending.operation, kind: problem, end: time)
        } else {
            let taken = time - min(pending.start, time)
            outcome.tally.succeed(pending.operation, nanoseconds: taken, end: time)
        }
        users[user] = .resting(connection)
        if isLast { return connection.close() }
        rest(user)
    }

    /// Lets the user think in a closed loop; gives it the next request in an open one.
    private func rest(_ user: Int) {
        guard clock == nil else {
            if let next = queue.popFirst() {
                send(next.request, as: user, start: next.start)
            } else {
                free.append(user)
            }
            return
        }
        guard case .resting(let connection) = users[user] else { return }
        let identity = ObjectIdentifier(connection)
        let think = requests.scenario.thinkMilliseconds
        let pause = think.lowerBound + random.unit() * (think.upperBound - think.lowerBound)
        let intended = now + UInt64(pause * 1e6)
        guard intended < end else { return }
        loop.scheduleTask(in: .nanoseconds(Int64(pause * 1e6))) {
            // A connection that broke meanwhile makes the user start over.
            guard case .resting(let current) = self.users[user],
                ObjectIdentifier(current) == identity,
                self.now < self.end
            else { return }
            self.outcome.lateness.record(nanoseconds: self.now - min(intended, self.now))
            self.send(self.requests.next(), as: user, start: self.now)
        }
    }

    private func send(_ request: LoadRequests.Request, as user: Int, start: UInt64) {
        guard case .resting(let connection) = users[user] else { return }
        let operation = requests.scenario.operations[request.operation].name
        let pending = Pending(operation: operation, index: request.operation, start: start)
        users[user] = .waiting(connection, pending)
        outcome.bytesSent += request.body.readableBytes
        connection.send(request)
    }

    private func scheduleArrival() {
        guard let intended = clock?.next(), intended < end else { return }
        loop.scheduleTask(deadline: origin + .nanoseconds(Int64(intended))) {
            self.outcome.lateness.record(nanoseconds: self.now - min(intended, self.now))
            self.arrive(intended)
            self.scheduleArrival()
        }
    }

    private func arrive(_ intended: UInt64) {
        let request = requests.next()
        while let user = free.popFirst() {
            if case .resting = users[user] { return send(request, as: user, start: intended) }
        }
        queue.append((intended, request))
    }

    // MARK: The end

    /// Ends requests without an answer, and the run when its time is over and nothing is under way.
    private func endLate() {
        let time = now
        while let first = queue.first, first.start + timeout <= time {
            queue.removeFirst()
            let name = requests.scenario.operations[first.request.operation].name
            outcome.tally.fail(name, kind: "timeout", end: time)
        }
        var isWaiting = !queue.isEmpty
        for user in users.indices {
            guard case .waiting(let connection, let pending) = users[user] else { continue }
            if pending.start + timeout <= time {
                lost(user, connection, "timeout")
                connection.close()
            } else {
                isWaiting = true
            }
        }
        guard time >= end, !isWaiting else { return }
        sweep?.cancel()
        for state in users {
            if case .resting(let connection) = state { connection.close() }
        }
        outcome.seconds = Double(time) / 1e9
        finished.succeed(outcome)
    }
}

extension TimeAmount {
    fileprivate var nanosecondsAsUnsigned: UInt64 { UInt64(max(nanoseconds, 0)) }
}
