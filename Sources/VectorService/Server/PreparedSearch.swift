import VectorStore

/// A query that was decoded and may be made, wherever there is time for it.
struct PreparedSearch: Sendable {
    /// What came of it.
    enum Outcome: Sendable {
        /// The answer.
        case answer(ServiceAnswer)
        /// The store did its part; the rest waits for others and blocks nobody.
        case later(@Sendable () async throws -> ServiceAnswer)
    }

    /// What it asks for, the vector left out: queries of a kind take about as long as each other.
    let kind: Int
    /// Makes it, for the request that it came from; blocks.
    let make: @Sendable (ServiceRequest) throws -> Outcome
}

extension StoreService {
    /// Whether a request is a query, which can be answered next to the socket.
    func isDirect(_ head: RequestHead) -> Bool {
        guard head.method == "POST" else { return false }
        if head.path.hasPrefix(Self.functionPath) {
            return surface.upstream == nil || isOwn(head.path)
        }
        return Route.isQuery(head.path)
    }

    /// Decodes a query, after everything that may refuse it.
    func prepare(_ request: ServiceRequest) throws -> PreparedSearch {
        if Route.isRest(request.path) { return try prepareCall(request) }
        let route = try Self.route(of: request)
        try authorize(request.principal, for: route)
        guard case .action(.query, let name) = route else {
            throw Problem(status: 404, code: "unknown_route", detail: "nothing is at this path")
        }
        return try prepareQuery(request, of: name)
    }

    /// Counts a query that has come.
    func began(_ request: ServiceRequest) {
        metrics.began(route: Self.directRoute(request))
    }

    /// Counts and logs the answer to a query.
    func ended(_ request: ServiceRequest, _ answer: ServiceAnswer, took time: Duration) {
        ended(request, route: Self.directRoute(request), answer, took: time)
    }

    private static func directRoute(_ request: ServiceRequest) -> String {
        Route.isRest(request.path) ? "rpc" : Route.Action.query.rawValue
    }
}

extension QueryDecoding {
    /// What queries of a kind may differ in.
    private static let passing = ["vector", "id", "min_lsn", "timeout_ms"]

    /// What a query asks for, without what differs from one to the next of its kind.
    static func kind(of request: ServiceRequest, _ node: JSONNode?, _ scope: RowScope) -> Int {
        var hasher = Hasher()
        hasher.combine(request, scope)
        var count = 0
        for (name, value) in request.parameters where !passing.contains(name) {
            hasher.combine(utf8: name)
            hasher.combine(utf8: value)
            count += 1
        }
        // Where they end: a parameter is no member.
        hasher.combine(count)
        for member in node?.members ?? [] where !passing.contains(member.key) {
            hasher.combine(utf8: member.key)
            hasher.combine(bytesOf: member.node, in: request.body)
        }
        return hasher.finalize()
    }
}

extension Hasher {
    /// What of a request decides how long it takes, beside what it asks for: who asks, in what form the
    /// answer goes out, and what of it.
    mutating func combine(_ request: ServiceRequest, _ scope: RowScope) {
        combine(utf8: request.path)
        combine(utf8: request.contentType ?? "")
        request.headers.forEach { name, value in
            guard name == "accept" || name == "accept-encoding" || name == "prefer" else { return }
            combine(utf8: name)
            combine(utf8: value)
        }
        combine(utf8: "")
        combine(request.principal.role)
        combine(scope)
    }

    /// Takes a text as its bytes: the same for the same bytes, which is quicker than for equal texts.
    mutating func combine(utf8 text: consuming String) {
        combine(text.utf8.count)
        text.withUTF8 { combine(bytes: UnsafeRawBufferPointer($0)) }
    }

    /// Takes the text of a value as it stands in a body.
    mutating func combine(bytesOf node: JSONNode, in body: [UInt8]) {
        guard node.range.upperBound <= body.count else { return }
        combine(node.range.count)
        body.withUnsafeBytes {
            combine(bytes: UnsafeRawBufferPointer(rebasing: $0[node.range]))
        }
    }
}
