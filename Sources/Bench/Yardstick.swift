import Dispatch
import Evaluation
import Synchronization

/// A fixed piece of work whose rate tells how fast the machine is in just this moment.
///
/// One scan compares a vector with the first 2,048 rows of the data set in float32, in plain Swift and
/// without a line of the engine. A shared machine gives a program more or less of itself from second to
/// second; a rate beside that of the scans in the same seconds repeats where the rate alone does not.
final class Yardstick: Sendable {
    /// At most so many rows: 3 MB at 384 dimensions, about what a search touches.
    static let rowCount = 2_048
    /// How long a measurement beside a round lasts.
    static let sliceSeconds = 0.015

    private let count: Int
    private let dimension: Int
    /// `[count × dimension]`.
    private let rows: [Float]

    init(_ reader: VectorFileReader) throws {
        let (count, dimension) = (min(Self.rowCount, reader.count), reader.dimension)
        var rows = [Float](repeating: 0, count: count * dimension)
        try rows.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            try reader.read(rows: 0..<count, into: base)
        }
        (self.count, self.dimension) = (count, dimension)
        self.rows = rows
    }

    /// Scans in a second of processor time, while `threads` work at once.
    func rate(threads: Int = 1, seconds: Double = sliceSeconds) -> Double {
        let total = Mutex((scans: 0, best: -Float.infinity))
        let start = ContinuousClock.now
        let processor = ProcessorTime.seconds
        @Sendable func work() {
            var (scans, best) = (0, -Float.infinity)
            repeat {
                best = max(best, scan(scans % count))
                scans += 1
            } while elapsed(since: start) < seconds
            total.withLock { $0 = ($0.scans + scans, max($0.best, best)) }
        }
        if threads == 1 {
            work()
        } else {
            DispatchQueue.concurrentPerform(iterations: threads) { _ in work() }
        }
        let (scans, best) = total.withLock { $0 }
        // The sums are looked at, so that no compiler leaves them out.
        precondition(best == best, "a row of the data set is not a number")
        return Double(scans) / (ProcessorTime.seconds - processor)
    }

    /// The largest inner product of row `place` with any row.
    private func scan(_ place: Int) -> Float {
        rows.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return 0 }
            var best = -Float.infinity
            for row in 0..<count {
                best = max(best, product(base + place * dimension, base + row * dimension))
            }
            return best
        }
    }

    private func product(_ left: UnsafePointer<Float>, _ right: UnsafePointer<Float>) -> Float {
        var (first, second) = (SIMD8<Float>(), SIMD8<Float>())
        var column = 0
        let (a, b) = (UnsafeRawPointer(left), UnsafeRawPointer(right))
        while column + 16 <= dimension {
            let offset = column * 4
            first +=
                a.loadUnaligned(fromByteOffset: offset, as: SIMD8<Float>.self)
                * b.loadUnaligned(fromByteOffset: offset, as: SIMD8<Float>.self)
            second +=
                a.loadUnaligned(fromByteOffset: offset + 32, as: SIMD8<Float>.self)
                * b.loadUnaligned(fromByteOffset: offset + 32, as: SIMD8<Float>.self)
            column += 16
        }
        var sum = (first + second).sum()
        while column < dimension {
            sum += left[column] * right[column]
            column += 1
        }
        return sum
    }
}
