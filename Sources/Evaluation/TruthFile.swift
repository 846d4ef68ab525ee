/// True neighbours: row numbers, nearest first, −1 where there are fewer.
package struct TruthFile: Equatable, Sendable {
    package let queryCount: Int
    package let k: Int
    /// `[queryCount × k]`.
    package let rows: [Int32]
    /// `[queryCount × k]` cosine similarities, or empty when the file has none.
    package let similarities: [Float]

    package init(queryCount: Int, k: Int, rows: [Int32], similarities: [Float] = []) {
        precondition(rows.count == queryCount * k)
        precondition(similarities.isEmpty || similarities.count == rows.count)
        self.queryCount = queryCount
        self.k = k
        self.rows = rows
        self.similarities = similarities
    }

    /// Reads `ibin` (UInt32 queries, UInt32 k, rows, perhaps similarities), `ivecs` (each query an
    /// Int32 k and its rows), `npy` of Int32, or the table `neighbors` of an HDF5 file.
    ///
    /// - Parameter rowCount: The rows of the data set, if they are known: no neighbour may lie behind.
    package init(_ path: String, rowCount: Int? = nil) throws(DatasetError) {
        if let place = HDF5Path(path) {
            let table = try HDF5Table(place.file, place.table ?? "neighbors")
            self = TruthFile(
                queryCount: table.rows,
                k: table.columns,
                rows: try table.readIntegers()
            )
        } else {
            self = try Self.file(path)
        }
        try check(rowCount: rowCount ?? .max, path)
    }

    /// Refuses what would make recall mean something else.
    private func check(rowCount: Int, _ path: String) throws(DatasetError) {
        func refusal(_ place: Int, _ message: String) -> DatasetError {
            DatasetError(
                path,
                .badRow,
                "query \(place / k), neighbour \(place % k): \(message)",
                found: Int(rows[place])
            )
        }
        if let place = rows.firstIndex(where: { $0 < -1 }) {
            throw refusal(place, "not a row number")
        }
        if let place = rows.firstIndex(where: { Int($0) >= rowCount }) {
            throw refusal(place, "the data set has \(rowCount) rows")
        }
        guard rows.contains(where: { $0 >= 0 }) else {
            throw DatasetError(path, .zeroRows, "names no neighbour of any query")
        }
        for query in 0..<queryCount {
            let places = query * k..<(query + 1) * k
            var seen = Set<Int32>(minimumCapacity: k)
            var isPadding = false
            for place in places {
                if isPadding, rows[place] >= 0 { throw refusal(place, "a neighbour behind a -1") }
                isPadding = rows[place] < 0
                if !isPadding, !seen.insert(rows[place]).inserted {
                    throw refusal(place, "the same row again")
                }
            }
        }
    }

    private static func file(_ path: String) throws(DatasetError) -> TruthFile {
        let file = try RawFile(path)
        switch file.format {
        case "ibin": return try ibin(file)
        case "ivecs": return try ivecs(file)
        case "npy": return try npy(file)
        default:
            throw DatasetError(
                path,
                .unknownExtension,
                "unknown extension; ibin, ivecs, npy and hdf5 are read"
            )
        }
    }

    private static func npy(_ file: RawFile) throws(DatasetError) -> TruthFile {
        let layout = try VectorFileLayout(file)
        guard layout.element == .int32 else {
            throw DatasetError(file.path, .unsupported, "row numbers must be <i4", at: 10)
        }
        try check(queryCount: layout.rows, k: layout.columns, file)
        let cells = words(try file.bytes(layout.rows * layout.rowByteCount, at: layout.start))
        return TruthFile(
            queryCount: layout.rows,
            k: layout.columns,
            rows: cells.map { Int32(bitPattern: $0) }
        )
    }

    private static func ibin(_ file: RawFile) throws(DatasetError) -> TruthFile {
        let queryCount = Int(try file.uint32(at: 0))
        let k = Int(try file.uint32(at: 4))
        try check(queryCount: queryCount, k: k, file)
        // Both are below 2^32, so that the product fits; times 8 it may not.
        let (cells, _) = queryCount.multipliedReportingOverflow(by: k)
        guard cells < 1 << 56 else {
            throw DatasetError(
                file.path,
                .overflow,
                "\(queryCount) queries of \(k) exceed every file",
                at: 0
            )
        }
        let hasSimilarities = file.byteCount == 8 + cells * 8
        if !hasSimilarities {
            try file.checkByteCount(8 + cells * 4, "\(queryCount) queries of \(k) rows")
        }
        let rows = words(try file.bytes(cells * 4, at: 8)).map { Int32(bitPattern: $0) }
        let similarities =
            hasSimilarities
            ? words(try file.bytes(cells * 4, at: 8 + cells * 4)).map { Float(bitPattern: $0) } : []
        return TruthFile(queryCount: queryCount, k: k, rows: rows, similarities: similarities)
    }

    private static func ivecs(_ file: RawFile) throws(DatasetError) -> TruthFile {
        guard file.byteCount > 0 else {
            throw DatasetError(file.path, .zeroRows, "the file is empty")
        }
        let k = Int(try file.uint32(at: 0))
        try check(queryCount: 1, k: k, file)
        let width = 1 + k
        let queryCount = (file.byteCount + width * 4 - 1) / (width * 4)
        try file.checkByteCount(queryCount * width * 4, "\(queryCount) queries of \(k) rows")
        let all = words(try file.bytes(file.byteCount, at: 0))
        var rows: [Int32] = []
        rows.reserveCapacity(queryCount * k)
        for query in 0..<queryCount {
            let place = query * width
            guard all[place] == UInt32(k) else {
                throw DatasetError(
                    file.path,
                    .badRow,
                    "query \(query) has another number of rows",
                    at: place * 4,
                    expected: k,
                    found: Int(all[place])
                )
            }
            rows += all[place + 1..<place + width].map { Int32(bitPattern: $0) }
        }
        return TruthFile(queryCount: queryCount, k: k, rows: rows)
    }

    private static func check(
        queryCount: Int,
        k: Int,
        _ file: RawFile
    ) throws(DatasetError) {
        guard queryCount > 0 else {
            throw DatasetError(file.path, .zeroRows, "the header promises no queries", at: 0)
        }
        guard k > 0, k <= 1 << 24 else {
            throw DatasetError(
                file.path,
                .badDimension,
                "the neighbours of a query are not 1 to \(1 << 24)",
                at: 4,
                expected: 1 << 24,
                found: k
            )
        }
    }

    /// The true rows of a query, without the padding.
    package subscript(query: Int) -> [Int] {
        rows[query * k..<(query + 1) * k].filter { $0 >= 0 }.map(Int.init)
    }

    /// Whether one of the first queries has a true neighbour, so that there is something to find.
    package func hasNeighbours(ofFirst count: Int) -> Bool {
        rows.prefix(min(count, queryCount) * k).contains { $0 >= 0 }
    }

    /// Writes `ibin`, with similarities if there are some.
    package func write(_ path: String) throws(DatasetError) {
        let writer = try DatasetWriter(path)
        try writer.append([UInt32(queryCount), UInt32(k)])
        try writer.append(rows)
        try writer.append(similarities)
        try writer.finish()
    }

    private static func words(_ bytes: [UInt8]) -> [UInt32] {
        bytes.withUnsafeBytes { buffer in
            (0..<buffer.count / 4).map {
                UInt32(littleEndian: buffer.loadUnaligned(fromByteOffset: $0 * 4, as: UInt32.self))
            }
        }
    }
}
