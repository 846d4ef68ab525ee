import Testing

@testable import PostgresPool

/// A made-up world around the state machine: connects and validations end by chance.
private struct World {
    var state: PoolState
    var now = Duration.zero
    var random: SplitMix
    var connecting: [Int] = []
    var validating: [Int] = []
    var leased: [Int] = []
    var closing: [Int] = []
    /// Callers that wait, in the order they came.
    var waiting: [Int] = []
    var deadlines: [Int: Duration] = [:]
    var problems: [String] = []

    struct SplitMix: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return mixed ^ (mixed >> 31)
        }
    }

    mutating func take(_ actions: [PoolState.Action]) {
        for action in actions {
            switch action {
            case .connect(let id): connecting.append(id)
            case .validate(let id): validating.append(id)
            case .close(let id): closing.append(id)
            case .reportLeak: break
            case .grant(let waiter, let id):
                if leased.contains(id) || validating.contains(id) || closing.contains(id) {
                    problems.append("connection \(id) granted while in use")
                }
                if waiting.first != waiter { problems.append("\(waiter) served out of turn") }
                if let deadline = deadlines[waiter], deadline <= now {
                    problems.append("\(waiter) served after the deadline")
                }
                waiting.removeAll { $0 == waiter }
                leased.append(id)
            case .refuse(let waiter, _):
                if !waiting.contains(waiter) { problems.append("\(waiter) answered twice") }
                waiting.removeAll { $0 == waiter }
            }
        }
        let count = connecting.count + validating.count + leased.count + closing.count
        let metrics = state.metrics(now: now)
        if count + metrics.idle > state.configuration.maximumCount {
            problems.append("\(count + metrics.idle) connections")
        }
        if waiting.count != metrics.waiting { problems.append("a caller was forgotten") }
    }
}

@Suite struct `Pool state` {
    private func state(_ change: (inout PoolConfiguration) -> Void = { _ in }) -> PoolState {
        var configuration = PoolConfiguration(url: "")
        configuration.minimumIdleCount = 0
        change(&configuration)
        return PoolState(configuration, seed: 7)
    }

    @Test(arguments: 0..<200 as Range<UInt64>)
    func `any schedule keeps the size, the order and every caller answered`(seed: UInt64) {
        var configuration = PoolConfiguration(url: "")
        configuration.maximumCount = 3
        configuration.maximumWaiterCount = 5
        configuration.lifetime = .seconds(20)
        configuration.idleTimeout = .seconds(8)
        var world = World(
            state: PoolState(configuration, seed: seed),
            random: World.SplitMix(state: seed)
        )
        for step in 0..<2_000 {
            let serverIsUp = (step / 150) % 3 != 2
            world.now += .milliseconds(Int.random(in: 0...300, using: &world.random))
            let now = world.now
            switch Int.random(in: 0..<7, using: &world.random) {
            case 0, 1:
                world.waiting.append(step)
                world.deadlines[step] = now + .seconds(2)
                world.take(world.state.acquire(step, deadline: now + .seconds(2), now: now))
            case 2:
                guard let id = world.connecting.popLast() else { continue }
                world.take(
                    serverIsUp
                        ? world.state.connected(id, now: now)
                        : world.state.connectFailed(id, now: now)
                )
            case 3:
                guard let id = world.validating.popLast() else { continue }
                world.take(world.state.validated(id, isAlive: serverIsUp, now: now))
            case 4:
                guard let id = world.leased.popLast() else { continue }
                world.take(world.state.release(id, isReusable: serverIsUp, now: now))
            case 5:
                guard let id = world.closing.popLast() else { continue }
                world.take(world.state.closed(id, now: now))
            default: world.take(world.state.tick(now: now))
            }
        }
        #expect(world.problems.isEmpty, "seed \(seed): \(world.problems.prefix(3))")
        world.now += .seconds(10)
        world.take(world.state.tick(now: world.now))
        #expect(world.waiting.isEmpty, "seed \(seed): \(world.waiting) wait for ever")
        let closing = world.state.close(now: world.now)
        world.take(closing)
        for id in world.leased {
            _ = world.state.release(id, isReusable: true, now: world.now)
            _ = world.state.closed(id, now: world.now)
        }
        for id in world.connecting { _ = world.state.connectFailed(id, now: world.now) }
        for id in world.validating {
            _ = world.state.validated(id, isAlive: true, now: world.now)
            _ = world.state.closed(id, now: world.now)
        }
        for id in world.closing { _ = world.state.closed(id, now: world.now) }
        #expect(world.state.isDrained, "seed \(seed)")
    }

    @Test func `while the server cannot be reached callers are refused at once`() {
        var state = state()
        #expect(state.acquire(1, deadline: .seconds(2), now: .zero) == [.connect(1)])
        #expect(state.connectFailed(1, now: .milliseconds(1)) == [.refuse(1, .circuitOpen)])
        let refused = state.acquire(2, deadline: .seconds(9), now: .milliseconds(2))
        #expect(refused == [.refuse(2, .circuitOpen)])
        // The pause is at most 100 ms; after it one connect tries again.
        let tried = state.acquire(3, deadline: .seconds(9), now: .milliseconds(200))
        #expect(tried == [.connect(2)])
    }

    @Test func `a connection idle for more than a second is asked for a sign of life`() {
        var state = state()
        _ = state.acquire(1, deadline: .seconds(2), now: .zero)
        _ = state.connected(1, now: .zero)
        _ = state.release(1, isReusable: true, now: .zero)
        #expect(state.acquire(2, deadline: .seconds(9), now: .seconds(1)) == [.grant(2, 1)])
        _ = state.release(1, isReusable: true, now: .seconds(1))
        #expect(state.acquire(3, deadline: .seconds(9), now: .seconds(3)) == [.validate(1)])
        #expect(state.validated(1, isAlive: true, now: .seconds(3)) == [.grant(3, 1)])
    }

    @Test func `a broken connection puts the others in doubt`() {
        var state = state()
        for id in 1...2 {
            _ = state.acquire(id, deadline: .seconds(2), now: .zero)
            _ = state.connected(id, now: .zero)
        }
        _ = state.release(1, isReusable: true, now: .zero)
        #expect(state.release(2, isReusable: false, now: .zero) == [.close(2)])
        #expect(state.acquire(3, deadline: .seconds(2), now: .zero) == [.validate(1)])
    }

    @Test func `a connection is replaced at the end of its life`() {
        var state = state { $0.lifetime = .seconds(10) }
        _ = state.acquire(1, deadline: .seconds(2), now: .zero)
        _ = state.connected(1, now: .zero)
        #expect(state.release(1, isReusable: true, now: .seconds(12)) == [.close(1)])
        #expect(state.metrics(now: .seconds(12)).retired == 1)
    }

    @Test func `connections beyond the idle minimum close after the idle timeout`() {
        var state = state { $0.minimumIdleCount = 1 }
        _ = state.tick(now: .zero)
        _ = state.connected(1, now: .zero)
        _ = state.acquire(1, deadline: .seconds(2), now: .zero)
        _ = state.acquire(2, deadline: .seconds(2), now: .zero)
        _ = state.connected(2, now: .zero)
        _ = state.connected(3, now: .zero)
        _ = state.release(1, isReusable: true, now: .zero)
        _ = state.release(2, isReusable: true, now: .zero)
        let closed = state.tick(now: .seconds(601)).filter {
            if case .close = $0 { true } else { false }
        }
        #expect(closed.count == state.metrics(now: .zero).closing && !closed.isEmpty)
        #expect(state.metrics(now: .zero).idle == 1)
    }

    @Test func `a lease that lives too long is reported once`() {
        var state = state()
        _ = state.acquire(1, deadline: .seconds(2), now: .zero)
        _ = state.connected(1, now: .zero)
        #expect(state.tick(now: .seconds(59)).isEmpty)
        #expect(state.tick(now: .seconds(60)) == [.reportLeak(1)])
        #expect(state.tick(now: .seconds(61)).isEmpty)
    }
}
