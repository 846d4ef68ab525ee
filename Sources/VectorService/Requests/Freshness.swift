/// Which writes a query must see: those up to the LSN that a write was acknowledged with.
struct Freshness: Sendable, Equatable {
    /// The LSN; 0 asks for nothing.
    var lsn: UInt64 = 0
    /// How long the query waits for it.
    var timeout = Duration.milliseconds(500)

    /// Asks for nothing.
    init() {}

    /// Takes `min_lsn` and `timeout_ms`.
    init(_ fields: inout FieldReader) throws(Problem) {
        if let number = try fields.integer("min_lsn") {
            guard number >= 0 else {
                throw .invalidRequest(
                    "\(fields.name("min_lsn")) must not be negative",
                    field: fields.name("min_lsn")
                )
            }
            lsn = UInt64(number)
        }
        if let milliseconds = try fields.integer("timeout_ms") {
            guard (0...10_000).contains(milliseconds) else {
                throw .invalidRequest(
                    "\(fields.name("timeout_ms")) must be 0 to 10000",
                    field: fields.name("timeout_ms")
                )
            }
            timeout = .milliseconds(milliseconds)
        }
    }

    /// A search that saw less than it must.
    struct Behind: Error {
        /// What it must see.
        var wanted: Freshness
        /// What it saw.
        var found: UInt64

        /// The refusal when the wait was in vain.
        var problem: Problem {
            Problem(
                status: 409,
                code: "lsn_not_reached",
                detail: "the store is at LSN \(found) and min_lsn is \(wanted.lsn)",
                field: "min_lsn",
                retryAfterSeconds: 1
            )
        }
    }

    /// Refuses what a search saw when it is not enough.
    func check(_ found: UInt64) throws(Behind) {
        if found < lsn { throw Behind(wanted: self, found: found) }
    }
}
