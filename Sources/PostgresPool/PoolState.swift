// The pool as a value: what happened goes in, what to do comes out.
//
// - Never more than `maximumCount` connections exist, those still closing included.
// - Callers are served in the order they came; nobody waits past his deadline.
// - A connection is with one caller or with none, and one that is in doubt is closed, never lent.
// - While the server cannot be reached and no connection lives, callers are refused at once.

/// The state machine of the pool; it knows no threads, no sockets and no clock.
package struct PoolState: Sendable {
    package typealias ConnectionID = Int
    package typealias WaiterID = Int

    /// What the shell has to do.
    package enum Action: Equatable, Sendable {
        /// Make a connection; then `connected` or `connectFailed`.
        case connect(ConnectionID)
        /// Ask it for a sign of life; then `validated`.
        case validate(ConnectionID)
        case grant(WaiterID, ConnectionID)
        case refuse(WaiterID, Refusal)
        /// Close it; then `closed`.
        case close(ConnectionID)
        case reportLeak(ConnectionID)
    }

    /// Why a caller gets no connection.
    package enum Refusal: Equatable, Sendable {
        case tooManyWaiters
        case deadline
        case circuitOpen
        case poolClosed
    }

    enum Phase: Equatable {
        case connecting
        case idle
        case validating
        case leased
        case closing
    }

    struct Connection {
        var phase: Phase
        /// Since when it is in this phase.
        var since: Duration
        var expires: Duration
        /// Needs a sign of life whatever its idle time.
        var isSuspect = false
        var isLeakReported = false
    }

    let configuration: PoolConfiguration
    private(set) var connections: [ConnectionID: Connection] = [:]
    private(set) var waiters: [(id: WaiterID, deadline: Duration)] = []
    private var nextID = 0
    private var random: UInt64
    private var failures = 0
    /// No connect before this moment.
    private var retryAt = Duration.zero
    private(set) var isClosed = false
    private var counters = PoolMetrics()

    package init(_ configuration: PoolConfiguration, seed: UInt64) {
        self.configuration = configuration
        random = seed
    }

    package var isDrained: Bool { isClosed && connections.isEmpty }

    private func count(_ phase: Phase) -> Int {
        connections.values.count { $0.phase == phase }
    }

    package func metrics(now: Duration) -> PoolMetrics {
        var metrics = counters
        metrics.connecting = count(.connecting)
        metrics.idle = count(.idle)
        metrics.validating = count(.validating)
        metrics.leased = count(.leased)
        metrics.closing = count(.closing)
        metrics.waiting = waiters.count
        metrics.isCircuitOpen = failures > 0
        return metrics
    }

    // MARK: What callers do

    package mutating func acquire(
        _ waiter: WaiterID,
        deadline: Duration,
        now: Duration
    ) -> [Action] {
        if isClosed { return [.refuse(waiter, .poolClosed)] }
        var actions: [Action] = []
        if waiters.count >= configuration.maximumWaiterCount {
            // Those past their deadline make room first.
            actions = dispatch(now: now)
            guard waiters.count < configuration.maximumWaiterCount else {
                counters.refusedFull += 1
                return actions + [.refuse(waiter, .tooManyWaiters)]
            }
        }
        waiters.append((waiter, deadline))
        return actions + dispatch(now: now)
    }

    /// The caller gave up; true when he was still waiting.
    package mutating func withdraw(_ waiter: WaiterID) -> Bool {
        guard let place = waiters.firstIndex(where: { $0.id == waiter }) else { return false }
        waiters.remove(at: place)
        return true
    }

    package mutating func release(
        _ id: ConnectionID,
        isReusable: Bool,
        now: Duration
    ) -> [Action] {
        guard let connection = connections[id], connection.phase == .leased else { return [] }
        if isReusable, !isClosed, connection.expires > now {
            move(id, to: .idle, now: now)
            return dispatch(now: now)
        }
        if isReusable { counters.retired += 1 } else { counters.destroyed += 1 }
        // What broke one connection may have broken them all.
        if !isReusable { suspectAll() }
        return [close(id, now: now)] + dispatch(now: now)
    }

    // MARK: What connections do

    package mutating func connected(_ id: ConnectionID, now: Duration) -> [Action] {
        guard let connection = connections[id], connection.phase == .connecting else { return [] }
        failures = 0
        retryAt = .zero
        counters.connects += 1
        if isClosed { return [close(id, now: now)] }
        move(id, to: .idle, now: now)
        let expires = now + lifetime()
        connections[id]?.expires = expires
        return dispatch(now: now)
    }

    /// The connect failed and left nothing behind.
    package mutating func connectFailed(_ id: ConnectionID, now: Duration) -> [Action] {
        guard connections[id]?.phase == .connecting else { return [] }
        connections[id] = nil
        counters.connectFailures += 1
        failures += 1
        retryAt = now + pause()
        return dispatch(now: now)
    }

    package mutating func validated(
        _ id: ConnectionID,
        isAlive: Bool,
        now: Duration
    ) -> [Action] {
        guard connections[id]?.phase == .validating else { return [] }
        if isAlive, !isClosed {
            move(id, to: .idle, now: now)
            return dispatch(now: now)
        }
        if !isAlive {
            counters.validationFailures += 1
            suspectAll()
        }
        return [close(id, now: now)] + dispatch(now: now)
    }

    package mutating func closed(_ id: ConnectionID, now: Duration) -> [Action] {
        guard connections[id]?.phase == .closing else { return [] }
        connections[id] = nil
        return dispatch(now: now)
    }

    // MARK: What time does

    /// Deadlines, ages, idle connections and leaks.
    package mutating func tick(now: Duration) -> [Action] {
        var actions: [Action] = []
        var idleCount = count(.idle)
        for (id, connection) in connections.sorted(by: { $0.key < $1.key }) {
            switch connection.phase {
            case .idle where connection.expires <= now,
                .idle
            where idleCount > configuration.minimumIdleCount
                && now - connection.since >= configuration.idleTimeout:
                counters.retired += 1
                idleCount -= 1
                actions.append(close(id, now: now))
            case .leased
            where !connection.isLeakReported
                && now - connection.since >= configuration.leakThreshold:
                connections[id]?.isLeakReported = true
                counters.leaks += 1
                actions.append(.reportLeak(id))
            default: break
            }
        }
        return actions + dispatch(now: now)
    }

    /// The next moment at which `tick` would do something; nil when only an event can.
    package func nextTick(now: Duration) -> Duration? {
        var moments = waiters.map(\.deadline)
        if retryAt > now, !isClosed { moments.append(retryAt) }
        let idleCount = count(.idle)
        for connection in connections.values {
            switch connection.phase {
            case .idle:
                moments.append(connection.expires)
                if idleCount > configuration.minimumIdleCount {
                    moments.append(connection.since + configuration.idleTimeout)
                }
            case .leased where !connection.isLeakReported:
                moments.append(connection.since + configuration.leakThreshold)
            case .closing where !waiters.isEmpty:
                let moment = connection.since + configuration.validationTimeout
                if moment > now { moments.append(moment) }
            default: break
            }
        }
        return moments.min()
    }

    /// Refuses all who wait and closes what is not lent; the rest closes as it comes back.
    package mutating func close(now: Duration) -> [Action] {
        isClosed = true
        var actions: [Action] = waiters.map { .refuse($0.id, .poolClosed) }
        waiters = []
        for (id, connection) in connections.sorted(by: { $0.key < $1.key })
        where connection.phase == .idle {
            actions.append(close(id, now: now))
        }
        return actions
    }

    // MARK: Matching callers and connections

    private mutating func dispatch(now: Duration) -> [Action] {
        if isClosed { return [] }
        var actions: [Action] = []
        for waiter in waiters where waiter.deadline <= now {
            counters.refusedDeadline += 1
            actions.append(.refuse(waiter.id, .deadline))
        }
        waiters.removeAll { $0.deadline <= now }
        while let waiter = waiters.first, let id = newestIdle(fresh: true, now: now) {
            waiters.removeFirst()
            move(id, to: .leased, now: now)
            counters.grants += 1
            actions.append(.grant(waiter.id, id))
        }
        while waiters.count > count(.connecting) + count(.validating),
            let id = newestIdle(fresh: false, now: now)
        {
            move(id, to: .validating, now: now)
            actions.append(.validate(id))
        }
        while mayConnect(now: now) {
            nextID += 1
            connections[nextID] = Connection(phase: .connecting, since: now, expires: now)
            actions.append(.connect(nextID))
        }
        // Nothing lives and nothing is under way, or the server reads no farewells: waiting would be
        // in vain.
        if !waiters.isEmpty, retryAt > now || isStuck(now: now),
            connections.values.allSatisfy({ $0.phase == .closing })
        {
            counters.refusedCircuit += UInt64(waiters.count)
            actions += waiters.map { .refuse($0.id, .circuitOpen) }
            waiters = []
        }
        return actions
    }

    /// Whether every place is held by a connection that does not come to its end.
    private func isStuck(now: Duration) -> Bool {
        connections.count >= configuration.maximumCount
            && connections.values.allSatisfy {
                now - $0.since >= configuration.validationTimeout
            }
    }

    private func mayConnect(now: Duration) -> Bool {
        let connecting = count(.connecting)
        let pending = connecting + count(.validating)
        let isWanted =
            waiters.count > pending
            || count(.idle) + pending < configuration.minimumIdleCount
        // After a failure one connect at a time tries the water.
        let limit = failures > 0 ? 1 : configuration.maximumConnectingCount
        return isWanted && retryAt <= now && connecting < limit
            && connections.count < configuration.maximumCount
    }

    /// The idle connection used last, so that the others may age and close.
    private func newestIdle(fresh: Bool, now: Duration) -> ConnectionID? {
        connections.filter { _, connection in
            guard connection.phase == .idle, connection.expires > now else { return false }
            let isFresh =
                !connection.isSuspect
                && now - connection.since <= configuration.validateAfterIdle
            return isFresh == fresh
        }.max { ($0.value.since, $0.key) < ($1.value.since, $1.key) }?.key
    }

    private mutating func move(_ id: ConnectionID, to phase: Phase, now: Duration) {
        connections[id]?.phase = phase
        connections[id]?.since = now
        connections[id]?.isLeakReported = false
        if phase == .idle { connections[id]?.isSuspect = false }
    }

    private mutating func close(_ id: ConnectionID, now: Duration) -> Action {
        move(id, to: .closing, now: now)
        return .close(id)
    }

    private mutating func suspectAll() {
        for id in connections.keys { connections[id]?.isSuspect = true }
    }

    // MARK: Chance

    private mutating func lifetime() -> Duration {
        configuration.lifetime * (1 + configuration.lifetimeJitter * (2 * chance() - 1))
    }

    /// From half the doubled pause to all of it.
    private mutating func pause() -> Duration {
        let longest = configuration.backoff.upperBound
        let doubled = configuration.backoff.lowerBound * (1 << min(failures - 1, 16))
        return min(doubled, longest) * (0.5 + 0.5 * chance())
    }

    /// SplitMix64, as a fraction from 0 up to 1.
    private mutating func chance() -> Double {
        random &+= 0x9E37_79B9_7F4A_7C15
        var mixed = random
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return Double((mixed ^ (mixed >> 31)) >> 11) * 0x1p-53
    }
}
