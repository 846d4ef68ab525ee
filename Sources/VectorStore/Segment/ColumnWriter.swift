import StorageIO

/// Writes one declared attribute of all rows.
struct ColumnWriter {
    let rows: SegmentRows
    let index: Int
    let type: AttributeType

    /// A dictionary larger than this, or with more strings than half the rows, is not made.
    static let maximumDictionaryByteCount = 32 << 20
    static let smallDictionaryCount = 256

    /// Offsets of the column's parts in the attribute columns section.
    private struct Entry {
        var encoding: ColumnEncoding
        var presenceOffset: UInt64 = 0
        var valuesOffset: UInt64 = 0
        var stringsOffset: UInt64 = 0
        var stringCount: UInt64 = 0
        var bytesOffset: UInt64 = 0
        var bytesCount: UInt64 = 0
    }

    /// Appends the column to the section, and its entry to the directory.
    func write(
        to stream: inout SegmentFileStream,
        entry directory: inout ByteWriter
    ) throws(SegmentWriteError) {
        var entry = Entry(encoding: .fixed)
        var presence = Bitmap(count: rows.rowCount)
        var flags = Bitmap(count: type == .bool ? rows.rowCount : 0)
        try forEachValue { (ordinal, value) throws(SegmentWriteError) in
            guard let value else { return }
            presence.insert(ordinal)
            if case .bool(true) = value { flags.insert(ordinal) }
        }
        entry.presenceOffset = try start(&stream)
        try stream.append(integers: presence.words)
        switch type {
        case .int64, .double:
            entry.valuesOffset = try start(&stream)
            try forEachValue { (_, value) throws(SegmentWriteError) in
                switch value {
                case .int64(let number): try stream.append(integer: number)
                case .double(let number): try stream.append(integer: number.bitPattern)
                default: try stream.append(integer: UInt64(0))
                }
            }
        case .bool:
            entry.encoding = .bitmap
            entry.valuesOffset = try start(&stream)
            try stream.append(integers: flags.words)
        case .string:
            if let strings = try dictionary() {
                try writeDictionary(strings, &entry, &stream)
            } else {
                try writePlain(&entry, &stream)
            }
        }
        try stream.pad(to: ColumnDirectoryLayout.alignment)
        directory.write(AttributeTypeCode.code(type))
        directory.write(entry.encoding.rawValue)
        directory.write(entry.presenceOffset)
        directory.write(entry.valuesOffset)
        directory.write(entry.stringsOffset)
        directory.write(entry.stringCount)
        directory.write(entry.bytesOffset)
        directory.write(entry.bytesCount)
    }

    private func forEachValue(
        _ body: (Int, AttributeValue?) throws(SegmentWriteError) -> Void
    ) throws(SegmentWriteError) {
        try rows.forEachRow(from: 0.6, to: 0.65) {
            (ordinal, store, row) throws(SegmentWriteError) in
            let value = store.attribute(index, at: row)
            precondition(value == nil || value?.type == type, "values have the declared type")
            try body(ordinal, value)
        }
    }

    private func start(_ stream: inout SegmentFileStream) throws(SegmentWriteError) -> UInt64 {
        try stream.pad(to: ColumnDirectoryLayout.alignment)
        return stream.sectionByteCount
    }

    /// The distinct strings in rising order of their bytes, or nil when there are too many.
    private func dictionary() throws(SegmentWriteError) -> [[UInt8]]? {
        var seen: Set<[UInt8]> = []
        var byteCount = 0
        let limit = max(Self.smallDictionaryCount, rows.rowCount / 2)
        try forEachValue { (_, value) throws(SegmentWriteError) in
            guard case .string(let text) = value, seen.count <= limit,
                byteCount <= Self.maximumDictionaryByteCount
            else { return }
            if seen.insert(Array(text.utf8)).inserted { byteCount += text.utf8.count }
        }
        guard seen.count <= limit, byteCount <= Self.maximumDictionaryByteCount else { return nil }
        return seen.sorted { $0.lexicographicallyPrecedes($1) }
    }

    private func writeDictionary(
        _ strings: [[UInt8]],
        _ entry: inout Entry,
        _ stream: inout SegmentFileStream
    ) throws(SegmentWriteError) {
        entry.encoding = .dictionary
        var codes: [[UInt8]: UInt32] = [:]
        for (code, string) in strings.enumerated() { codes[string] = UInt32(code) }
        entry.valuesOffset = try start(&stream)
        try forEachValue { (_, value) throws(SegmentWriteError) in
            var code: UInt32 = 0
            if case .string(let text) = value { code = codes[Array(text.utf8)] ?? 0 }
            try stream.append(integer: code)
        }
        var end: UInt64 = 0
        entry.stringsOffset = try start(&stream)
        entry.stringCount = UInt64(strings.count)
        for string in strings {
            end += UInt64(string.count)
            try stream.append(integer: end)
        }
        entry.bytesOffset = try start(&stream)
        entry.bytesCount = end
        for string in strings { try stream.append(string) }
    }

    private func writePlain(
        _ entry: inout Entry,
        _ stream: inout SegmentFileStream
    ) throws(SegmentWriteError) {
        entry.encoding = .plain
        var ends: [UInt64] = []
        ends.reserveCapacity(rows.rowCount)
        entry.bytesOffset = try start(&stream)
        var end: UInt64 = 0
        try forEachValue { (_, value) throws(SegmentWriteError) in
            if case .string(let text) = value {
                end += UInt64(text.utf8.count)
                try stream.append(Array(text.utf8))
            }
            ends.append(end)
        }
        entry.bytesCount = end
        entry.stringsOffset = try start(&stream)
        entry.stringCount = UInt64(ends.count)
        try stream.append(integers: ends)
    }
}
