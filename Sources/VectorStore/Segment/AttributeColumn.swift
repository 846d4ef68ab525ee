import StorageIO

/// One declared attribute of all rows of a segment; valid while the segment is referenced.
struct AttributeColumn: Sendable {
    let type: AttributeType
    let encoding: ColumnEncoding
    let rowCount: Int
    let presence: SegmentBytes
    /// 8-byte values, a bitmap or dictionary codes; empty when plain.
    let values: SegmentBytes
    /// Ends of the strings; empty when there are none.
    let ends: SegmentBytes
    let strings: SegmentBytes

    /// Reads one entry of the column directory and checks every offset and code.
    init(
        entry: SegmentBytes,
        at place: Int,
        columns: SegmentBytes,
        type: AttributeType,
        rowCount: Int
    ) throws(CorruptionError) {
        typealias Layout = ColumnDirectoryLayout
        func field(_ offset: Int) -> UInt64 { entry.integer(at: place + offset) }
        let typeCode: UInt32 = entry.integer(at: place + Layout.type)
        let encodingCode: UInt32 = entry.integer(at: place + Layout.encoding)
        guard typeCode == AttributeTypeCode.code(type),
            let encoding = ColumnEncoding(rawValue: encodingCode),
            Self.encodings(of: type).contains(encoding)
        else {
            throw entry.invalid(
                "column type and encoding",
                found: "\(typeCode), \(encodingCode)",
                expected: "those of \(type.rawValue)",
                at: place
            )
        }
        self.type = type
        self.encoding = encoding
        self.rowCount = rowCount
        let rows = UInt64(rowCount)
        let bitmapBytes = (rows + 63) / 64 * 8
        presence = try columns.part(
            "presence bitmap",
            at: field(Layout.presenceOffset),
            byteCount: bitmapBytes
        )
        let valueBytes: UInt64 =
            switch encoding {
            case .fixed: rows * 8
            case .bitmap: bitmapBytes
            case .dictionary: rows * 4
            case .plain: 0
            }
        values = try columns.part(
            "column values",
            at: field(Layout.valuesOffset),
            byteCount: valueBytes
        )
        let stringCount = field(Layout.stringCount)
        ends = try columns.part(
            "string ends",
            at: field(Layout.stringsOffset),
            byteCount: stringCount.saturatingMultiplied(by: 8)
        )
        strings = try columns.part(
            "strings",
            at: field(Layout.bytesOffset),
            byteCount: field(Layout.bytesCount)
        )
        let expectedStrings: UInt64? =
            switch encoding {
            case .fixed, .bitmap: 0
            case .plain: rows
            case .dictionary: nil
            }
        guard expectedStrings.map({ $0 == stringCount }) ?? true else {
            throw entry.invalid(
                "string count",
                found: "\(stringCount)",
                expected: "that of the encoding",
                at: place + Layout.stringCount
            )
        }
        try checkBits()
        try checkStrings()
    }

    private static func encodings(of type: AttributeType) -> [ColumnEncoding] {
        switch type {
        case .int64, .double: [.fixed]
        case .bool: [.bitmap]
        case .string: [.dictionary, .plain]
        }
    }

    private func checkBits() throws(CorruptionError) {
        guard rowCount % 64 != 0 else { return }
        let last = presenceWord(rowCount / 64) >> UInt64(rowCount % 64)
        guard last == 0 else {
            throw presence.invalid("presence past the last row", found: "set bits", expected: "0")
        }
    }

    private func checkStrings() throws(CorruptionError) {
        var previousEnd: UInt64 = 0
        var previous: UnsafeRawBufferPointer?
        for index in 0..<stringCount {
            let end: UInt64 = ends.integer(at: index * 8)
            guard end >= previousEnd, end <= UInt64(strings.count) else {
                throw ends.invalid(
                    "end of string \(index)",
                    found: "\(end)",
                    expected: "\(previousEnd) to \(strings.count)",
                    at: index * 8
                )
            }
            previousEnd = end
            let bytes = stringBytes(index)
            guard encoding == .plain || previous.map({ compareBytes($0, bytes) < 0 }) ?? true else {
                throw strings.invalid(
                    "string \(index)",
                    found: "an earlier string",
                    expected: "rising strings"
                )
            }
            previous = bytes
        }
        guard previousEnd == UInt64(strings.count) else {
            throw strings.invalid(
                "strings",
                found: "\(previousEnd) bytes",
                expected: "\(strings.count)"
            )
        }
        guard encoding == .dictionary else { return }
        for ordinal in 0..<rowCount {
            let code = code(at: ordinal)
            guard code < stringCount || (code == 0 && !isPresent(ordinal)) else {
                throw values.invalid(
                    "code of row \(ordinal)",
                    found: "\(code)",
                    expected: "below \(stringCount)",
                    at: ordinal * 4
                )
            }
        }
    }

    // MARK: - Values

    var stringCount: Int { ends.count / 8 }

    @inline(__always)
    func isPresent(_ ordinal: Int) -> Bool {
        presenceWord(ordinal >> 6) >> UInt64(ordinal & 63) & 1 != 0
    }

    @inline(__always)
    func presenceWord(_ index: Int) -> UInt64 { presence.integer(at: index * 8) }

    /// The bits of a bool column, 64 rows.
    @inline(__always)
    func flagWord(_ index: Int) -> UInt64 { values.integer(at: index * 8) }

    /// The bits of an int64 or double.
    @inline(__always)
    func bits(at ordinal: Int) -> UInt64 { values.integer(at: ordinal * 8) }

    /// The dictionary code of a row.
    @inline(__always)
    func code(at ordinal: Int) -> UInt32 { values.integer(at: ordinal * 4) }

    /// A string of the dictionary, or of a row when plain.
    func stringBytes(_ index: Int) -> UnsafeRawBufferPointer {
        let start: UInt64 = index == 0 ? 0 : ends.integer(at: (index - 1) * 8)
        let end: UInt64 = ends.integer(at: index * 8)
        // Checked at open; a page that was lost since reads as zeros, and must not trap.
        guard start <= end else { return strings.bytes(0..<0) }
        return strings.bytes(Int(start)..<Int(end))
    }

    /// The bytes of the string of a row that has a value.
    func rowStringBytes(_ ordinal: Int) -> UnsafeRawBufferPointer {
        stringBytes(encoding == .dictionary ? Int(code(at: ordinal)) : ordinal)
    }

    func value(at ordinal: Int) -> AttributeValue? {
        guard isPresent(ordinal) else { return nil }
        switch type {
        case .int64: return .int64(Int64(bitPattern: bits(at: ordinal)))
        case .double: return .double(Double(bitPattern: bits(at: ordinal)))
        case .bool: return .bool(flagWord(ordinal >> 6) >> UInt64(ordinal & 63) & 1 != 0)
        case .string: return .string(String(decoding: rowStringBytes(ordinal), as: UTF8.self))
        }
    }

    /// The first code whose string does not come before `bytes`, and whether it is that string.
    func lowerBound(_ bytes: UnsafeRawBufferPointer) -> (code: Int, isEqual: Bool) {
        var (low, high) = (0, stringCount)
        while low < high {
            let middle = (low + high) / 2
            if compareBytes(stringBytes(middle), bytes) < 0 {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return (low, low < stringCount && compareBytes(stringBytes(low), bytes) == 0)
    }
}
