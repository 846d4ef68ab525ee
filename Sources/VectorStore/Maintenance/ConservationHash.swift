// What goes into a flush, compaction or rebuild must come out of it.
//
// A sum over rows does not depend on their order, so the rows of the inputs and of the output have the
// same one, unless a row was lost, doubled, brought back or mixed up with another.

import StorageIO
import VectorMath

/// The sum, modulo 2^128, of one hash a row: over id, LSN, partition, vector and payload length.
struct ConservationHash: Equatable {
    private var low: UInt64 = 0
    private var high: UInt64 = 0
    private(set) var rowCount = 0

    mutating func add(_ store: any RowStore, _ ordinal: Int) throws(CorruptionError) {
        let vector = UnsafeRawBufferPointer(
            start: try store.vector(at: ordinal),
            count: store.dimension * MemoryLayout<Float>.size
        )
        var partition = store.partition(at: ordinal)
        let place = partition.withUTF8 { CRC32C.checksum(UnsafeRawBufferPointer($0)) }
        let words = [
            try store.id(at: ordinal).stableHash,
            store.lsn(at: ordinal),
            UInt64(CRC32C.checksum(vector)) << 32 | UInt64(place),
            try store.payloadByteCount(at: ordinal).map { UInt64($0) } ?? .max,
        ]
        var (first, second): (UInt64, UInt64) = (0x9E37_79B9_7F4A_7C15, 0xC2B2_AE3D_27D4_EB4F)
        for word in words {
            first = Self.mixed(first ^ word)
            second = Self.mixed(second &+ word)
        }
        let (sum, carried) = low.addingReportingOverflow(first)
        low = sum
        high = high &+ second &+ (carried ? 1 : 0)
        rowCount += 1
    }

    /// The finaliser of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
    private static func mixed(_ word: UInt64) -> UInt64 {
        var word = word
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}

extension SegmentReplacement {
    /// Compares the rows that were to be copied with the rows of the output.
    ///
    /// - Throws: `corrupt` when they differ: a bug or bad memory, after which no write is safe, so the
    ///   store is stopped.
    func checkConservation(
        in segment: Segment?,
        stopping core: StoreCore
    ) throws(VectorStoreError) {
        let (before, after) = try convertingCorruption { () throws(CorruptionError) in
            var before = ConservationHash()
            let stores = inputs.map(\.store)
            for row in rows { try before.add(stores[Int(row.source)], Int(row.ordinal)) }
            var after = ConservationHash()
            for ordinal in 0..<(segment?.rowCount ?? 0) {
                if let segment { try after.add(segment, ordinal) }
            }
            return (before, after)
        }
        guard before != after else { return }
        let error = VectorStoreError(
            .corrupt,
            "\(before.rowCount) rows went into segment \(segment?.segmentID ?? 0) and "
                + "\(after.rowCount) came out, or not the same ones; nothing was published"
        )
        core.poison(because: error)
        throw error
    }
}
