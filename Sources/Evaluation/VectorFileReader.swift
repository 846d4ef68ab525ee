// Vectors in files, by extension.
//
// fbin, f16bin: UInt32 rows, UInt32 dimension, then the floats (big-ann-benchmarks).
// fvecs: each row is an Int32 dimension and its floats (TEXMEX).
// npy: NumPy's format, versions 1 and 2, little-endian f4 or f2, C order, two dimensions.

/// Reads rows of a file of vectors; `rows` may be any part of it.
package struct VectorFileReader: Sendable {
    package let path: String
    package let count: Int
    package let dimension: Int
    private let file: RawFile
    private let layout: VectorFileLayout

    /// The largest dimension that is believed.
    package static let maximumDimension = 1 << 20

    package init(_ path: String) throws(DatasetError) {
        let file = try RawFile(path)
        let layout = try VectorFileLayout(file)
        self.path = path
        self.file = file
        self.layout = layout
        (count, dimension) = (layout.rows, layout.columns)
    }

    /// Reads rows into `[rows.count × dimension]`.
    package func read(
        rows: Range<Int>,
        into target: UnsafeMutablePointer<Float>
    ) throws(DatasetError) {
        precondition(rows.lowerBound >= 0 && rows.upperBound <= count)
        let first = layout.start + rows.lowerBound * layout.rowByteCount
        if !layout.isHalf, layout.prefix == 0 {
            return try file.read(
                into: UnsafeMutableRawBufferPointer(
                    start: target,
                    count: rows.count * layout.rowByteCount
                ),
                at: first
            )
        }
        let bytes = try file.bytes(rows.count * layout.rowByteCount, at: first)
        for row in 0..<rows.count {
            let place = row * layout.rowByteCount
            if layout.prefix == 4 {
                let found = Self.uint32(bytes, at: place)
                guard found == UInt32(dimension) else {
                    throw DatasetError(
                        path,
                        .badRow,
                        "the dimension of row \(rows.lowerBound + row) differs",
                        at: first + place,
                        expected: dimension,
                        found: Int(found)
                    )
                }
            }
            decode(bytes, at: place + layout.prefix, into: target + row * dimension)
        }
    }

    /// All rows, `[count × dimension]`.
    package func readAll() throws(DatasetError) -> [Float] {
        var failure: DatasetError?
        let floats = [Float](unsafeUninitializedCapacity: count * dimension) { buffer, filled in
            guard let base = buffer.baseAddress else { return }
            do throws(DatasetError) {
                try read(rows: 0..<count, into: base)
                filled = count * dimension
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return floats
    }

    private func decode(_ bytes: [UInt8], at place: Int, into target: UnsafeMutablePointer<Float>) {
        if layout.isHalf {
            for column in 0..<dimension {
                let low = UInt16(bytes[place + column * 2])
                let high = UInt16(bytes[place + column * 2 + 1])
                target[column] = Self.float(half: low | high << 8)
            }
        } else {
            for column in 0..<dimension {
                target[column] = Float(bitPattern: Self.uint32(bytes, at: place + column * 4))
            }
        }
    }

    private static func uint32(_ bytes: [UInt8], at place: Int) -> UInt32 {
        UInt32(bytes[place]) | UInt32(bytes[place + 1]) << 8 | UInt32(bytes[place + 2]) << 16
            | UInt32(bytes[place + 3]) << 24
    }

    /// IEEE 754 half precision, without the machine's help.
    static func float(half bits: UInt16) -> Float {
        let sign: Float = bits >> 15 == 1 ? -1 : 1
        let exponent = Int(bits >> 10 & 31)
        let fraction = Float(bits & 1_023)
        switch exponent {
        case 0: return sign * fraction * Float(sign: .plus, exponent: -24, significand: 1)
        case 31: return fraction == 0 ? sign * .infinity : .nan
        default:
            return sign
                * Float(sign: .plus, exponent: exponent - 15, significand: 1 + fraction / 1_024)
        }
    }
}
