/// Writes JSON text.
///
/// The caller opens and closes objects and arrays in order; commas are the writer's business. It has memory of
/// its own, for an answer is some hundred pieces of a few bytes each.
package struct JSONWriter: ~Copyable, @unchecked Sendable {
    // Unchecked: nobody else knows the memory.
    private var start: UnsafeMutablePointer<UInt8>
    private var count = 0
    private var capacity: Int
    private var needsComma = false

    /// Makes an empty text.
    ///
    /// - Parameter capacity: Bytes for which there is room at once.
    package init(capacity: Int = 256) {
        self.capacity = max(64, capacity)
        start = .allocate(capacity: self.capacity)
    }

    deinit { start.deallocate() }

    /// The length of the text so far.
    var byteCount: Int { count }

    /// The text so far, UTF-8.
    package var bytes: [UInt8] { Array(UnsafeBufferPointer(start: start, count: count)) }

    /// Gives the text that was written since the last time, for a text that goes out piece by piece.
    mutating func take() -> [UInt8] {
        let taken = bytes
        count = 0
        // A large piece does not keep its memory for those to come.
        if capacity > Self.kept {
            start.deallocate()
            capacity = Self.kept
            start = .allocate(capacity: capacity)
        }
        return taken
    }

    private static let kept = 256 << 10

    /// Writes `{`, what `body` writes, and `}`.
    package mutating func object<Failure: Error>(
        _ body: (inout JSONWriter) throws(Failure) -> Void
    ) throws(Failure) {
        open(UInt8(ascii: "{"))
        try body(&self)
        close(UInt8(ascii: "}"))
    }

    /// Writes `[`, what `body` writes, and `]`.
    package mutating func array<Failure: Error>(
        _ body: (inout JSONWriter) throws(Failure) -> Void
    ) throws(Failure) {
        open(UInt8(ascii: "["))
        try body(&self)
        close(UInt8(ascii: "]"))
    }

    /// Writes the key of the value that comes next; it has nothing to escape.
    package mutating func key(_ key: StaticString) {
        let length = key.utf8CodeUnitCount
        var target = room(length + 4)
        if needsComma {
            target.pointee = UInt8(ascii: ",")
            target += 1
        }
        target.pointee = UInt8(ascii: "\"")
        target += 1
        target.update(from: key.utf8Start, count: length)
        target += length
        target[0] = UInt8(ascii: "\"")
        target[1] = UInt8(ascii: ":")
        count = target + 2 - start
        needsComma = false
    }

    /// Writes the key of the value that comes next, whatever it is.
    package mutating func key(named key: String) {
        separate()
        appendQuoted(key)
        append(UInt8(ascii: ":"))
        needsComma = false
    }

    /// Writes a string.
    package mutating func value(_ text: String) {
        separate()
        appendQuoted(text)
        needsComma = true
    }

    /// Writes an integer.
    package mutating func value(_ number: some FixedWidthInteger) {
        separate()
        var rest = UInt64(number.magnitude)
        // 2⁶⁴ has 20 digits.
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 21) { digits in
            guard let first = digits.baseAddress else { return }
            var place = 21
            repeat {
                place -= 1
                first[place] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            } while rest > 0
            if number < 0 {
                place -= 1
                first[place] = UInt8(ascii: "-")
            }
            append(first + place, count: 21 - place)
        }
        needsComma = true
    }

    /// Writes the shortest decimal that reads back as the same float64; not finite becomes `null`.
    package mutating func value(_ number: Double) {
        raw(number.isFinite ? number.description : "null")
    }

    /// Writes a number rounded to thousandths; not finite becomes `null`.
    package mutating func value(thousandths number: Double) {
        let count = (number * 1_000).rounded()
        // Beyond that, and below zero, nothing hurries.
        guard count.sign == .plus, count < 1e15 else { return value(count / 1_000) }
        let whole = UInt64(count) / 1_000
        var rest = UInt64(count) % 1_000
        value(whole)
        append(UInt8(ascii: "."))
        var unit: UInt64 = 100
        repeat {
            append(UInt8(ascii: "0") + UInt8(rest / unit))
            rest %= unit
            unit /= 10
        } while rest > 0
    }

    /// Writes the shortest decimal that reads back as the same float32; not finite becomes `null`.
    package mutating func value(_ number: Float) {
        guard let decimal = ShortDecimal(number) else {
            return raw(number.isFinite ? number.description : "null")
        }
        separate()
        var target = room(3 + decimal.places)
        if decimal.isNegative {
            target.pointee = UInt8(ascii: "-")
            target += 1
        }
        target[0] = UInt8(ascii: "0")
        target[1] = UInt8(ascii: ".")
        var (rest, place) = (decimal.digits, 2 + decimal.places)
        while place > 2 {
            place -= 1
            target[place] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
        count = target + 2 + decimal.places - start
        needsComma = true
    }

    /// Writes `true` or `false`.
    package mutating func value(_ flag: Bool) {
        raw(flag ? "true" : "false")
    }

    /// Writes `null`.
    package mutating func null() {
        raw("null")
    }

    /// Writes bytes that are one JSON value already.
    package mutating func embed(_ json: some Sequence<UInt8>) {
        separate()
        let isWhole: Void? = json.withContiguousStorageIfAvailable { json in
            if let base = json.baseAddress { append(base, count: json.count) }
        }
        if isWhole == nil { for byte in json { append(byte) } }
        needsComma = true
    }

    /// Writes a scanned value anew.
    package mutating func value(_ node: JSONNode) {
        switch node.value {
        case .null: null()
        case .bool(let flag): value(flag)
        case .unsigned(let number): value(number)
        case .signed(let number): value(number)
        case .double(let number): value(number)
        case .string(let text): value(text)
        case .floats(let floats): array { for float in floats { $0.value(float) } }
        case .array(let nodes): array { for node in nodes { $0.value(node) } }
        case .object(let members):
            object {
                for member in members {
                    $0.key(named: member.key)
                    $0.value(member.node)
                }
            }
        }
    }

    // MARK: Bytes

    /// Makes room for so many more bytes, and says where they go.
    @inline(__always)
    private mutating func room(_ more: Int) -> UnsafeMutablePointer<UInt8> {
        if count + more > capacity { grow(more) }
        return start + count
    }

    @inline(never)
    private mutating func grow(_ more: Int) {
        capacity = max(2 * capacity, count + more)
        let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
        larger.update(from: start, count: count)
        start.deallocate()
        start = larger
    }

    @inline(__always)
    private mutating func append(_ byte: UInt8) {
        room(1).pointee = byte
        count += 1
    }

    @inline(__always)
    private mutating func append(_ bytes: UnsafePointer<UInt8>, count more: Int) {
        room(more).update(from: bytes, count: more)
        count += more
    }

    /// Writes `{` or `[`, which the caller closes.
    mutating func open(_ bracket: UInt8) {
        separate()
        append(bracket)
        needsComma = false
    }

    /// Writes `}` or `]`.
    mutating func close(_ bracket: UInt8) {
        append(bracket)
        needsComma = true
    }

    private mutating func raw(_ text: consuming String) {
        separate()
        text.withUTF8 { text in
            if let base = text.baseAddress { append(base, count: text.count) }
        }
        needsComma = true
    }

    @inline(__always)
    private mutating func separate() {
        if needsComma { append(UInt8(ascii: ",")) }
    }

    private mutating func appendQuoted(_ text: consuming String) {
        append(UInt8(ascii: "\""))
        text.withUTF8 { text in
            // A byte becomes six at the most; long texts are not given room for that at once.
            for first in stride(from: 0, to: text.count, by: 1_024) {
                let piece = text[first..<min(first + 1_024, text.count)]
                appendEscaped(UnsafeBufferPointer(rebasing: piece))
            }
        }
        append(UInt8(ascii: "\""))
    }

    private mutating func appendEscaped(_ text: UnsafeBufferPointer<UInt8>) {
        var target = room(6 * text.count)
        for byte in text {
            if byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") {
                target.pointee = byte
                target += 1
            } else {
                target += Self.escape(byte, into: target)
            }
        }
        count = target - start
    }

    /// - Returns: How many bytes were written.
    private static func escape(_ byte: UInt8, into target: UnsafeMutablePointer<UInt8>) -> Int {
        target[0] = UInt8(ascii: "\\")
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): target[1] = byte
        case 0x0A: target[1] = UInt8(ascii: "n")
        case 0x0D: target[1] = UInt8(ascii: "r")
        case 0x09: target[1] = UInt8(ascii: "t")
        default:
            let low = byte & 15
            target[1] = UInt8(ascii: "u")
            target[2] = UInt8(ascii: "0")
            target[3] = UInt8(ascii: "0")
            target[4] = UInt8(ascii: "0") + byte >> 4
            target[5] = low < 10 ? UInt8(ascii: "0") + low : UInt8(ascii: "a") + low - 10
            return 6
        }
        return 2
    }
}

extension JSONWriter {
    /// Writes a member whose value is a string.
    package mutating func member(_ key: StaticString, _ text: String) {
        self.key(key)
        value(text)
    }

    /// Writes a member whose value is an integer.
    package mutating func member(_ key: StaticString, _ number: some FixedWidthInteger) {
        self.key(key)
        value(number)
    }

    /// Writes a member whose value is a number.
    package mutating func member(_ key: StaticString, _ number: Double) {
        self.key(key)
        value(number)
    }

    /// Writes a member whose value is a number.
    package mutating func member(_ key: StaticString, _ number: Float) {
        self.key(key)
        value(number)
    }

    /// Writes a member whose value is a number, rounded to thousandths.
    package mutating func member(_ key: StaticString, thousandths number: Double) {
        self.key(key)
        value(thousandths: number)
    }

    /// Writes a member whose value is `true` or `false`.
    package mutating func member(_ key: StaticString, _ flag: Bool) {
        self.key(key)
        value(flag)
    }

    /// Writes a member whose value is a number, whatever its key.
    package mutating func member(named key: String, _ number: Double) {
        self.key(named: key)
        value(number)
    }

    /// The text of one object.
    package static func text<Failure: Error>(
        _ body: (inout JSONWriter) throws(Failure) -> Void
    ) throws(Failure) -> [UInt8] {
        var writer = JSONWriter(capacity: 1_024)
        try writer.object(body)
        return writer.bytes
    }
}
