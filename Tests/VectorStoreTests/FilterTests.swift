import Testing

@testable import VectorStore

/// What `Filter` says, word by word and slowly.
enum NaiveFilter {
    static func matches(_ filter: Filter, _ value: (String) -> AttributeValue?) -> Bool {
        func test(_ name: String, _ other: AttributeValue, _ accepts: (Int) -> Bool) -> Bool {
            value(name).map { accepts(order($0, other)) } ?? false
        }
        switch filter {
        case .equal(let name, let other): return test(name, other) { $0 == 0 }
        case .isIn(let name, let others): return others.contains { test(name, $0) { $0 == 0 } }
        case .greater(let name, let other): return test(name, other) { $0 > 0 }
        case .greaterOrEqual(let name, let other): return test(name, other) { $0 >= 0 }
        case .less(let name, let other): return test(name, other) { $0 < 0 }
        case .lessOrEqual(let name, let other): return test(name, other) { $0 <= 0 }
        case .and(let parts): return parts.allSatisfy { matches($0, value) }
        case .or(let parts): return parts.contains { matches($0, value) }
        case .not(let part): return !matches(part, value)
        }
    }

    /// −1, 0 or 1, in exact arithmetic.
    static func order(_ left: AttributeValue, _ right: AttributeValue) -> Int {
        switch (left, right) {
        case (.int64(let left), .int64(let right)): (left > right ? 1 : 0) - (left < right ? 1 : 0)
        case (.double(let left), .double(let right)):
            (left > right ? 1 : 0) - (left < right ? 1 : 0)
        case (.int64(let left), .double(let right)): order(left, right)
        case (.double(let left), .int64(let right)): -order(right, left)
        case (.bool(let left), .bool(let right)): left == right ? 0 : (left ? 1 : -1)
        case (.string(let left), .string(let right)):
            Array(left.utf8) == Array(right.utf8)
                ? 0 : (left.utf8.lexicographicallyPrecedes(right.utf8) ? -1 : 1)
        default: 2
        }
    }

    static func order(_ integer: Int64, _ double: Double) -> Int {
        if double >= 0x1p63 { return -1 }
        if double < -0x1p63 { return 1 }
        let whole = Int64(double.rounded(.towardZero))
        if integer != whole { return integer < whole ? -1 : 1 }
        let rest = double - double.rounded(.towardZero)
        return rest > 0 ? -1 : (rest < 0 ? 1 : 0)
    }
}

@Suite struct `Filters` {
    static let names = SegmentFixture.attributes.map(\.name)

    private static func value(
        _ type: AttributeType,
        _ random: inout SeededGenerator
    ) -> AttributeValue {
        switch type {
        case .string:
            .string(
                ["en", "de", "", "日本", "e\u{301}", "é", "title 7", "title 8", "z"]
                    .randomElement(using: &random) ?? ""
            )
        case .bool: .bool(Bool.random(using: &random))
        case .int64, .double:
            Bool.random(using: &random)
                ? .int64(Int64.random(in: -6...6, using: &random))
                : .double(Double(Int.random(in: -24...24, using: &random)) / 4)
        }
    }

    private static func filter(depth: Int, _ random: inout SeededGenerator) -> Filter {
        if depth > 0, Int.random(in: 0..<2, using: &random) == 0 {
            let parts = (0..<Int.random(in: 0...3, using: &random)).map { _ in
                filter(depth: depth - 1, &random)
            }
            switch Int.random(in: 0..<3, using: &random) {
            case 0: return .and(parts)
            case 1: return .or(parts)
            default: return .not(filter(depth: depth - 1, &random))
            }
        }
        let attribute =
            SegmentFixture.attributes.randomElement(using: &random)
            ?? AttributeDeclaration("lang", .string)
        let other = value(attribute.type, &random)
        switch Int.random(in: 0..<(attribute.type == .bool ? 2 : 6), using: &random) {
        case 0: return .equal(attribute.name, other)
        case 1:
            return .isIn(
                attribute.name,
                (0..<Int.random(in: 0...4, using: &random)).map { _ in
                    value(attribute.type, &random)
                }
            )
        case 2: return .greater(attribute.name, other)
        case 3: return .greaterOrEqual(attribute.name, other)
        case 4: return .less(attribute.name, other)
        default: return .lessOrEqual(attribute.name, other)
        }
    }

    @Test func `random filters agree with a naive evaluation, by row and as bitmaps`() throws {
        let fixture = try SegmentFixture(
            rowCount: 600,
            dimension: 2,
            partitions: 3,
            largePayloads: false
        )
        defer { fixture.remove() }
        let segment = try fixture.open(try fixture.write())
        // "lang" must be a dictionary and "title" plain, or half of the code is not looked at.
        #expect(segment.columns[0].encoding == .dictionary)
        #expect(segment.columns[1].encoding == .plain)
        var matchCount = 0
        for seed in 0..<400 as Range<UInt64> {
            var random = SeededGenerator(seed: seed)
            let filter = Self.filter(depth: 4, &random)
            let program = try FilterProgram(filter, attributes: SegmentFixture.attributes)
            let first = Int.random(in: 0...600, using: &random)
            let range = first..<Int.random(in: first...600, using: &random)
            let words = try program.bitmap(over: segment, ordinals: range)
            #expect(words.count == (range.count + 63) / 64)
            for position in 0..<words.count * 64 {
                let ordinal = first + position
                let bit = words[position / 64] >> UInt64(position % 64) & 1 != 0
                guard ordinal < range.upperBound else {
                    #expect(!bit, "seed \(seed), past the range")
                    continue
                }
                let row = fixture.row(ordinal)
                let expected = NaiveFilter.matches(filter) { name in
                    Self.names.firstIndex(of: name).flatMap { row.attributes[$0] }
                }
                if expected { matchCount += 1 }
                let source = Int(fixture.plan.rows[ordinal].ordinal)
                #expect(bit == expected, "seed \(seed), ordinal \(ordinal), \(filter)")
                #expect(program.matches(segment, ordinal) == expected, "seed \(seed)")
                #expect(program.matches(fixture.source, source) == expected, "seed \(seed)")
            }
        }
        #expect(matchCount > 1_000)
    }

    static let edges: [AttributeValue] = {
        let integers: [Int64] = [
            .min, .min + 1, -(1 << 53) - 1, -(1 << 53), -1, 0, 1, (1 << 53) - 1, 1 << 53,
            (1 << 53) + 1, (1 << 53) + 2, (1 << 62) + 1, .max - 1, .max,
        ]
        let doubles: [Double] = [
            -.greatestFiniteMagnitude, -0x1p63, -0x1p53, -0.5, -0.0, 0.0, .leastNonzeroMagnitude,
            0.5, 0x1p53, 0x1p53 + 2, 0x1p62, 0x1p63, 0x1p64, .greatestFiniteMagnitude,
        ]
        return integers.map { .int64($0) } + doubles.map { .double($0) }
    }()

    @Test func `numbers compare exactly across int64 and double`() throws {
        for value in Self.edges {
            let attributes = [AttributeDeclaration("n", value.type)]
            let store = RowFixture(
                dimension: 1,
                rows: [
                    StoredRow(
                        id: 1,
                        partition: "",
                        vector: [1],
                        attributes: [value],
                        payload: nil
                    )
                ]
            )
            for other in Self.edges {
                for filter: Filter in [
                    .equal("n", other), .isIn("n", [other]), .greater("n", other),
                    .greaterOrEqual("n", other), .less("n", other), .lessOrEqual("n", other),
                ] {
                    let program = try FilterProgram(filter, attributes: attributes)
                    #expect(
                        program.matches(store, 0) == NaiveFilter.matches(filter) { _ in value },
                        "\(value) under \(filter)"
                    )
                }
            }
        }
        #expect(NaiveFilter.order(.int64((1 << 53) + 1), .double(0x1p53)) == 1)
    }

    static let refused: [(Filter, VectorStoreError.Code)] = [
        (.equal("nope", 1), .unknownAttribute),
        (.equal("lang", 1), .invalidFilter),
        (.equal("seconds", "1"), .invalidFilter),
        (.equal("public", 1), .invalidFilter),
        (.greater("public", true), .invalidFilter),
        (.less("score", .double(.nan)), .invalidFilter),
        (.isIn("score", [1, .double(.infinity)]), .invalidFilter),
        (.isIn("seconds", Array(repeating: 1, count: 10_001)), .invalidFilter),
        (.or(Array(repeating: .equal("seconds", 1), count: 10_001)), .invalidFilter),
        (nested(32), .invalidFilter),
    ]

    static func nested(_ count: Int) -> Filter {
        (0..<count).reduce(.equal("seconds", 1)) { filter, _ in .not(filter) }
    }

    @Test func `a filter that cannot be right is refused with a code`() throws {
        for (filter, code) in Self.refused {
            #expect {
                try FilterProgram(filter, attributes: SegmentFixture.attributes)
            } throws: { error in
                (error as? VectorStoreError)?.code == code
            }
        }
        for filter in [
            Self.nested(31), .isIn("seconds", Array(repeating: 1, count: 10_000)),
            .or(Array(repeating: .equal("seconds", 1), count: 10_000)),
        ] {
            _ = try FilterProgram(filter, attributes: SegmentFixture.attributes)
        }
    }

    @Test func `empty lists, missing values and not mean what the filter says`() throws {
        let store = RowFixture(
            dimension: 1,
            rows: [
                StoredRow(
                    id: 1,
                    partition: "",
                    vector: [1],
                    attributes: [nil, nil, .int64(3), nil, nil],
                    payload: nil
                )
            ]
        )
        for (filter, expected) in [
            (Filter.and([]), true), (.or([]), false), (.isIn("seconds", []), false),
            (.not(.equal("lang", "en")), true), (.equal("lang", "en"), false),
            (.less("score", 1), false), (.not(.less("score", 1)), true),
            (.greater("seconds", 2.5), true),
        ] {
            let program = try FilterProgram(filter, attributes: SegmentFixture.attributes)
            #expect(program.matches(store, 0) == expected, "\(filter)")
        }
    }
}
