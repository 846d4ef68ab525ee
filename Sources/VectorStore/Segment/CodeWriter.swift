import StorageIO
import Synchronization
import VectorMath

/// What codes are made with: the centroids of a generation, rotated by its seed.
package struct CodeSource: Sendable {
    package let generation: IndexGeneration
    package let threads: Int

    package init(generation: IndexGeneration, threads: Int) {
        self.generation = generation
        self.threads = threads
    }
}

/// Writes the codes of posting lists as one section.
struct CodeWriter {
    let rows: SegmentRows
    let source: CodeSource

    /// One list: its centroid, and its rows in final order.
    struct List {
        var table: Int
        var list: Int
        var ordinals: [UInt32]
    }

    /// One block to be made.
    private struct Block {
        var list: Int
        var first: Int
        var count: Int
    }

    /// Blocks in memory at a time.
    private static let batchBlockCount = 1_024

    func write(
        _ lists: [List],
        as kind: SegmentSectionKind,
        to stream: inout SegmentFileStream
    ) throws(SegmentWriteError) {
        let dimension = rows.configuration.dimension
        let seed = source.generation.set.seed
        let rotation = CodeRotation(seed: seed, dimension: dimension)
        let size = CodeBlocks.byteCount(width: rotation.width)
        var blocks: [Block] = []
        for (index, list) in lists.enumerated() {
            for first in stride(from: 0, to: list.ordinals.count, by: CodeBlocks.rowCount) {
                let count = min(CodeBlocks.rowCount, list.ordinals.count - first)
                blocks.append(Block(list: index, first: first, count: count))
            }
        }
        stream.begin(kind)
        var header = ByteWriter()
        header.write(seed)
        header.write(UInt32(rotation.width))
        header.write(UInt32(size))
        header.write(UInt64(blocks.count))
        header.pad(to: CodeLayout.blocks)
        try stream.append(header.bytes)
        var bytes = [UInt8](repeating: 0, count: min(blocks.count, Self.batchBlockCount) * size)
        for start in stride(from: 0, to: blocks.count, by: Self.batchBlockCount) {
            let batch = blocks[start..<min(blocks.count, start + Self.batchBlockCount)]
            if let failure = encode(Array(batch), of: lists, rotation: rotation, into: &bytes) {
                throw .corruption(failure)
            }
            try stream.append(Array(bytes[..<(batch.count * size)]))
            guard rows.progress(0.1 * Double(start) / Double(blocks.count)) else {
                throw .cancelled
            }
        }
        try stream.endSection()
    }

    /// Encodes a batch of blocks in parallel.
    ///
    /// - Returns: The first row that cannot be read.
    private func encode(
        _ batch: [Block],
        of lists: [List],
        rotation: CodeRotation,
        into bytes: inout [UInt8]
    ) -> CorruptionError? {
        let size = CodeBlocks.byteCount(width: rotation.width)
        let width = rotation.width
        let failure = Mutex<CorruptionError?>(nil)
        let sources = rows.sources
        let tables = source.generation.set.tables
        let references = rows.plan.rows
        bytes.withUnsafeMutableBufferPointer { bytes in
            guard let base = bytes.baseAddress else { return }
            nonisolated(unsafe) let target = base  // Each worker has blocks of its own.
            ParallelWorkers.forEachChunk(count: batch.count, chunk: 16, threads: source.threads) {
                range in
                withUnsafeTemporaryAllocation(
                    of: Float.self,
                    capacity: (CodeBlocks.rowCount + 1) * width
                ) { scratch in
                    guard let centroid = scratch.baseAddress else { return }
                    let rotated = centroid + width
                    var current = -1
                    for index in range {
                        let block = batch[index]
                        let list = lists[block.list]
                        if block.list != current {
                            tables[list.table].centroids.withUnsafeBufferPointer {
                                guard let base = $0.baseAddress else { return }
                                rotation.rotate(
                                    base + list.list * rotation.dimension,
                                    into: centroid
                                )
                            }
                            current = block.list
                        }
                        for row in 0..<block.count {
                            let ordinal = Int(list.ordinals[block.first + row])
                            let reference = references[ordinal]
                            do throws(CorruptionError) {
                                let vector = try sources[Int(reference.source)].vector(
                                    at: Int(reference.ordinal)
                                )
                                rotation.rotate(vector, into: rotated + row * width)
                            } catch {
                                failure.withLock { $0 = $0 ?? error }
                                return
                            }
                        }
                        CodeBlocks.encode(
                            rows: rotated,
                            count: block.count,
                            centroid: centroid,
                            width: width,
                            into: target + index * size
                        )
                    }
                }
            }
        }
        return failure.withLock { $0 }
    }
}
