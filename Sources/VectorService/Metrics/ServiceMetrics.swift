// What is counted of requests and searches.
//
// - No label holds what a client chose freely: routes and collections are few, creators are not.
// - Counting costs one lock and no allocation once a series exists.

import Synchronization

/// Counters of requests, searches and connections.
package final class ServiceMetrics: Sendable {
    struct Series: Hashable {
        var first: String
        var second: String
        var status = 0
    }

    struct State {
        var requests = SeriesTable<Series, UInt64>()
        var requestSeconds = SeriesTable<String, BucketCounts>()
        var inFlight = SeriesTable<String, Int>()
        var searchSeconds = SeriesTable<Series, BucketCounts>()
        var scannedRows = BucketCounts(BucketCounts.rows)
        var matches = BucketCounts(BucketCounts.matches)
        var slowQueries: UInt64 = 0
        var openConnections = 0
        var acceptedConnections: UInt64 = 0
        var closedConnections: [String: UInt64] = [:]
    }

    private let state = Mutex(State())

    /// Begins at zero.
    package init() {}

    var current: State { state.withLock { $0 } }

    func began(route: String) {
        state.withLock { $0.inFlight.update(route, from: 0) { $0 += 1 } }
    }

    func ended(route: String, method: String, status: Int, seconds: Double) {
        state.withLock { state in
            state.inFlight.update(route, from: 0) { $0 -= 1 }
            let series = Series(first: route, second: method, status: status)
            state.requests.update(series, from: 0) { $0 += 1 }
            state.requestSeconds.update(route, from: BucketCounts(BucketCounts.requestSeconds)) {
                $0.add(seconds)
            }
        }
    }

    /// Counts what was refused before it had a route.
    func refused(method: String, status: Int) {
        state.withLock { state in
            // A method is the client's text; only those that exist are told apart.
            let known = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]
            let name = known.contains(method) ? method : "other"
            let series = Series(first: "none", second: name, status: status)
            state.requests.update(series, from: 0) { $0 += 1 }
        }
    }

    func searched(collection: String, mode: String, seconds: Double, scanned: Int, matches: Int) {
        state.withLock { state in
            let series = Series(first: collection, second: mode)
            state.searchSeconds.update(series, from: BucketCounts(BucketCounts.searchSeconds)) {
                $0.add(seconds)
            }
            state.scannedRows.add(Double(scanned))
            state.matches.add(Double(matches))
        }
    }

    func wasSlow() {
        state.withLock { $0.slowQueries += 1 }
    }

    /// Counts a connection; false when there are as many as may be.
    func opened(limit: Int) -> Bool {
        state.withLock { state in
            state.acceptedConnections += 1
            guard state.openConnections < limit else {
                state.closedConnections["too_many", default: 0] += 1
                return false
            }
            state.openConnections += 1
            return true
        }
    }

    func closed() {
        state.withLock { $0.openConnections -= 1 }
    }

    /// Counts a connection that was closed because its client took too long.
    func cut(_ reason: String) {
        state.withLock { $0.closedConnections[reason, default: 0] += 1 }
    }
}
