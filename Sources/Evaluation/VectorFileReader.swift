// Vectors in files, by extension.
//
// fbin, f16bin, u8bin, i8bin, ibin: UInt32 rows, UInt32 dimension, then the numbers
// (big-ann-benchmarks).
// fvecs, bvecs, ivecs: each row is an Int32 dimension and its numbers (TEXMEX).
// npy: NumPy's format, versions 1 and 2, little-endian, C order, two dimensions.
// jsonl: an object a line with the numbers under `vector`.
// hdf5, h5: a table of an HDF5 file, `train` unless `file.hdf5:name` names another (ann-benchmarks).

/// Reads rows of a file of vectors; `rows` may be any part of it.
package struct VectorFileReader: Sendable {
    package let path: String
    package let count: Int
    package let dimension: Int
    private let source: Source

    private enum Source {
        case packed(RawFile, VectorFileLayout)
        case lines(VectorLines)
        case table(HDF5Table)
    }

    /// The largest dimension that is believed.
    package static let maximumDimension = 1 << 20

    /// The extensions that are read, for messages.
    package static let formats =
        (VectorFileLayout.extensions + ["jsonl", "hdf5", "h5"]).joined(separator: ", ")

    package init(_ path: String) throws(DatasetError) {
        self.path = path
        if let place = HDF5Path(path) {
            let table = try HDF5Table(place.file, place.table ?? "train")
            source = .table(table)
            (count, dimension) = (table.rows, table.columns)
            return
        }
        let file = try RawFile(path)
        if file.format == "jsonl" {
            let lines = try VectorLines(file)
            source = .lines(lines)
            (count, dimension) = (lines.count, lines.dimension)
            return
        }
        let layout = try VectorFileLayout(file)
        source = .packed(file, layout)
        (count, dimension) = (layout.rows, layout.columns)
    }

    /// Reads rows into `[rows.count × dimension]`.
    package func read(
        rows: Range<Int>,
        into target: UnsafeMutablePointer<Float>
    ) throws(DatasetError) {
        precondition(rows.lowerBound >= 0 && rows.upperBound <= count)
        switch source {
        case .packed(let file, let layout): try read(rows, of: file, layout, into: target)
        case .lines(let lines): try lines.read(rows: rows, into: target)
        case .table(let table): try table.read(rows: rows, into: target)
        }
    }

    /// One row, `[dimension]`.
    package func row(_ row: Int) throws(DatasetError) -> [Float] {
        try floats(row..<row + 1)
    }

    /// All rows, `[count × dimension]`.
    package func readAll() throws(DatasetError) -> [Float] {
        try floats(0..<count)
    }

    private func floats(_ rows: Range<Int>) throws(DatasetError) -> [Float] {
        var failure: DatasetError?
        let capacity = rows.count * dimension
        let floats = [Float](unsafeUninitializedCapacity: capacity) { buffer, filled in
            guard let base = buffer.baseAddress else { return }
            do throws(DatasetError) {
                try read(rows: rows, into: base)
                filled = capacity
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return floats
    }

    private func read(
        _ rows: Range<Int>,
        of file: RawFile,
        _ layout: VectorFileLayout,
        into target: UnsafeMutablePointer<Float>
    ) throws(DatasetError) {
        let first = layout.start + rows.lowerBound * layout.rowByteCount
        if layout.element == .float32, layout.prefix == 0 {
            return try file.read(
                into: UnsafeMutableRawBufferPointer(
                    start: target,
                    count: rows.count * layout.rowByteCount
                ),
                at: first
            )
        }
        let bytes = try file.bytes(rows.count * layout.rowByteCount, at: first)
        if layout.prefix == 4 { try checkPrefixes(bytes, rows, layout, at: first) }
        bytes.withUnsafeBytes { buffer in
            guard let base = buffer.baseAddress else { return }
            for row in 0..<rows.count {
                layout.element.decode(
                    base + row * layout.rowByteCount + layout.prefix,
                    into: UnsafeMutableBufferPointer(
                        start: target + row * dimension,
                        count: dimension
                    )
                )
            }
        }
    }

    private func checkPrefixes(
        _ bytes: [UInt8],
        _ rows: Range<Int>,
        _ layout: VectorFileLayout,
        at first: Int
    ) throws(DatasetError) {
        for row in 0..<rows.count {
            let place = row * layout.rowByteCount
            let found = bytes[place..<place + 4].reversed().reduce(0) { $0 << 8 | Int($1) }
            guard found == dimension else {
                throw DatasetError(
                    path,
                    .badRow,
                    "the dimension of row \(rows.lowerBound + row) differs",
                    at: first + place,
                    expected: dimension,
                    found: found
                )
            }
        }
    }
}
