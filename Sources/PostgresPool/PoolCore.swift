import CLibPQ
import Glibc
import Synchronization

/// The shell around `PoolState`: a lock, the threads, and the callers that wait.
final class PoolCore: Sendable {
    struct Lease: Sendable {
        var id: PoolState.ConnectionID
        var thread: ConnectionThread
    }

    typealias Caller = CheckedContinuation<Result<Lease, PostgresError>, Never>

    private struct Shell {
        var state: PoolState
        var threads: [PoolState.ConnectionID: ConnectionThread] = [:]
        var callers: [PoolState.WaiterID: Caller] = [:]
        /// The place in the source that holds each lease.
        var places: [PoolState.ConnectionID: String] = [:]
        var waiterPlaces: [PoolState.WaiterID: String] = [:]
        var drained: [CheckedContinuation<Void, Never>] = []
        var lastFailure = "no connect yet"
        var counted = PoolMetrics()
    }

    let configuration: PoolConfiguration
    private let shell: Mutex<Shell>
    private let nextWaiter = Atomic(0)
    private let wake: CInt
    private let start = ContinuousClock.now
    let preparation: PreparationSwitch

    init(_ configuration: PoolConfiguration) {
        self.configuration = configuration
        preparation = PreparationSwitch(isOn: configuration.preparesStatements)
        wake = eventfd(0, CInt(EFD_NONBLOCK) | CInt(EFD_CLOEXEC))
        shell = Mutex(
            Shell(state: PoolState(configuration, seed: UInt64.random(in: 0 ... .max)))
        )
        let started = startThread { [self] in keepTime() }
        precondition(started && wake >= 0, "no thread or descriptor for the pool's timer")
    }

    deinit {
        Glibc.close(wake)
    }

    private var now: Duration { ContinuousClock.now - start }

    var metrics: PoolMetrics {
        shell.withLock { shell in
            var metrics = shell.state.metrics(now: now)
            let counted = shell.counted
            metrics.statements = counted.statements
            metrics.statementTimeouts = counted.statementTimeouts
            metrics.cancellations = counted.cancellations
            metrics.lostStatements = counted.lostStatements
            metrics.waits = counted.waits
            metrics.durations = counted.durations
            metrics.isPreparing = preparation.value
            return metrics
        }
    }

    /// Why the last connect failed.
    var lastFailure: String { shell.withLock { $0.lastFailure } }

    /// Counts a statement that ended.
    func count(_ duration: Duration, _ code: PostgresError.Code?) {
        shell.withLock { shell in
            shell.counted.statements += 1
            shell.counted.durations.add(duration)
            switch code {
            case .statementTimeout: shell.counted.statementTimeouts += 1
            case .cancelled: shell.counted.cancellations += 1
            case .connectionLost: shell.counted.lostStatements += 1
            default: break
            }
        }
    }

    // MARK: Callers

    func acquire(timeout: Duration, place: String) async throws(PostgresError) -> Lease {
        let waiter = nextWaiter.wrappingAdd(1, ordering: .relaxed).newValue
        let begin = ContinuousClock.now
        defer {
            let waited = ContinuousClock.now - begin
            shell.withLock { $0.counted.waits.add(waited) }
        }
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { (caller: Caller) in
                apply { shell in
                    shell.callers[waiter] = caller
                    shell.waiterPlaces[waiter] = place
                    return shell.state.acquire(waiter, deadline: now + timeout, now: now)
                }
                // A cancellation before the caller stood in line found nobody to withdraw.
                if Task.isCancelled { withdraw(waiter) }
            }
        } onCancel: {
            withdraw(waiter)
        }
        return try result.get()
    }

    private func withdraw(_ waiter: PoolState.WaiterID) {
        let caller = shell.withLock { shell -> Caller? in
            guard shell.state.withdraw(waiter) else { return nil }
            shell.waiterPlaces[waiter] = nil
            return shell.callers.removeValue(forKey: waiter)
        }
        caller?.resume(
            returning: .failure(PostgresError(.cancelled, "cancelled while waiting"))
        )
    }

    /// Takes a connection back: as it is, after a rollback, or to be closed.
    func release(_ lease: Lease) {
        if lease.thread.isIdle {
            apply { $0.state.release(lease.id, isReusable: true, now: now) }
            return
        }
        lease.thread.submit { [self, configuration] connection in
            if connection.isInTransaction {
                _ = try? connection.query(
                    "ROLLBACK",
                    [],
                    timeout: configuration.validationTimeout
                )
            }
            let isReusable = connection.isIdle
            apply { $0.state.release(lease.id, isReusable: isReusable, now: now) }
        }
    }

    func close() {
        apply { $0.state.close(now: now) }
    }

    var isDrained: Bool { shell.withLock { $0.state.isDrained } }

    func drained() async {
        await withCheckedContinuation { continuation in
            let isDrained = shell.withLock { shell in
                if !shell.state.isDrained { shell.drained.append(continuation) }
                return shell.state.isDrained
            }
            if isDrained { continuation.resume() }
        }
    }

    // MARK: Events and actions

    /// Gives an event to the state machine and does what it says, outside the lock.
    private func apply(
        wakesTimer: Bool = true,
        _ event: (inout Shell) -> [PoolState.Action]
    ) {
        let work = shell.withLock { shell -> [@Sendable () -> Void] in
            let actions = event(&shell)
            var work = actions.map { perform($0, &shell) }
            if shell.state.isDrained {
                let drained = shell.drained
                shell.drained = []
                work.append { drained.forEach { $0.resume() } }
            }
            return work
        }
        for step in work { step() }
        if wakesTimer {
            var one: UInt64 = 1
            _ = write(wake, &one, 8)
        }
    }

    private func perform(
        _ action: PoolState.Action,
        _ shell: inout Shell
    ) -> @Sendable () -> Void {
        switch action {
        case .connect(let id):
            let thread = ConnectionThread()
            shell.threads[id] = thread
            return { [self] in connect(id, thread) }
        case .validate(let id):
            guard let thread = shell.threads[id] else { return {} }
            return { [self, configuration] in
                thread.submit { connection in
                    let answer = try? connection.query(
                        "",
                        [],
                        timeout: configuration.validationTimeout
                    )
                    let isAlive = answer != nil && connection.isIdle
                    self.apply { $0.state.validated(id, isAlive: isAlive, now: self.now) }
                }
            }
        case .grant(let waiter, let id):
            let place = shell.waiterPlaces.removeValue(forKey: waiter)
            shell.places[id] = place
            guard let caller = shell.callers.removeValue(forKey: waiter),
                let thread = shell.threads[id]
            else { return {} }
            return { caller.resume(returning: .success(Lease(id: id, thread: thread))) }
        case .refuse(let waiter, let refusal):
            shell.waiterPlaces[waiter] = nil
            let error = Self.error(refusal, lastFailure: shell.lastFailure)
            let caller = shell.callers.removeValue(forKey: waiter)
            return { caller?.resume(returning: .failure(error)) }
        case .close(let id):
            shell.places[id] = nil
            let thread = shell.threads.removeValue(forKey: id)
            return { thread?.stop() }
        case .reportLeak(let id):
            let place = shell.places[id] ?? "unknown place"
            return { [configuration] in configuration.onLeak?(place) }
        }
    }

    private func connect(_ id: PoolState.ConnectionID, _ thread: ConnectionThread) {
        thread.start(configuration) { [self] error in
            apply { shell in
                guard let error else { return shell.state.connected(id, now: now) }
                shell.threads[id] = nil
                shell.lastFailure = error.message
                return shell.state.connectFailed(id, now: now)
            }
        } closed: { [self] in
            apply { $0.state.closed(id, now: now) }
        }
    }

    private static func error(
        _ refusal: PoolState.Refusal,
        lastFailure: String
    ) -> PostgresError {
        switch refusal {
        case .tooManyWaiters:
            PostgresError(.tooManyWaiters, "too many callers wait for Postgres; try later")
        case .deadline:
            PostgresError(.acquireTimeout, "no Postgres connection came free in time")
        case .circuitOpen:
            PostgresError(.circuitOpen, "Postgres cannot be reached: \(lastFailure)")
        case .poolClosed: PostgresError(.poolClosed, "the pool is closed")
        }
    }

    // MARK: Time

    private func keepTime() {
        while true {
            var count: UInt64 = 0
            _ = read(wake, &count, 8)
            apply(wakesTimer: false) { $0.state.tick(now: now) }
            let (next, isDrained) = shell.withLock {
                ($0.state.nextTick(now: now), $0.state.isDrained)
            }
            if isDrained { return }
            let left = (next ?? now + .seconds(60)) - now
            let milliseconds =
                left.components.seconds * 1_000
                + left.components.attoseconds / 1_000_000_000_000_000 + 1
            var place = pollfd(fd: wake, events: Int16(POLLIN), revents: 0)
            _ = poll(&place, 1, CInt(max(1, min(milliseconds, 60_000))))
        }
    }
}
