import StorageIO

/// The bytes of a recall curve in centroid files and segments: a count of curves; of each its k, a count
/// of points, and the points as nprobe and recall, UInt32 and Float32.
extension RecallCurve {
    func encode(into writer: inout ByteWriter) {
        writer.write(UInt32(curves.count))
        for curve in curves {
            writer.write(curve.k)
            writer.write(UInt32(curve.points.count))
            for point in curve.points {
                writer.write(point.nprobe)
                writer.write(point.recall)
            }
        }
    }

    /// Reads curves over `nlist` lists.
    ///
    /// - Throws: When k or nprobe do not grow, or a recall is not 0 to 1.
    init(_ reader: inout ByteReader, nlist: Int) throws(CorruptionError) {
        var curves: [Curve] = []
        for _ in 0..<(try reader.read(UInt32.self)) {
            let start = reader.offset
            let k: UInt32 = try reader.read()
            guard k > (curves.last?.k ?? 0) else {
                throw reader.invalid(
                    "k",
                    found: String(k),
                    expected: "above the one before",
                    at: start
                )
            }
            var points: [Point] = []
            for _ in 0..<(try reader.read(UInt32.self)) {
                points.append(try Self.point(&reader, nlist: nlist, after: points.last))
            }
            curves.append(Curve(k: k, points: points))
        }
        self.init(nlist: nlist, curves: curves)
    }

    private static func point(
        _ reader: inout ByteReader,
        nlist: Int,
        after last: Point?
    ) throws(CorruptionError) -> Point {
        let start = reader.offset
        let nprobe: UInt32 = try reader.read()
        let recall = Float(bitPattern: try reader.read(UInt32.self))
        guard nprobe > (last?.nprobe ?? 0), nprobe <= nlist, recall >= 0, recall <= 1 else {
            throw reader.invalid(
                "calibration",
                found: "recall \(recall) at nprobe \(nprobe)",
                expected: "growing nprobe up to \(nlist), recall 0 to 1",
                at: start
            )
        }
        return Point(nprobe: nprobe, recall: recall)
    }
}
