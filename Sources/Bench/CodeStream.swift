import CStreamProbe
import Foundation
import VectorMath

/// Codes of an index that is larger than a cache, scanned by a search that nothing passes.
final class CodeStream {
    static var registerBits: Int { Int(stream_probe_register_bits()) }

    let listCount: Int
    /// Bytes of the blocks, which is what a scan reads.
    let byteCount: Int
    private let rotation: CodeRotation
    private let blocks: AlignedBytes
    private let blockStarts: [UInt32]
    private let starts: [UInt32]
    private let ordinals: [UInt32]
    private let centroids: CentroidCodes
    private let query: [Float]

    /// Makes lists of equal length; their codes are those of a few lists, again and again.
    init(dimension: Int, byteCount wanted: Int, listRows: Int) {
        rotation = CodeRotation(seed: 1, dimension: dimension)
        let blockBytes = CodeBlocks.byteCount(width: rotation.width)
        let listBlocks = CodeBlocks.count(rows: listRows)
        let lists = max(1, wanted / (listBlocks * blockBytes))
        listCount = lists
        byteCount = lists * listBlocks * blockBytes / 512 * 512
        var random = SeededRandom(seed: 2)
        query = Self.unitRow(dimension, &random)
        var table: [Float] = []
        for _ in 0..<lists { table += Self.unitRow(dimension, &random) }
        centroids = CentroidCodes(table, rotation: rotation)
        blocks = AlignedBytes(byteCount: lists * listBlocks * blockBytes)
        blockStarts = (0...lists).map { UInt32($0 * listBlocks) }
        starts = (0...lists).map { UInt32($0 * listRows) }
        ordinals = (0..<UInt32(lists * listRows)).map(\.self)
        fill(blockBytes: blockBytes, listRows: listRows, &random)
    }

    private func fill(blockBytes: Int, listRows: Int, _ random: inout SeededRandom) {
        let pool = min(listCount, 16)
        let listBlocks = CodeBlocks.count(rows: listRows)
        var turned = [Float](repeating: 0, count: rotation.width)
        var rows = [Float](repeating: 0, count: CodeBlocks.rowCount * rotation.width)
        let target = blocks.start.assumingMemoryBound(to: UInt8.self)
        for block in 0..<pool * listBlocks {
            let first = block % listBlocks * CodeBlocks.rowCount
            let count = min(CodeBlocks.rowCount, listRows - first)
            for row in 0..<count {
                let vector = Self.unitRow(rotation.dimension, &random)
                rotation.rotate(vector, into: &turned)
                rows.replaceSubrange(
                    row * rotation.width..<(row + 1) * rotation.width,
                    with: turned
                )
            }
            let center = [Float](repeating: 0, count: rotation.width)
            CodeBlocks.encode(
                rows: rows,
                count: count,
                centroid: center,
                width: rotation.width,
                into: target + block * blockBytes
            )
        }
        let listBytes = listBlocks * blockBytes
        for list in pool..<max(pool, listCount) {
            (blocks.start + list * listBytes).copyMemory(
                from: blocks.start + list % pool * listBytes,
                byteCount: listBytes
            )
        }
    }

    private static func unitRow(_ dimension: Int, _ random: inout SeededRandom) -> [Float] {
        let values = (0..<dimension).map { _ in
            // A sum of four is near enough to normal.
            (0..<4).reduce(Float(0)) { sum, _ in
                sum + Float(random.next() >> 40) / Float(1 << 24) - 0.5
            }
        }
        let length = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return values.map { $0 / length }
    }

    /// Sums all words again and again; bytes a second.
    func read(seconds: Double) -> Double {
        let words = UnsafePointer(blocks.start.assumingMemoryBound(to: UInt64.self))
        var (bytes, sum) = (0, UInt64(0))
        let start = ContinuousClock.now
        repeat {
            sum &+= stream_probe_sum(words, byteCount / 8)
            bytes += byteCount
        } while elapsed(since: start) < seconds
        let taken = elapsed(since: start)
        // The sum is looked at, so that no compiler leaves it out.
        precondition(sum != 1, "codes sum up to 1")
        return Double(bytes) / taken
    }

    /// Scans all lists again and again, in the order of the query; bytes of codes a second.
    func scan(seconds: Double) -> Double {
        let blockBytes = CodeBlocks.byteCount(width: rotation.width)
        return query.withUnsafeBufferPointer { query in
            let prepared = CodeQuery(query, rotation: rotation)
            let ranking = prepared.nearest(in: centroids, count: listCount)
            // Similarities end at 1: no row passes, none is read.
            let options = CodeSearchOptions(k: 10, deviations: 1.3, floor: 4)
            let hooks = CodeSearchHooks(accepts: nil) { _ in true }
            let table = ByteRowTable(
                start: UnsafePointer(blocks.start.assumingMemoryBound(to: UInt8.self)),
                count: ordinals.count,
                largestError: 0.01,
                verified: nil,
                offset: 0
            )
            return withLists { lists in
                var (bytes, taken) = (0, 0.0)
                repeat {
                    let start = ContinuousClock.now
                    let found = prepared.search(
                        lists,
                        rows: table,
                        ranking: ranking,
                        options: options,
                        hooks: hooks
                    )
                    taken += elapsed(since: start)
                    precondition(found.byteRows == 0 && !found.isFailed, "a row passed")
                    bytes += found.blocks * blockBytes
                } while taken < seconds
                return Double(bytes) / taken
            }
        }
    }

    private func withLists<R>(_ body: (CodedLists) -> R) -> R {
        blockStarts.withUnsafeBufferPointer { blockStarts in
            starts.withUnsafeBufferPointer { starts in
                ordinals.withUnsafeBufferPointer { ordinals in
                    guard let blockStarts = blockStarts.baseAddress,
                        let starts = starts.baseAddress
                    else { preconditionFailure("an index without lists") }
                    return body(
                        CodedLists(
                            blocks: UnsafePointer(
                                blocks.start.assumingMemoryBound(to: UInt8.self)
                            ),
                            blockStarts: blockStarts,
                            starts: starts,
                            ordinals: ordinals.baseAddress,
                            firstRow: 0,
                            hasDuplicates: false
                        )
                    )
                }
            }
        }
    }
}
