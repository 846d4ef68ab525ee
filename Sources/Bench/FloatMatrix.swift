import Foundation

/// Rows of float32 read from an `fbin` file, compared in double precision.
struct FloatMatrix {
    /// Rows.
    let count: Int
    /// Floats in a row.
    let dimension: Int
    private let values: [Float]

    /// Reads `u32 count, u32 dimension, count · dimension float32`, little-endian.
    init(fbin path: String) throws {
        let data = try Data(contentsOf: URL(fileURLWithPath: path))
        guard data.count >= 8 else {
            throw LectureError("\(path): \(data.count) bytes, at least 8 expected")
        }
        let words = data.withUnsafeBytes { bytes in
            stride(from: 0, to: bytes.count - 3, by: 4).map {
                UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: $0, as: UInt32.self))
            }
        }
        (count, dimension) = (Int(words[0]), Int(words[1]))
        let expected = 8 + 4 * count * dimension
        guard dimension > 0, data.count == expected else {
            throw LectureError("\(path): \(data.count) bytes, \(expected) expected")
        }
        values = words.dropFirst(2).map(Float.init(bitPattern:))
    }

    /// One row, `[dimension]`.
    subscript(row: Int) -> ArraySlice<Float> {
        values[row * dimension..<(row + 1) * dimension]
    }

    /// The cosine similarity of a row with `query`, in double precision.
    func similarity(row: Int, query: ArraySlice<Float>) -> Double {
        var (product, rowSquare, querySquare) = (0.0, 0.0, 0.0)
        for (x, y) in zip(self[row], query) {
            product += Double(x) * Double(y)
            rowSquare += Double(x) * Double(x)
            querySquare += Double(y) * Double(y)
        }
        return product / (rowSquare * querySquare).squareRoot()
    }
}
