import Foundation

/// Vectors in lines of JSON: `{"vector": [0.1, -2, …], …}`; empty lines count for nothing.
///
/// Opening passes over the file once and keeps the place of each line; a line is parsed when it is
/// read. `expand` turns such a file into fbin, which is read many times faster.
final class VectorLines: Sendable {
    private let file: RawFile
    private let places: [Range<Int>]
    let dimension: Int

    var count: Int { places.count }

    /// The longest line that is believed.
    static let maximumLineByteCount = 64 << 20

    init(_ file: RawFile) throws(DatasetError) {
        self.file = file
        places = try Self.places(file)
        guard let first = places.first else {
            throw DatasetError(file.path, .zeroRows, "no line holds anything")
        }
        dimension = try Self.vector(file, first, row: 0).count
        guard dimension > 0, dimension <= VectorFileReader.maximumDimension else {
            throw DatasetError(
                file.path,
                .badDimension,
                "the dimension is not 1 to \(VectorFileReader.maximumDimension)",
                at: first.lowerBound,
                expected: VectorFileReader.maximumDimension,
                found: dimension
            )
        }
    }

    /// Reads rows into `[rows.count × dimension]`.
    func read(rows: Range<Int>, into target: UnsafeMutablePointer<Float>) throws(DatasetError) {
        for row in rows {
            let vector = try Self.vector(file, places[row], row: row)
            guard vector.count == dimension else {
                throw DatasetError(
                    file.path,
                    .badRow,
                    "the dimension of row \(row) differs",
                    at: places[row].lowerBound,
                    expected: dimension,
                    found: vector.count
                )
            }
            for (column, value) in vector.enumerated() {
                target[(row - rows.lowerBound) * dimension + column] = value
            }
        }
    }

    private static func places(_ file: RawFile) throws(DatasetError) -> [Range<Int>] {
        var places: [Range<Int>] = []
        var (lineStart, isBlank) = (0, true)
        var offset = 0
        func end(_ place: Int) throws(DatasetError) {
            guard place - lineStart <= maximumLineByteCount else {
                throw DatasetError(file.path, .badRow, "a line is too long", at: lineStart)
            }
            if !isBlank { places.append(lineStart..<place) }
            (lineStart, isBlank) = (place + 1, true)
        }
        while offset < file.byteCount {
            let chunk = try file.bytes(min(1 << 20, file.byteCount - offset), at: offset)
            for (place, byte) in chunk.enumerated() {
                if byte == 0x0A {
                    try end(offset + place)
                } else if byte != 0x20, byte != 0x09, byte != 0x0D {
                    isBlank = false
                }
            }
            offset += chunk.count
        }
        if lineStart < file.byteCount { try end(file.byteCount) }
        return places
    }

    private struct Line: Decodable {
        var vector: [Float]
    }

    private static func vector(
        _ file: RawFile,
        _ place: Range<Int>,
        row: Int
    ) throws(DatasetError) -> [Float] {
        let bytes = try file.bytes(place.count, at: place.lowerBound)
        do {
            return try JSONDecoder().decode(Line.self, from: Data(bytes)).vector
        } catch {
            throw DatasetError(
                file.path,
                .badRow,
                "row \(row) is not an object with numbers under `vector`",
                at: place.lowerBound
            )
        }
    }
}
