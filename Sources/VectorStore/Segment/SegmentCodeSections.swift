// The sections that only decide which rows are looked at: byte rows, and codes in the order of lists.
//
// - Lists over all rows hold each row under its nearest centroid and, where the plan names one, under a
//   second: a query that lies on the far side of the first then meets it in the second.
// - Partitions without lists have their codes under the mean of their rows.

import StorageIO
import VectorMath

struct SegmentCodeSections {
    let rows: SegmentRows
    let source: CodeSource
    private let rotation: CodeRotation

    /// Rows of a block of 32 below which its codes cost more than they save.
    private static let minimumBlockFill = 8
    /// Smaller partitions are compared by their byte rows.
    private static let minimumFlatRowCount = 256
    /// Byte rows in memory at a time.
    private static let batchRowCount = 4_096

    init(rows: SegmentRows, source: CodeSource) {
        self.rows = rows
        self.source = source
        rotation = CodeRotation(seed: source.seed, dimension: rows.configuration.dimension)
    }

    private var rotated: RotatedRows {
        RotatedRows(
            rows: rows.plan.rows,
            sources: rows.sources,
            rotation: rotation,
            threads: source.threads
        )
    }

    func write(to stream: inout SegmentFileStream) throws(SegmentWriteError) {
        let hasPostings = try writePostings(to: &stream)
        let coded = try writeListCodes(to: &stream, unless: hasPostings)
        try writeFlatCodes(to: &stream, except: coded)
        try writeByteRows(to: &stream)
    }

    // MARK: - Lists over all rows

    /// - Returns: Whether there are some.
    private func writePostings(
        to stream: inout SegmentFileStream
    ) throws(SegmentWriteError) -> Bool {
        guard let generation = source.generation, let table = generation.globalTable,
            let first = firstLists(table)
        else { return false }
        let nlist = generation.set.tables[table].nlist
        var counts = [UInt32](repeating: 0, count: nlist)
        for list in first { counts[Int(list)] += 1 }
        let second = rows.plan.secondLists
        if let second {
            for (row, list) in second.enumerated() where list != first[row] {
                counts[Int(list)] += 1
            }
        }
        guard Self.areLong(counts) else { return false }
        let starts = counts.runningStarts()
        var next = starts
        var ordinals = [UInt32](repeating: 0, count: Int(starts[nlist]))
        func place(_ row: Int, in list: UInt32) {
            ordinals[Int(next[Int(list)])] = UInt32(row)
            next[Int(list)] += 1
        }
        for (row, list) in first.enumerated() { place(row, in: list) }
        if let second {
            for (row, list) in second.enumerated() where list != first[row] {
                place(row, in: list)
            }
        }
        stream.begin(.postings)
        try stream.append(integers: [UInt32(nlist)])
        try stream.append(integers: starts)
        try stream.append(integers: ordinals)
        try stream.endSection()
        try write(
            (0..<nlist).map { list in
                let members = ordinals[Int(starts[list])..<Int(starts[list + 1])]
                return CodeWriter.List(
                    center: .centroid(generation, table: table, list: list),
                    members: .apart(Array(members))
                )
            },
            as: .postingCodes,
            to: &stream
        )
        if !source.isCalibrated {
            try writeCalibration(of: first, under: table, in: generation, to: &stream)
        }
        return true
    }

    /// Measures how many lists these rows need: they may be of topics that training never saw, which
    /// lie scattered over lists of others.
    private func writeCalibration(
        of first: [UInt32],
        under table: Int,
        in generation: IndexGeneration,
        to stream: inout SegmentFileStream
    ) throws(SegmentWriteError) {
        let calibration = Calibration(
            dimension: rows.configuration.dimension,
            sources: rows.sources,
            rotation: rotation,
            threads: source.threads,
            queryCount: Self.calibrationQueryCount
        )
        let curve = try reading { () throws(CorruptionError) in
            try calibration.measure(
                rows: rows.plan.rows,
                lists: first,
                second: rows.plan.secondLists,
                index: generation.tables[table],
                heldOut: generation.heldOut(fromTable: table),
                seed: rows.identity.segmentID,
                progress: { _ in rows.progress(0.05) }
            )
        }
        guard let curve else { throw .cancelled }
        var bytes = ByteWriter()
        curve.encode(into: &bytes)
        stream.begin(.calibration)
        try stream.append(bytes.bytes)
        try stream.endSection()
    }

    /// Rows that are searched for, to find how many lists the rows of a segment need.
    private static let calibrationQueryCount = 256

    /// The list of each row under the table over the whole collection.
    private func firstLists(_ table: Int) -> [UInt32]? {
        if let global = rows.plan.globalLists { return global.assignments }
        guard rows.configuration.partitionKey == nil, let only = rows.plan.partitions.first,
            only.centroidTable == table, let counts = only.listCounts
        else { return nil }
        var lists: [UInt32] = []
        lists.reserveCapacity(rows.rowCount)
        for (list, count) in counts.enumerated() {
            lists += repeatElement(UInt32(list), count: Int(count))
        }
        return lists
    }

    // MARK: - Partitions

    /// - Returns: The numbers of the partitions that need no flat codes.
    private func writeListCodes(
        to stream: inout SegmentFileStream,
        unless hasPostings: Bool
    ) throws(SegmentWriteError) -> Set<Int> {
        // The lists of a collection without partitions are those over all rows.
        if hasPostings, rows.configuration.partitionKey == nil { return [0] }
        guard let generation = source.generation else { return [] }
        var lists: [CodeWriter.List] = []
        var (counts, numbers) = ([UInt32](), Set<Int>())
        for (number, partition) in rows.plan.partitions.enumerated() {
            guard let table = partition.centroidTable, let listCounts = partition.listCounts else {
                continue
            }
            var next = partition.rows.lowerBound
            for (list, count) in listCounts.enumerated() {
                lists.append(
                    CodeWriter.List(
                        center: .centroid(generation, table: table, list: list),
                        members: .together(next..<next + Int(count))
                    )
                )
                next += Int(count)
            }
            counts += listCounts
            numbers.insert(number)
        }
        guard Self.areLong(counts) else { return [] }
        try write(lists, as: .listCodes, to: &stream)
        return numbers
    }

    private func writeFlatCodes(
        to stream: inout SegmentFileStream,
        except coded: Set<Int>
    ) throws(SegmentWriteError) {
        let chosen = rows.plan.partitions.indices.filter {
            !coded.contains($0) && rows.plan.partitions[$0].rows.count >= Self.minimumFlatRowCount
        }
        guard !chosen.isEmpty else { return }
        var (lists, means) = ([CodeWriter.List](), [Float]())
        for number in chosen {
            let range = rows.plan.partitions[number].rows
            let mean = try reading { () throws(CorruptionError) in try self.mean(of: range) }
            means += mean
            lists.append(CodeWriter.List(center: .mean(mean), members: .together(range)))
        }
        typealias Layout = FlatCodeLayout
        var header = ByteWriter()
        header.write(source.seed)
        header.write(UInt32(rotation.width))
        header.write(UInt32(CodeBlocks.byteCount(width: rotation.width)))
        header.write(UInt64(CodeWriter.blockCount(lists)))
        header.write(UInt64(chosen.count))
        header.pad(to: Layout.entries)
        for number in chosen { header.write(UInt32(number)) }
        header.pad(to: Layout.alignment)
        header.write(floats: means)
        stream.begin(.flatCodes)
        try stream.append(header.bytes)
        try CodeWriter(rows: rotated, progress: rows.progress).append(lists, to: &stream)
        try stream.endSection()
    }

    /// The mean of rotated rows, `[width]`.
    private func mean(of range: Range<Int>) throws(CorruptionError) -> [Float] {
        var sum = [Double](repeating: 0, count: rotation.width)
        var row = [Float](repeating: 0, count: rotation.width)
        for ordinal in range {
            try rotated.load(ordinal, into: &row)
            for column in 0..<rotation.width { sum[column] += Double(row[column]) }
        }
        return sum.map { Float($0 / Double(range.count)) }
    }

    private func write(
        _ lists: [CodeWriter.List],
        as kind: SegmentSectionKind,
        to stream: inout SegmentFileStream
    ) throws(SegmentWriteError) {
        stream.begin(kind)
        var header = ByteWriter()
        header.write(source.seed)
        header.write(UInt32(rotation.width))
        header.write(UInt32(CodeBlocks.byteCount(width: rotation.width)))
        header.write(UInt64(CodeWriter.blockCount(lists)))
        header.pad(to: CodeLayout.blocks)
        try stream.append(header.bytes)
        try CodeWriter(rows: rotated, progress: rows.progress).append(lists, to: &stream)
        try stream.endSection()
    }

    /// Whether blocks of these lists hold rows rather than padding.
    private static func areLong(_ counts: [UInt32]) -> Bool {
        let rows = counts.reduce(0) { $0 + Int($1) }
        let blocks = counts.reduce(0) { $0 + CodeBlocks.count(rows: Int($1)) }
        return blocks > 0 && rows >= blocks * minimumBlockFill
    }

    // MARK: - Byte rows

    private func writeByteRows(to stream: inout SegmentFileStream) throws(SegmentWriteError) {
        let (rotated, width) = (rotated, rotation.width)
        stream.begin(.byteRows)
        var header = ByteWriter()
        header.write(source.seed)
        header.write(UInt32(width))
        header.pad(to: ByteRowLayout.rows)
        try stream.append(header.bytes)
        var bytes = [UInt8](repeating: 0, count: min(rows.rowCount, Self.batchRowCount) * width)
        var errors = [Float](repeating: 0, count: min(rows.rowCount, Self.batchRowCount))
        var largest: Float = 0
        for start in stride(from: 0, to: rows.rowCount, by: Self.batchRowCount) {
            let count = min(Self.batchRowCount, rows.rowCount - start)
            let failure = bytes.withUnsafeMutableBufferPointer { bytes in
                errors.withUnsafeMutableBufferPointer { errors -> CorruptionError? in
                    guard let bytes = bytes.baseAddress, let errors = errors.baseAddress else {
                        return nil
                    }
                    // Each worker has rows of its own.
                    nonisolated(unsafe) let (target, lost) = (bytes, errors)
                    return rotated.forEachChunk(count: count, chunk: 256, capacity: 0) {
                        range,
                        scratch throws(CorruptionError) in
                        for row in range {
                            try rotated.load(start + row, into: scratch)
                            lost[row] = ByteRows.encode(
                                scratch,
                                width: width,
                                into: target + row * width
                            )
                        }
                    }
                }
            }
            if let failure { throw .corruption(failure) }
            largest = max(largest, errors[..<count].max() ?? 0)
            try stream.append(Array(bytes[..<(count * width)]))
            guard rows.progress(0.1) else { throw .cancelled }
        }
        try stream.append(integer: largest.bitPattern)
        try stream.endSection()
    }
}
