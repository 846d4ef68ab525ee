/// What a load run saw: latencies and errors by operation, and both by second.
///
/// Latencies are those of good answers; an error is counted by its kind, and a request that failed
/// takes the place of the slowest answers in the percentiles of a summary.
package struct LoadTally: Sendable {
    /// What happened to one kind of request.
    package struct Operation: Sendable {
        package var latencies = Latencies()
        package var errors: [String: Int] = [:]
        /// Requests among the errors: an attempt to connect that failed is none.
        package var failedRequests = 0
        package var errorCount: Int { errors.values.reduce(0, +) }
        package var requests: Int { Int(latencies.count) + errorCount }
    }

    /// One second of the run.
    package struct Second: Sendable {
        package var latencies = Latencies()
        package var errors = 0
        package var failedRequests = 0
    }

    package private(set) var total = Operation()
    package private(set) var operations: [String: Operation]
    /// By the second in which a request ended.
    package private(set) var timeline: [Second] = []

    package init(operations names: [String]) {
        operations = Dictionary(
            names.map { ($0, Operation()) },
            uniquingKeysWith: { first, _ in first }
        )
    }

    /// Counts a good answer that came `nanoseconds` after its start, `end` after the run's.
    package mutating func succeed(_ operation: String, nanoseconds: UInt64, end: UInt64) {
        total.latencies.record(nanoseconds: nanoseconds)
        operations[operation, default: Operation()].latencies.record(nanoseconds: nanoseconds)
        second(end) { $0.latencies.record(nanoseconds: nanoseconds) }
    }

    /// Counts a request that failed, or, if it is none, an attempt to connect.
    package mutating func fail(
        _ operation: String,
        kind: String,
        end: UInt64,
        isRequest: Bool = true
    ) {
        let requests = isRequest ? 1 : 0
        total.errors[kind, default: 0] += 1
        total.failedRequests += requests
        operations[operation, default: Operation()].errors[kind, default: 0] += 1
        operations[operation, default: Operation()].failedRequests += requests
        second(end) { second in
            second.errors += 1
            second.failedRequests += requests
        }
    }

    private mutating func second(_ end: UInt64, _ change: (inout Second) -> Void) {
        let index = Int(end / 1_000_000_000)
        while timeline.count <= index { timeline.append(Second()) }
        change(&timeline[index])
    }
}
