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
            return build { ordinal in
                let value = Int64(bitPattern: column.bits(at: ordinal))
                return value >= lower && value <= upper
            }
        case .int64In(let values):
            return build {
                ColumnTest.contains(values, Int64(bitPattern: column.bits(at: $0)))
            }
        case .double(let lower, let upper):
            return build { ordinal in
                let value = Double(bitPattern: column.bits(at: ordinal))
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
            let count = min(64, ordinals.upperBound - first)
            var word: UInt64 = 0
            for bit in 0..<count where column.isPresent(first + bit) {
                if matches(first + bit) { word |= 1 << UInt64(bit) }
            }
            words[index] = word
        }
        return words
    }
}
