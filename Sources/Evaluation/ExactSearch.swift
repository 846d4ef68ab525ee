import Dispatch
import Synchronization

// Exact search.
//
// - Each row is scaled to unit length and compared in double precision, in blocks that fit the cache;
//   a similarity does not depend on the block, so that the answer does not depend on the threads.
// - Ties go to the lower row.

/// The k nearest by cosine, by comparing every row, in double precision.
package struct ExactSearch: Sendable {
    package let count: Int
    package let dimension: Int
    /// Copies rows into `[rows.count × dimension]`.
    private let read:
        @Sendable (Range<Int>, UnsafeMutablePointer<Float>) throws(DatasetError) -> Void

    /// Searches a file, which takes no memory of its size.
    package init(_ reader: VectorFileReader) {
        count = reader.count
        dimension = reader.dimension
        read = { (rows, target) throws(DatasetError) in try reader.read(rows: rows, into: target) }
    }

    /// Searches `[count × dimension]`.
    package init(base: [Float], dimension: Int) {
        precondition(base.count.isMultiple(of: dimension))
        count = base.count / dimension
        self.dimension = dimension
        read = { (rows, target) throws(DatasetError) in
            for place in 0..<rows.count * dimension {
                target[place] = base[rows.lowerBound * dimension + place]
            }
        }
    }

    /// The nearest rows of each query, on `threads` threads; `progress` is called from any of them with
    /// the share of the rows that are done, and `admits` says whether a query may find a row.
    ///
    /// - Shapes: `queries` is `[queryCount × dimension]`; the answer has min(k, `count`) columns.
    /// - Complexity: O(*count* × *queryCount* × *dimension*).
    package func truth(
        queries: [Float],
        k: Int,
        threads: Int,
        progress: (@Sendable (Double) -> Void)? = nil,
        where admits: @Sendable (Int, Int) -> Bool = { _, _ in true }
    ) throws(DatasetError) -> TruthFile {
        precondition(k > 0 && queries.count.isMultiple(of: dimension))
        let width = min(k, count)
        let queryCount = queries.count / dimension
        let prepared = UnitRows(capacity: queryCount, dimension: dimension)
        queries.withUnsafeBufferPointer { buffer in
            if let base = buffer.baseAddress { prepared.fill(base, count: queryCount) }
        }
        let block = 64
        let blockCount = (count + block - 1) / block
        let next = Atomic<Int>(0)
        let failure = Mutex<DatasetError?>(nil)
        let merged = Mutex([Neighbours](repeating: Neighbours(k: width), count: queryCount))
        DispatchQueue.concurrentPerform(iterations: max(1, threads)) { _ in
            var own = [Neighbours](repeating: Neighbours(k: width), count: queryCount)
            let rows = UnitRows(capacity: block, dimension: dimension)
            let floats = UnsafeMutablePointer<Float>.allocate(capacity: block * dimension)
            defer { floats.deallocate() }
            while failure.withLock({ $0 == nil }) {
                let index = next.add(1, ordering: .relaxed).oldValue
                guard index < blockCount else { break }
                let range = index * block..<min(count, (index + 1) * block)
                do throws(DatasetError) {
                    try read(range, floats)
                } catch {
                    failure.withLock { $0 = error }
                    break
                }
                rows.fill(floats, count: range.count)
                for query in 0..<queryCount {
                    rows.compare(prepared, query) { offset, similarity in
                        let row = range.lowerBound + offset
                        if own[query].wouldTake(row, similarity), admits(query, row) {
                            own[query].take(row, similarity)
                        }
                    }
                }
                progress?(Double(index + 1) / Double(blockCount))
            }
            merged.withLock { merged in
                for query in 0..<queryCount { merged[query].take(own[query]) }
            }
        }
        if let error = failure.withLock({ $0 }) { throw error }
        return merged.withLock { merged in
            TruthFile(
                queryCount: queryCount,
                k: width,
                rows: merged.flatMap { $0.paddedRows },
                similarities: merged.flatMap { $0.paddedSimilarities }
            )
        }
    }

    /// The nearest rows within each query's own partition.
    package func truth(
        queries: [Float],
        k: Int,
        threads: Int,
        partitions: [UInt16],
        queryPartitions: [UInt16],
        progress: (@Sendable (Double) -> Void)? = nil
    ) throws(DatasetError) -> TruthFile {
        precondition(partitions.count == count)
        precondition(queryPartitions.count * dimension == queries.count)
        return try truth(queries: queries, k: k, threads: threads, progress: progress) {
            partitions[$1] == queryPartitions[$0]
        }
    }
}

/// The k nearest rows so far, nearest first.
private struct Neighbours: Sendable {
    private let k: Int
    private var items: [(row: Int, similarity: Double)] = []

    init(k: Int) {
        self.k = k
    }

    func wouldTake(_ row: Int, _ similarity: Double) -> Bool {
        guard items.count == k, let last = items.last else { return true }
        return similarity > last.similarity || (similarity == last.similarity && row < last.row)
    }

    mutating func take(_ row: Int, _ similarity: Double) {
        var (low, high) = (0, items.count)
        while low < high {
            let middle = (low + high) / 2
            let item = items[middle]
            let isBefore =
                item.similarity > similarity || (item.similarity == similarity && item.row < row)
            if isBefore { low = middle + 1 } else { high = middle }
        }
        items.insert((row, similarity), at: low)
        if items.count > k { items.removeLast() }
    }

    mutating func take(_ other: Neighbours) {
        for item in other.items where wouldTake(item.row, item.similarity) {
            take(item.row, item.similarity)
        }
    }

    var paddedRows: [Int32] {
        items.map { Int32($0.row) } + [Int32](repeating: -1, count: k - items.count)
    }

    var paddedSimilarities: [Float] {
        items.map { Float($0.similarity) } + [Float](repeating: 0, count: k - items.count)
    }
}
