// The memtable: the newest rows, in memory and in the log.
//
// - Rows are only ever appended; an append is published to readers by the `LiveSet` that counts it.
// - Beside its float32 vector a row has one byte a coordinate, which searches of many rows look at first.
// - A row's bytes never move: rows live in chunks, and the table of chunks has a fixed size.
// - `append` and the map from ids belong to the one committing thread; readers see ordinals below the
//   row count of their snapshot, which reached them through a lock after the rows were written.

import Glibc
import StorageIO
import Synchronization
import VectorMath

/// The newest rows of one collection, `RowStore` of append-only rows.
package final class Memtable: RowStore, @unchecked Sendable {
    /// Everything of a row but its vector.
    struct RowBody {
        var id: RecordID
        var partition: String
        var lsn: UInt64
        var attributes: [AttributeValue?]
        var payload: [UInt8]?
    }

    static let rowsPerChunk = 1_024
    /// Lies in no file: bytes are made anew from the vectors.
    private static let rotationSeed: UInt64 = 42
    static let maximumChunkCount = 4_096
    /// A memtable that has this many rows is frozen, whatever its bytes.
    package static let maximumRowCount = 1 << 20

    package let dimension: Int
    /// Floats from one row to the next, a multiple of 16.
    package let strideFloats: Int

    // Safe because a chunk pointer is written once, before the first snapshot that counts its rows.
    private let vectorChunks: UnsafeMutablePointer<UnsafeMutablePointer<Float>?>
    private let bodyChunks: UnsafeMutablePointer<UnsafeMutablePointer<RowBody>?>
    private let codeChunks: UnsafeMutablePointer<UnsafeMutablePointer<UInt32>?>
    private let byteChunks: UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>
    /// What byte rows are made under; nil when nobody searches here.
    let rotation: CodeRotation?
    /// The bits of the largest length that the bytes leave out of a row: a float that only ever grows.
    private let byteError = Atomic<UInt32>(0)

    /// Hashes of the first rows' ids, of as many as a scan has asked for.
    private let hashes = Mutex<[UInt64]>([])

    // Only the committing thread touches these.
    private(set) var rowCount = 0
    private(set) var byteCount = 0
    private var ordinalByID: [RecordID: Int] = [:]
    /// The first change of this memtable's time, deletes included; 0 before it.
    package var firstLSN: UInt64 = 0
    /// The last one.
    package var lastLSN: UInt64 = 0

    /// - Parameter isSearched: Whether rows get bytes, by which a search finds them faster.
    package init(dimension: Int, isSearched: Bool = true) {
        self.dimension = dimension
        rotation = isSearched ? CodeRotation(seed: Self.rotationSeed, dimension: dimension) : nil
        strideFloats = (dimension + 15) / 16 * 16
        vectorChunks = .allocate(capacity: Self.maximumChunkCount)
        bodyChunks = .allocate(capacity: Self.maximumChunkCount)
        codeChunks = .allocate(capacity: Self.maximumChunkCount)
        vectorChunks.initialize(repeating: nil, count: Self.maximumChunkCount)
        bodyChunks.initialize(repeating: nil, count: Self.maximumChunkCount)
        codeChunks.initialize(repeating: nil, count: Self.maximumChunkCount)
        byteChunks = .allocate(capacity: Self.maximumChunkCount)
        byteChunks.initialize(repeating: nil, count: Self.maximumChunkCount)
    }

    deinit {
        var remaining = rowCount
        var chunk = 0
        while remaining > 0 {
            let count = min(remaining, Self.rowsPerChunk)
            bodyChunks[chunk]?.deinitialize(count: count)
            bodyChunks[chunk]?.deallocate()
            vectorChunks[chunk].map { free($0) }
            codeChunks[chunk]?.deallocate()
            byteChunks[chunk].map { free($0) }
            remaining -= count
            chunk += 1
        }
        vectorChunks.deallocate()
        bodyChunks.deallocate()
        codeChunks.deallocate()
        byteChunks.deallocate()
    }

    /// Appends a row and returns its ordinal.
    ///
    /// The caller has hidden the previous row of the id.
    func append(_ row: StoredRow, lsn: UInt64) -> Int {
        precondition(row.vector.count == dimension && lsn != 0)
        let ordinal = rowCount
        let (chunk, slot) = (ordinal / Self.rowsPerChunk, ordinal % Self.rowsPerChunk)
        precondition(chunk < Self.maximumChunkCount, "a memtable is frozen before it is full")
        if slot == 0 { addChunk(chunk) }
        guard let vectors = vectorChunks[chunk], let bodies = bodyChunks[chunk],
            let codes = codeChunks[chunk]
        else { preconditionFailure("a chunk is made before its first row") }
        row.vector.withUnsafeBufferPointer { source in
            guard let base = source.baseAddress else { return }
            (vectors + slot * strideFloats).update(from: base, count: dimension)
        }
        writeBytes(of: vectors + slot * strideFloats, chunk: chunk, slot: slot)
        codes[slot] = Self.partitionCode(row.partition)
        (bodies + slot).initialize(
            to: RowBody(
                id: row.id,
                partition: row.partition,
                lsn: lsn,
                attributes: row.attributes,
                payload: row.payload
            )
        )
        ordinalByID[row.id] = ordinal
        rowCount += 1
        byteCount += strideFloats * 4 + (rotation?.width ?? 0) + 160
        byteCount += (row.payload?.count ?? 0) + row.attributes.count * 24
        byteCount += row.partition.utf8.count
        if case .string(let text) = row.id { byteCount += 2 * text.utf8.count }
        for case .string(let text)? in row.attributes { byteCount += text.utf8.count }
        return ordinal
    }

    private func writeBytes(of vector: UnsafePointer<Float>, chunk: Int, slot: Int) {
        guard let rotation, let bytes = byteChunks[chunk] else { return }
        withUnsafeTemporaryAllocation(of: Float.self, capacity: rotation.width) { rotated in
            guard let rotated = rotated.baseAddress else { return }
            rotation.rotate(vector, into: rotated)
            let error = ByteRows.encode(
                rotated,
                width: rotation.width,
                into: bytes + slot * rotation.width
            )
            byteError.max(error.bitPattern, ordering: .relaxed)
        }
    }

    /// The newest row of an id, hidden or not.
    ///
    /// Only for the committing thread, or under its lock.
    func ordinal(of id: RecordID) -> Int? {
        ordinalByID[id]
    }

    /// A 32-bit hash (FNV-1a) by which a scan passes over rows of other partitions; rows that may
    /// enter an answer are compared by name.
    static func partitionCode(_ partition: String) -> UInt32 {
        partition.utf8.reduce(2_166_136_261) { ($0 ^ UInt32($1)) &* 16_777_619 }
    }

    private func addChunk(_ chunk: Int) {
        let floats = Self.rowsPerChunk * strideFloats
        let vectors = Self.aligned(byteCount: floats * 4).bindMemory(
            to: Float.self,
            capacity: floats
        )
        vectors.initialize(repeating: 0, count: floats)
        vectorChunks[chunk] = vectors
        if let rotation {
            let count = Self.rowsPerChunk * rotation.width
            byteChunks[chunk] = Self.aligned(byteCount: count).bindMemory(
                to: UInt8.self,
                capacity: count
            )
        }
        bodyChunks[chunk] = .allocate(capacity: Self.rowsPerChunk)
        let codes = UnsafeMutablePointer<UInt32>.allocate(capacity: Self.rowsPerChunk)
        codes.initialize(repeating: 0, count: Self.rowsPerChunk)
        codeChunks[chunk] = codes
    }

    private static func aligned(byteCount: Int) -> UnsafeMutableRawPointer {
        var raw: UnsafeMutableRawPointer?
        let status = posix_memalign(&raw, 64, byteCount)
        guard status == 0, let raw else { preconditionFailure("out of memory for a memtable") }
        return raw
    }

    // MARK: - Reading rows below a snapshot's row count

    private func body(at ordinal: Int) -> UnsafeMutablePointer<RowBody> {
        guard let chunk = bodyChunks[ordinal / Self.rowsPerChunk] else {
            preconditionFailure("ordinal \(ordinal) is past the memtable's rows")
        }
        return chunk + ordinal % Self.rowsPerChunk
    }

    package func id(at ordinal: Int) -> RecordID { body(at: ordinal).pointee.id }

    /// The hashes of the ids of at least the first `count` rows, by which scans order them.
    func idHashes(count: Int) -> [UInt64] {
        hashes.withLock { hashes in
            for ordinal in hashes.count..<max(count, hashes.count) {
                hashes.append(id(at: ordinal).stableHash)
            }
            return hashes
        }
    }

    package func lsn(at ordinal: Int) -> UInt64 { body(at: ordinal).pointee.lsn }
    package func partition(at ordinal: Int) -> String { body(at: ordinal).pointee.partition }

    package func attribute(_ column: Int, at ordinal: Int) -> AttributeValue? {
        body(at: ordinal).pointee.attributes[column]
    }

    package func payload(at ordinal: Int) -> [UInt8]? { body(at: ordinal).pointee.payload }

    package func vector(at ordinal: Int) -> UnsafePointer<Float> {
        guard let chunk = vectorChunks[ordinal / Self.rowsPerChunk] else {
            preconditionFailure("ordinal \(ordinal) is past the memtable's rows")
        }
        return UnsafePointer(chunk + ordinal % Self.rowsPerChunk * strideFloats)
    }

    /// Up to 1,024 rows that lie together.
    struct Chunk {
        /// The ordinal of the first row.
        var first: Int
        var count: Int
        /// `[count × strideFloats]`.
        var vectors: UnsafePointer<Float>
        /// Of partitions.
        var codes: UnsafePointer<UInt32>
        /// The rows by their bytes; nil when they have none.
        var bytes: ByteRowTable?
    }

    /// The rows `[0, rowCount)` chunk by chunk.
    func forEachChunk(rowCount: Int, _ body: (Chunk) -> Void) {
        var first = 0
        while first < rowCount {
            let chunk = first / Self.rowsPerChunk
            guard let vectors = vectorChunks[chunk], let codes = codeChunks[chunk] else { return }
            let count = min(Self.rowsPerChunk, rowCount - first)
            body(
                Chunk(
                    first: first,
                    count: count,
                    vectors: UnsafePointer(vectors),
                    codes: UnsafePointer(codes),
                    bytes: byteChunks[chunk].map { bytes in
                        ByteRowTable(
                            start: UnsafePointer(bytes),
                            count: count,
                            // At least that of the rows that the snapshot counts.
                            largestError: Float(bitPattern: byteError.load(ordering: .relaxed)),
                            verified: nil,
                            offset: 0
                        )
                    }
                )
            )
            first += Self.rowsPerChunk
        }
    }
}
