/// A number token, taken apart while its grammar is checked.
struct NumberToken {
    /// The bytes of the token.
    var range: Range<Int>
    var isNegative = false
    /// The first digits without the point, as far as they fit.
    var mantissa: UInt64 = 0
    /// Whether `mantissa` holds all digits.
    var isMantissaExact = true
    /// The power of ten that `mantissa` is multiplied with.
    var exponent = 0
    /// Whether the token has neither fraction nor exponent.
    var isInteger = true

    /// The exact powers of ten in float64 (10²² is the last).
    static let powersOfTen: [Double] = [
        1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
        1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
    ]

    /// The nearest float64 when mantissa and power of ten are both exact in float64, since then one
    /// correctly rounded operation gives it.
    ///
    /// - Source: Clinger, How to read floating point numbers accurately, PLDI 1990.
    var fastDouble: Double? {
        guard isMantissaExact, mantissa <= 1 << 53, -22...22 ~= exponent else { return nil }
        let magnitude =
            exponent < 0
            ? Double(mantissa) / Self.powersOfTen[-exponent]
            : Double(mantissa) * Self.powersOfTen[exponent]
        return isNegative ? -magnitude : magnitude
    }

    /// The nearest float32 by way of `fastDouble`, nil when rounding twice could go wrong.
    var fastFloat: Float? {
        guard let double = fastDouble else { return nil }
        let magnitude = double.magnitude
        if magnitude == 0 { return Float(double) }
        guard magnitude >= 1e-37, magnitude <= 1e38 else { return nil }
        // Only a float64 that lies exactly between two float32 values may have been rounded there.
        guard double.bitPattern & 0x1FFF_FFFF != 0x1000_0000 else { return nil }
        return Float(double)
    }
}

extension JSONScanner {
    mutating func parseNumber() throws(JSONError) -> JSONValue {
        let token = try scanNumber()
        if token.isInteger, token.isMantissaExact {
            if !token.isNegative { return .unsigned(token.mantissa) }
            if token.mantissa == 0 { return .double(-0.0) }
            if token.mantissa <= UInt64(Int64.max) + 1 {
                return .signed(Int64(truncatingIfNeeded: 0 &- token.mantissa))
            }
        }
        if let double = token.fastDouble { return .double(double) }
        guard let double = Double(text(of: token)), double.isFinite else {
            position = token.range.lowerBound
            throw error("number out of range")
        }
        return .double(double)
    }

    /// Reads an array of numbers, or returns nil and goes back when it holds anything else.
    mutating func parseFloats() throws(JSONError) -> [Float]? {
        let start = position
        position += 1
        var floats: [Float] = []
        floats.reserveCapacity(min(16_000, (bytes.count - position) / 8))
        skipSpace()
        if consume(UInt8(ascii: "]")) { return floats }
        while true {
            skipSpace()
            guard let character = peek(), Self.startsNumber(character) else {
                position = start
                return nil
            }
            if let float = usualFloat() {
                floats.append(float)
            } else {
                floats.append(try parseFloat())
            }
            skipSpace()
            if consume(UInt8(ascii: ",")) { continue }
            guard consume(UInt8(ascii: "]")) else {
                position = start
                return nil
            }
            return floats
        }
    }

    private mutating func parseFloat() throws(JSONError) -> Float {
        let token = try scanNumber()
        if let float = token.fastFloat { return float }
        guard let float = Float(text(of: token)), float.isFinite else {
            position = token.range.lowerBound
            throw error("number out of the range of float32")
        }
        return float
    }

    private func text(of token: NumberToken) -> String {
        String(decoding: copy(token.range), as: UTF8.self)
    }

    private mutating func scanNumber() throws(JSONError) -> NumberToken {
        var token = NumberToken(range: position..<position)
        token.isNegative = consume(UInt8(ascii: "-"))
        let digitsStart = position
        scanDigits(into: &token, isFraction: false)
        guard position > digitsStart else { throw error("expected a digit") }
        if position - digitsStart > 1, byte(digitsStart) == UInt8(ascii: "0") {
            position = digitsStart
            throw error("number with a leading zero")
        }
        if consume(UInt8(ascii: ".")) {
            token.isInteger = false
            let fractionStart = position
            scanDigits(into: &token, isFraction: true)
            guard position > fractionStart else { throw error("expected a digit") }
        }
        if peek() == UInt8(ascii: "e") || peek() == UInt8(ascii: "E") {
            token.isInteger = false
            position += 1
            try scanExponent(into: &token)
        }
        token.range = token.range.lowerBound..<position
        return token
    }

    private mutating func scanDigits(into token: inout NumberToken, isFraction: Bool) {
        while position < bytes.count {
            let digit = byte(position) &- UInt8(ascii: "0")
            guard digit <= 9 else { return }
            position += 1
            let (product, productOverflow) = token.mantissa.multipliedReportingOverflow(by: 10)
            let (sum, sumOverflow) = product.addingReportingOverflow(UInt64(digit))
            if token.isMantissaExact, !productOverflow, !sumOverflow {
                token.mantissa = sum
                if isFraction { token.exponent -= 1 }
            } else {
                token.isMantissaExact = false
            }
        }
    }

    private mutating func scanExponent(into token: inout NumberToken) throws(JSONError) {
        let isNegative = peek() == UInt8(ascii: "-")
        if isNegative || peek() == UInt8(ascii: "+") { position += 1 }
        let start = position
        var exponent = 0
        while position < bytes.count {
            let digit = byte(position) &- UInt8(ascii: "0")
            guard digit <= 9 else { break }
            position += 1
            exponent = min(exponent * 10 + Int(digit), 1_000_000)
        }
        guard position > start else { throw error("expected a digit") }
        token.exponent += isNegative ? -exponent : exponent
    }
}
