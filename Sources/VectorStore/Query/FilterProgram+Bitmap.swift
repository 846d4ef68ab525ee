package import StorageIO

extension FilterProgram {
    /// The rows of a range that pass, column by column.
    ///
    /// - Returns: Bit *j* of word *i* is row `ordinals.lowerBound + 64 i + j`; bits past the range
    ///   are 0.
    /// - Complexity: O(rows × comparisons); strings of a dictionary are compared as codes.
    package func bitmap(
        over segment: Segment,
        ordinals: Range<Int>
    ) throws(CorruptionError) -> [UInt64] {
        precondition(ordinals.lowerBound >= 0 && ordinals.upperBound <= segment.rowCount)
        return Self.words(root, segment, ordinals)
    }

    private static func words(
        _ node: Node,
        _ segment: Segment,
        _ ordinals: Range<Int>
    ) -> [UInt64] {
        switch node {
        case .compare(let column, let test):
            return ColumnScan(column: segment.columns[column], ordinals: ordinals).words(test)
        case .and(let parts):
            var result = allRows(ordinals.count)
            for part in parts where result.contains(where: { $0 != 0 }) {
                let words = words(part, segment, ordinals)
                for index in result.indices { result[index] &= words[index] }
            }
            return result
        case .or(let parts):
            var result = [UInt64](repeating: 0, count: (ordinals.count + 63) / 64)
            for part in parts {
                let words = words(part, segment, ordinals)
                for index in result.indices { result[index] |= words[index] }
            }
            return result
        case .not(let part):
            var result = allRows(ordinals.count)
            let words = words(part, segment, ordinals)
            for index in result.indices { result[index] &= ~words[index] }
            return result
        }
    }

    private static func allRows(_ count: Int) -> [UInt64] {
        var words = [UInt64](repeating: .max, count: (count + 63) / 64)
        if count % 64 != 0 { words[words.count - 1] = 1 << UInt64(count % 64) - 1 }
        return words
    }
}

/// One comparison over a range of one column.
private struct ColumnScan {
    let column: AttributeColumn
    let ordinals: Range<Int>

    func words(_ test: ColumnTest) -> [UInt64] {
        switch test {
        case .int64(let lower, let upper):
            let values = column.values.integers(at: 0, as: Int64.self)
            return build { values[$0] >= lower && values[$0] <= upper }
        case .int64In(let values):
            return build {
                ColumnTest.contains(values, Int64(bitPattern: column.bits(at: $0)))
            }
        case .double(let lower, let upper):
            let values = column.values.integers(at: 0, as: UInt64.self)
            return build { ordinal in
                let value = Double(bitPattern: values[ordinal])
                return value >= lower && value <= upper
            }
        case .doubleIn(let values):
            return build {
                ColumnTest.contains(values, Double(bitPattern: column.bits(at: $0)))
            }
        case .bool(let matchesFalse, let matchesTrue):
            return build {
                column.flagWord($0 >> 6) >> UInt64($0 & 63) & 1 != 0 ? matchesTrue : matchesFalse
            }
        case .string, .stringIn:
            guard column.encoding == .dictionary else {
                return build { test.matches(column.rowStringBytes($0)) }
            }
            // Each distinct string is compared once.
            var codes = Bitmap(count: column.stringCount)
            for code in 0..<column.stringCount where test.matches(column.stringBytes(code)) {
                codes.insert(code)
            }
            return build { codes.contains(Int(column.code(at: $0))) }
        }
    }

    /// Tests the rows that have a value.
    @inline(__always)
    private func build(_ matches: (Int) -> Bool) -> [UInt64] {
        var words = [UInt64](repeating: 0, count: (ordinals.count + 63) / 64)
        for index in words.indices {
            let first = ordinals.lowerBound + index * 64
            var rest = present(first)
            var word: UInt64 = 0
            if rest == .max {
                for bit in 0..<64 where matches(first + bit) { word |= 1 << UInt64(bit) }
                rest = 0
            }
            while rest != 0 {
                let bit = rest.trailingZeroBitCount
                if matches(first + bit) { word |= 1 << UInt64(bit) }
                rest &= rest - 1
            }
            words[index] = word
        }
        return words
    }

    /// Which of the 64 rows from `first` on, as far as they are in the range, have a value.
    @inline(__always)
    private func present(_ first: Int) -> UInt64 {
        let (index, shift) = (first >> 6, UInt64(first & 63))
        var word = column.presenceWord(index) >> shift
        let count = min(64, ordinals.upperBound - first)
        if shift != 0, 64 - Int(shift) < count {
            word |= column.presenceWord(index + 1) << (64 - shift)
        }
        return count < 64 ? word & (1 << UInt64(count) - 1) : word
    }
}
