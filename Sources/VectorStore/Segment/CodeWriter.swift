import StorageIO
import VectorMath

/// Encodes lists of rows in blocks.
struct CodeWriter {
    let rows: RotatedRows
    let progress: (Double) -> Bool

    /// What the rows of a list are encoded under.
    enum Center {
        /// A list of a table of the generation.
        case centroid(IndexGeneration, table: Int, list: Int)
        /// `[width]`, rotated.
        case mean([Float])
    }

    /// Rows of one list in final order.
    enum Members {
        case together(Range<Int>)
        case apart([UInt32])

        var count: Int {
            switch self {
            case .together(let range): range.count
            case .apart(let ordinals): ordinals.count
            }
        }

        func ordinal(_ place: Int) -> Int {
            switch self {
            case .together(let range): range.lowerBound + place
            case .apart(let ordinals): Int(ordinals[place])
            }
        }
    }

    struct List {
        var center: Center
        var members: Members
    }

    /// One block to be made.
    private struct Block {
        var list: Int
        var first: Int
        var count: Int
    }

    /// Blocks in memory at a time.
    private static let batchBlockCount = 1_024

    static func blockCount(_ lists: [List]) -> Int {
        lists.reduce(0) { $0 + CodeBlocks.count(rows: $1.members.count) }
    }

    /// Appends the blocks of lists, each beginning a block.
    func append(
        _ lists: [List],
        to stream: inout SegmentFileStream
    ) throws(SegmentWriteError) {
        let size = CodeBlocks.byteCount(width: rows.rotation.width)
        var blocks: [Block] = []
        for (index, list) in lists.enumerated() {
            for first in stride(from: 0, to: list.members.count, by: CodeBlocks.rowCount) {
                let count = min(CodeBlocks.rowCount, list.members.count - first)
                blocks.append(Block(list: index, first: first, count: count))
            }
        }
        var bytes = [UInt8](repeating: 0, count: min(blocks.count, Self.batchBlockCount) * size)
        for start in stride(from: 0, to: blocks.count, by: Self.batchBlockCount) {
            let batch = Array(blocks[start..<min(blocks.count, start + Self.batchBlockCount)])
            if let failure = encode(batch, of: lists, into: &bytes) { throw .corruption(failure) }
            try stream.append(Array(bytes[..<(batch.count * size)]))
            guard progress(0.1 * Double(start) / Double(blocks.count)) else {
                throw .cancelled
            }
        }
    }

    /// Encodes a batch of blocks in parallel.
    ///
    /// - Returns: The first row that cannot be read.
    private func encode(
        _ batch: [Block],
        of lists: [List],
        into bytes: inout [UInt8]
    ) -> CorruptionError? {
        let width = rows.rotation.width
        let size = CodeBlocks.byteCount(width: width)
        let rows = rows
        return bytes.withUnsafeMutableBufferPointer { bytes in
            guard let base = bytes.baseAddress else { return nil }
            nonisolated(unsafe) let target = base  // Each worker has blocks of its own.
            return rows.forEachChunk(count: batch.count, chunk: 16, capacity: CodeBlocks.rowCount) {
                range,
                scratch throws(CorruptionError) in
                let rotated = scratch + width
                var current = -1
                for index in range {
                    let block = batch[index]
                    let list = lists[block.list]
                    if block.list != current {
                        Self.load(list.center, rotation: rows.rotation, into: scratch)
                        current = block.list
                    }
                    for row in 0..<block.count {
                        try rows.load(
                            list.members.ordinal(block.first + row),
                            into: rotated + row * width
                        )
                    }
                    CodeBlocks.encode(
                        rows: rotated,
                        count: block.count,
                        centroid: scratch,
                        width: width,
                        into: target + index * size
                    )
                }
            }
        }
    }

    private static func load(
        _ center: Center,
        rotation: CodeRotation,
        into target: UnsafeMutablePointer<Float>
    ) {
        switch center {
        case .centroid(let generation, let table, let list):
            generation.set.tables[table].centroids.withUnsafeBufferPointer {
                guard let base = $0.baseAddress else { return }
                rotation.rotate(base + list * rotation.dimension, into: target)
            }
        case .mean(let mean):
            mean.withUnsafeBufferPointer {
                if let base = $0.baseAddress { target.update(from: base, count: mean.count) }
            }
        }
    }
}
