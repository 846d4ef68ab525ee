// Queries on their way past the general server, for the connections of one event loop.
//
// - What came in one turn of the loop is looked at together, when the turn has read all of it: nothing
//   waits for more to come.
// - A query that took little of late is made on the loop, which saves two changes of thread, as long as
//   the turn has time left for it. Everything else goes to `WorkerThreads`, and so does a kind of query
//   that was never made before: what is slow never runs here twice in a row.
// - The first refusal costs no decoding.

import NIOCore
import Synchronization

/// The lanes of a server, one a loop.
final class DirectLanes: Sendable {
    let live: LiveFront
    let costs = SearchCosts()
    private let lanes = Mutex<[ObjectIdentifier: DirectLane]>([:])
    private let requestNumber = Atomic<UInt64>(0)
    private let prefix = String(UInt32.random(in: 0 ... .max), radix: 16)

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

    /// A name for a request that has none.
    func nextRequestID() -> String {
        prefix + "-" + String(requestNumber.add(1, ordering: .relaxed).newValue, radix: 16)
    }
}

/// One query on its way.
struct DirectCall: Sendable {
    let request: ServiceRequest
    let head: RequestHead
    /// What it is answered with, from its beginning to its end.
    let front: HTTPFront
    let start: ContinuousClock.Instant
    /// Takes the answer, on the loop.
    let finish: @Sendable (HTTPFront.Message) -> Void
}

/// The queries of one loop.
///
/// Unchecked: `calls` and `isScheduled` are touched on `loop` alone.
final class DirectLane: @unchecked Sendable {
    private let loop: any EventLoop
    private let lanes: DirectLanes
    private var calls: [DirectCall] = []
    private var isScheduled = false

    /// Larger bodies are decoded on the threads.
    private static let maximumBodyByteCount = 64 << 10

    init(loop: any EventLoop, lanes: DirectLanes) {
        self.loop = loop
        self.lanes = lanes
    }

    /// Takes a query, on the loop.
    func add(_ call: DirectCall) {
        calls.append(call)
        guard !isScheduled else { return }
        isScheduled = true
        // It runs when this turn has read from every connection that had something.
        loop.assumeIsolated().execute { self.drain() }
    }

    private func drain() {
        isScheduled = false
        let calls = calls
        self.calls = []
        var rest: [DirectCall] = []
        let start = ContinuousClock.now
        var isOver = false
        for call in calls {
            if !isOver {
                let left = start + call.front.limits.loopBudget - .now
                isOver = left <= .zero
                if !isOver, call.request.body.count <= Self.maximumBodyByteCount {
                    make(call, within: left)
                    continue
                }
            }
            rest.append(call)
        }
        if !rest.isEmpty { hand(over: rest.map { ($0, nil) }) }
    }

    /// Decodes a query and makes it here if it fits, on a thread if it does not.
    private func make(_ call: DirectCall, within limit: Duration) {
        let service = call.front.service
        do {
            let search = try service.prepare(call.request)
            guard let expected = lanes.costs.expected(search.kind), expected <= limit else {
                return hand(over: [(call, search)])
            }
            Self.run(search, call, lanes, later: onLoop) { $0.finish($1) }
        } catch {
            call.finish(call.message(service.refusal(of: call.request, error)))
        }
    }

    /// Hands an answer to its connection from another thread.
    private var onLoop: @Sendable (DirectCall, HTTPFront.Message) -> Void {
        { [loop] call, message in loop.execute { call.finish(message) } }
    }

    /// Makes a decoded query; blocks.
    ///
    /// `deliver` is called at once, or `later` from a task when the answer needs more than the store.
    private static func run(
        _ search: PreparedSearch,
        _ call: DirectCall,
        _ lanes: DirectLanes,
        later: @escaping @Sendable (DirectCall, HTTPFront.Message) -> Void,
        deliver: (DirectCall, HTTPFront.Message) -> Void
    ) {
        let service = call.front.service
        let start = ContinuousClock.now
        let answer: ServiceAnswer
        do {
            switch try search.make() {
            case .answer(let made): answer = made
            case .later(let work):
                lanes.costs.note(search.kind, took: ContinuousClock.now - start)
                Task {
                    let answer: ServiceAnswer
                    do {
                        answer = try await work()
                    } catch {
                        answer = service.refusal(of: call.request, error)
                    }
                    later(call, call.message(answer))
                }
                return
            }
        } catch {
            answer = service.refusal(of: call.request, error)
        }
        let message = call.message(answer)
        lanes.costs.note(search.kind, took: ContinuousClock.now - start)
        deliver(call, message)
    }

    /// Lets the threads make queries; those that have no place in the queue are refused here.
    private func hand(over calls: [(call: DirectCall, search: PreparedSearch?)]) {
        let (lanes, deliver) = (lanes, onLoop)
        guard let threads = calls.first?.call.front.service.threads else { return }
        let work = calls.map { call, search in
            WorkerThreads.Errand { isRun in
                let service = call.front.service
                do {
                    guard isRun else { throw Problem.overloaded }
                    let search = try search ?? service.prepare(call.request)
                    Self.run(search, call, lanes, later: deliver, deliver: deliver)
                } catch {
                    deliver(call, call.message(service.refusal(of: call.request, error)))
                }
            }
        }
        threads.enqueue(work)
    }
}

extension DirectCall {
    /// The bytes and header fields of an answer, counted and logged.
    func message(_ answer: ServiceAnswer) -> HTTPFront.Message {
        front.service.ended(request, answer, since: start)
        let message = front.message(answer, to: head, id: request.id)
        front.log(head, status: message.status, id: request.id, since: start)
        return message
    }
}
