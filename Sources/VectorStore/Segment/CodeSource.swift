import StorageIO
import Synchronization
import VectorMath

/// What codes are made with: the centroids of a generation and the rotation of its seed.
package struct CodeSource: Sendable {
    /// Nil while there is no index: then only codes that need no lists are made.
    package let generation: IndexGeneration?
    package let threads: Int
    /// Whether the index was calibrated on these very rows; otherwise that is done while they are
    /// written.
    package let isCalibrated: Bool

    /// The rotation of segments that are written before there is an index.
    static let seedWithoutIndex: UInt64 = 42

    package init(generation: IndexGeneration?, threads: Int, isCalibrated: Bool = false) {
        self.generation = generation
        self.threads = threads
        self.isCalibrated = isCalibrated
    }

    var seed: UInt64 { generation?.set.seed ?? Self.seedWithoutIndex }
}

/// Rows of a plan, rotated, in parallel.
struct RotatedRows: Sendable {
    let rows: [SegmentPlan.RowReference]
    let sources: [any RowStore]
    let rotation: CodeRotation
    let threads: Int

    /// Runs `body` for every chunk of `0..<count`, with room for `capacity` rotated rows and one more.
    ///
    /// - Returns: The first row that cannot be read.
    func forEachChunk(
        count: Int,
        chunk: Int,
        capacity: Int,
        _ body: @Sendable (Range<Int>, UnsafeMutablePointer<Float>) throws(CorruptionError) -> Void
    ) -> CorruptionError? {
        let failure = Mutex<CorruptionError?>(nil)
        let width = rotation.width
        ParallelWorkers.forEachChunk(count: count, chunk: chunk, threads: threads) { range in
            withUnsafeTemporaryAllocation(
                of: Float.self,
                capacity: (capacity + 1) * width
            ) { scratch in
                guard let scratch = scratch.baseAddress else { return }
                do throws(CorruptionError) {
                    try body(range, scratch)
                } catch {
                    failure.withLock { $0 = $0 ?? error }
                }
            }
        }
        return failure.withLock { $0 }
    }

    /// Rotates the row with an ordinal into `[width]`.
    func load(
        _ ordinal: Int,
        into target: UnsafeMutablePointer<Float>
    ) throws(CorruptionError) {
        let reference = rows[ordinal]
        let vector = try sources[Int(reference.source)].vector(at: Int(reference.ordinal))
        rotation.rotate(vector, into: target)
    }
}
