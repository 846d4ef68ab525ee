// The numbers of vectors, which are most of what is read.

extension JSONScanner {
    /// Reads the number here when it has the form that vectors are written in; nil, and nothing is read,
    /// when it takes more care.
    ///
    /// The digits make an integer below 10¹⁹, further ones are dropped; one division by an exact power of
    /// ten follows. Three roundings are off by less than three units of the last place of float64, so
    /// the float32 is the nearest unless the float64 lies that close to the middle between two of them.
    ///
    /// - Source: Clinger, How to read floating point numbers accurately, PLDI 1990; eight digits at a time:
    ///   Lemire, Number parsing at a gigabyte per second, Software: Practice and Experience 51, 2021.
    @inline(__always)
    mutating func usualFloat() -> Float? {
        var place = position
        let isNegative = place < bytes.count && bytes[place] == UInt8(ascii: "-")
        if isNegative { place += 1 }
        let start = place
        var mantissa: UInt64 = 0
        var exponent = 0
        while place < bytes.count, let digit = Self.digit(bytes[place]) {
            guard mantissa < Self.roomForOne else { return nil }
            mantissa = mantissa &* 10 &+ digit
            place += 1
        }
        guard place > start, place == start + 1 || bytes[start] != UInt8(ascii: "0") else {
            return nil
        }
        if place < bytes.count, bytes[place] == UInt8(ascii: ".") {
            place += 1
            let fractionStart = place
            while mantissa < Self.roomForEight, place + 8 <= bytes.count,
                let digits = Self.eightDigits(
                    bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self)
                )
            {
                mantissa = mantissa &* 100_000_000 &+ digits
                place += 8
            }
            while place < bytes.count, mantissa < Self.roomForOne,
                let digit = Self.digit(bytes[place])
            {
                mantissa = mantissa &* 10 &+ digit
                place += 1
            }
            exponent = fractionStart - place
            while place < bytes.count, Self.digit(bytes[place]) != nil { place += 1 }
            guard place > fractionStart else { return nil }
        }
        if place < bytes.count, bytes[place] | 0x20 == UInt8(ascii: "e") {
            place += 1
            let isSmall = place < bytes.count && bytes[place] == UInt8(ascii: "-")
            if isSmall || place < bytes.count && bytes[place] == UInt8(ascii: "+") { place += 1 }
            let exponentStart = place
            var written = 0
            while place < bytes.count, place - exponentStart < 4,
                let digit = Self.digit(bytes[place])
            {
                written = written * 10 + Int(digit)
                place += 1
            }
            guard 1...3 ~= place - exponentStart else { return nil }
            exponent += isSmall ? -written : written
        }
        guard let float = Self.nearest(mantissa, exponent) else { return nil }
        position = place
        return isNegative ? -float : float
    }

    /// Below this, another digit, or eight, fit.
    private static let roomForOne: UInt64 = 1_000_000_000_000_000_000
    private static let roomForEight: UInt64 = 100_000_000_000

    @inline(__always)
    private static func digit(_ byte: UInt8) -> UInt64? {
        let digit = byte &- UInt8(ascii: "0")
        return digit <= 9 ? UInt64(digit) : nil
    }

    /// The number that eight digits make; nil when one of the bytes is none.
    @inline(__always)
    private static func eightDigits(_ word: UInt64) -> UInt64? {
        let word = UInt64(littleEndian: word)
        let isDigits =
            ((word &+ 0x4646_4646_4646_4646) | (word &- 0x3030_3030_3030_3030))
            & 0x8080_8080_8080_8080 == 0
        guard isDigits else { return nil }
        var pairs = word &- 0x3030_3030_3030_3030
        pairs = pairs &* 10 &+ (pairs >> 8)
        let low = (pairs & 0x0000_00FF_0000_00FF) &* 0x000F_4240_0000_0064
        let high = ((pairs >> 16) & 0x0000_00FF_0000_00FF) &* 0x0000_2710_0000_0001
        return (low &+ high) >> 32
    }

    /// The float32 nearest to `mantissa` × 10^`exponent`; nil when float64 cannot tell.
    @inline(__always)
    private static func nearest(_ mantissa: UInt64, _ exponent: Int) -> Float? {
        if mantissa == 0 { return 0 }
        guard -22...22 ~= exponent else { return nil }
        let power = NumberToken.powersOfTen.withUnsafeBufferPointer { $0[abs(exponent)] }
        let double = exponent < 0 ? Double(mantissa) / power : Double(mantissa) * power
        guard double >= 1e-37, double <= 1e38 else { return nil }
        let beyond = Int64(double.bitPattern & 0x1FFF_FFFF)
        guard abs(beyond - 0x1000_0000) > 4 else { return nil }
        return Float(double)
    }
}
