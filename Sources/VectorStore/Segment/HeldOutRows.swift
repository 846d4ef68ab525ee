import StorageIO
import VectorMath

/// Rows that training leaves out, for calibration to ask with.
///
/// A row that was trained on has pulled a centroid towards itself and most of its neighbours, so fewer
/// lists seem to do for it than a stranger's query needs. The hash of an id decides, so that the same rows
/// are held out in whichever segment they lie, until the next training.
struct HeldOutRows {
    /// About so many are held out.
    static let wantedCount = 1_024
    /// Of fewer rows none is held out: they would be missed.
    static let leastRowCount = 8 * wantedCount

    private let seed: UInt64
    /// Ids whose hashes are below are held out.
    private let bound: UInt64

    /// - Parameters:
    ///   - seed: Of the training.
    ///   - rowCount: Rows under the table that is trained.
    init(seed: UInt64, rowCount: Int) {
        self.seed = seed
        bound =
            rowCount < Self.leastRowCount
            ? 0 : UInt64(Double(UInt64.max) * Double(Self.wantedCount) / Double(rowCount))
    }

    func contains(_ id: RecordID) -> Bool {
        var random = SeededRandom(seed: id.stableHash ^ seed)
        return random.next() < bound
    }

    /// The positions of rows that are held out, or that are not.
    func positions(
        in rows: [SegmentPlan.RowReference],
        of sources: [any RowStore],
        areHeldOut: Bool
    ) throws(CorruptionError) -> [Int] {
        guard bound > 0 else { return areHeldOut ? [] : Array(rows.indices) }
        var positions: [Int] = []
        for (position, row) in rows.enumerated() {
            let id = try sources[Int(row.source)].id(at: Int(row.ordinal))
            if contains(id) == areHeldOut { positions.append(position) }
        }
        return positions
    }
}
