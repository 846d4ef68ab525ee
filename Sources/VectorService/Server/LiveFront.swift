import Synchronization

/// What a server answers with now: a new configuration takes the place of the old one between requests,
/// and every request is answered by one of them from its beginning to its end.
final class LiveFront: Sendable {
    private let front: Mutex<HTTPFront>

    init(_ front: HTTPFront) {
        self.front = Mutex(front)
    }

    var current: HTTPFront { front.withLock { $0 } }

    /// Changes it for the requests that come from now on.
    func change(_ body: (inout ServiceSurface, inout Observation, inout HTTPLimits) -> Void) {
        front.withLock { front in
            let service = front.service
            var (surface, observation) = (service.surface, service.observation)
            var limits = front.limits
            body(&surface, &observation, &limits)
            front = HTTPFront(
                service: service.with(surface: surface, observation: observation),
                limits: limits,
                entrance: front.entrance
            )
        }
    }
}
