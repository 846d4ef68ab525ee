// Queries on their way past the general server, for the connections of one event loop.
//
// - What came in one read of a connection is looked at when the read is over: nothing waits for more to
//   come.
// - A query that took little of late is made on the loop, which saves two changes of thread, as long as
//   the turn has time left for it: a turn ends when the loop looks at its sockets again, not when the
//   queries that wait now are made. Everything else goes to `WorkerThreads`, and so does a kind of query
//   that was never made before, and a token whose signature was never looked at.
// - The first refusal costs no decoding.

import NIOCore
import Synchronization

/// The lanes of a server, one a loop.
final class DirectLanes: Sendable {
    let live: LiveFront
    let costs = SearchCosts()
    private let lanes = Mutex<[ObjectIdentifier: DirectLane]>([:])
    private let requestNumber = Atomic<UInt64>(0)
    private let prefix = UInt32.random(in: 0 ... .max)

    init(_ live: LiveFront) {
        self.live = live
    }

    /// The lane of a loop.
    func lane(of loop: any EventLoop) -> DirectLane {
        lanes.withLock { lanes in
            if let lane = lanes[ObjectIdentifier(loop)] { return lane }
            let lane = DirectLane(loop: loop, lanes: self)
            lanes[ObjectIdentifier(loop)] = lane
            return lane
        }
    }

    /// A name for a request that has none: the server's eight digits, a dash, and the number, hexadecimal.
    func nextRequestID() -> String {
        let number = requestNumber.add(1, ordering: .relaxed).newValue
        let digitCount = max(1, (67 - number.leadingZeroBitCount) / 4)
        return String(unsafeUninitializedCapacity: 9 + digitCount) { text in
            Self.write(UInt64(prefix), to: text, until: 8, count: 8)
            text[8] = UInt8(ascii: "-")
            Self.write(number, to: text, until: 9 + digitCount, count: digitCount)
            return 9 + digitCount
        }
    }

    private static func write(
        _ number: UInt64,
        to text: UnsafeMutableBufferPointer<UInt8>,
        until end: Int,
        count: Int
    ) {
        var (rest, place) = (number, end)
        while place > end - count {
            place -= 1
            let digit = UInt8(truncatingIfNeeded: rest & 15)
            text[place] = digit + (digit < 10 ? UInt8(ascii: "0") : UInt8(ascii: "a") - 10)
            rest >>= 4
        }
    }
}

/// The queries of one loop.
///
/// Unchecked: what is `var` is touched on `loop` alone.
final class DirectLane: @unchecked Sendable {
    private let loop: any EventLoop
    private let lanes: DirectLanes
    private var calls: [DirectCall] = []
    private var isScheduled = false
    /// Whether a connection is being read, at whose end the queries are looked at.
    private var isReading = false
    /// The time that queries took in this turn of the loop.
    private var spent = Duration.zero
    /// Whether the loop has looked at its sockets, or is about to, since that time was spent.
    private var isTurnOver = true
    private var isTurnWatched = false
    private var isRecovering = false

    /// So much is spent in a turn before its end is watched for, which costs as much as a query is long.
    private static let unwatched = Duration.microseconds(50)

    /// Larger bodies are decoded on the threads.
    private static let maximumBodyByteCount = 64 << 10

    init(loop: any EventLoop, lanes: DirectLanes) {
        self.loop = loop
        self.lanes = lanes
    }

    /// Bytes came from a socket; `readEnded` follows.
    func readBegan() {
        isReading = true
        guard isTurnOver else { return }
        isTurnOver = false
        spent = .zero
    }

    /// The connection was read, or is no more.
    func readEnded() {
        isReading = false
        if !calls.isEmpty, !isScheduled { drain() }
    }

    /// Takes a query, on the loop; it is answered later, never within this call.
    func add(_ question: DirectQuestion) {
        do {
            add(try question.call(verifiesTokens: false))
        } catch let refusal as TokenRefusal where refusal == .unverified {
            verify(question)
        } catch {
            let answer = question.refusal(error)
            loop.assumeIsolated().execute { question.asker.finish(answer) }
        }
    }

    private func add(_ call: DirectCall) {
        calls.append(call)
        guard !isScheduled, !isReading else { return }
        isScheduled = true
        loop.assumeIsolated().execute { self.drain() }
    }

    /// Looks at the signature of a token on a thread: that takes longer than most queries.
    private func verify(_ question: DirectQuestion) {
        let loop = loop
        let errand = WorkerThreads.Errand { refusal in
            do {
                if let refusal { throw refusal }
                let call = try question.call(verifiesTokens: true)
                loop.execute { self.add(call) }
            } catch {
                let answer = question.refusal(error)
                loop.execute { question.asker.finish(answer) }
            }
        }
        question.front.service.threads.enqueue([errand])
    }

    private func drain() {
        isScheduled = false
        let calls = calls
        self.calls = []
        var rest: [DirectCall] = []
        var now = ContinuousClock.now
        let start = now - spent
        for call in calls {
            let left = call.front.limits.loopBudget - (now - start)
            if left > .zero, call.request.body.count <= Self.maximumBodyByteCount {
                now = make(call, within: left, now: now)
            } else {
                rest.append(call)
            }
        }
        spent = now - start
        guard let last = calls.last else { return }
        watchTurn()
        recover(after: last.front.limits.loopBudget)
        if !rest.isEmpty { hand(over: rest.map { ($0, nil) }) }
    }

    /// Notices when the loop has read from every connection that had something.
    private func watchTurn() {
        guard spent > Self.unwatched, !isTurnOver, !isTurnWatched else { return }
        isTurnWatched = true
        loop.assumeIsolated().execute {
            self.isTurnWatched = false
            self.isTurnOver = true
        }
    }

    /// Begins a new turn after a while in which the threads have the queries, should no bytes come: the
    /// loop has looked at its sockets by then.
    private func recover(after budget: Duration) {
        guard spent >= budget, budget > .zero, !isRecovering else { return }
        isRecovering = true
        loop.assumeIsolated().scheduleTask(in: .init(budget)) {
            self.isRecovering = false
            self.spent = .zero
        }
    }

    /// Decodes a query and makes it here if it fits, on a thread if it does not.
    ///
    /// - Returns: The time when that is done.
    private func make(
        _ call: DirectCall,
        within limit: Duration,
        now: ContinuousClock.Instant
    ) -> ContinuousClock.Instant {
        let service = call.front.service
        do {
            let search = try service.prepare(call.request)
            guard let expected = lanes.costs.expected(search.kind), expected <= limit else {
                hand(over: [(call, search)])
                return .now
            }
            return run(search, call, start: now) { $0.finish($1) }
        } catch {
            call.finish(call.answer(service.refusal(of: call.request, error)))
            return .now
        }
    }

    /// Hands an answer to its connection, from another thread.
    private func deliver(_ call: DirectCall, _ answer: DirectAnswer) {
        loop.execute { call.finish(answer) }
    }

    /// Makes a decoded query, on the loop or on a thread; blocks.
    ///
    /// `deliver` is called at once; an answer that needs more than the store comes later, from a task.
    ///
    /// - Returns: The time when it was made and delivered.
    @discardableResult private func run(
        _ search: PreparedSearch,
        _ call: DirectCall,
        start: ContinuousClock.Instant,
        deliver: (DirectCall, DirectAnswer) -> Void
    ) -> ContinuousClock.Instant {
        let service = call.front.service
        let answer: ServiceAnswer
        do {
            switch try search.make(call.request) {
            case .answer(let made): answer = made
            case .later(let work):
                let end = ContinuousClock.now
                lanes.costs.note(search.kind, took: end - start)
                Task {
                    let answer: ServiceAnswer
                    do {
                        answer = try await work()
                    } catch {
                        answer = service.refusal(of: call.request, error)
                    }
                    self.deliver(call, call.answer(answer))
                }
                return end
            }
        } catch {
            answer = service.refusal(of: call.request, error)
        }
        var end = ContinuousClock.now
        let bytes = call.answer(answer, now: end)
        // To compress one takes its time.
        if answer.body.count >= Gzip.minimumByteCount { end = .now }
        lanes.costs.note(search.kind, took: end - start)
        deliver(call, bytes)
        // The next one does not pay for what the socket took.
        return .now
    }

    /// Lets the threads make queries; those that have no place in the queue are refused here.
    private func hand(over calls: [(call: DirectCall, search: PreparedSearch?)]) {
        guard let threads = calls.first?.call.front.service.threads else { return }
        let work = calls.map { call, search in
            WorkerThreads.Errand { refusal in
                let service = call.front.service
                do {
                    if let refusal { throw refusal }
                    let search = try search ?? service.prepare(call.request)
                    self.run(search, call, start: .now, deliver: self.deliver)
                } catch {
                    self.deliver(call, call.answer(service.refusal(of: call.request, error)))
                }
            }
        }
        threads.enqueue(work)
    }
}
