/// How one number of a file of vectors is written; all are little-endian.
enum ElementType: String, Sendable {
    case float32 = "f4"
    case float64 = "f8"
    case float16 = "f2"
    case int32 = "i4"
    case int8 = "i1"
    case uint8 = "u1"

    var byteCount: Int {
        switch self {
        case .float64: 8
        case .float32, .int32: 4
        case .float16: 2
        case .int8, .uint8: 1
        }
    }

    /// Decodes as many numbers as `target` holds.
    func decode(_ source: UnsafeRawPointer, into target: UnsafeMutableBufferPointer<Float>) {
        for place in target.indices {
            switch self {
            case .float32:
                target[place] = Float(bitPattern: word(source, place))
            case .float64:
                let bits = source.loadUnaligned(fromByteOffset: place * 8, as: UInt64.self)
                target[place] = Float(Double(bitPattern: UInt64(littleEndian: bits)))
            case .float16:
                let bits = source.loadUnaligned(fromByteOffset: place * 2, as: UInt16.self)
                target[place] = Self.float(half: UInt16(littleEndian: bits))
            case .int32:
                target[place] = Float(Int32(bitPattern: word(source, place)))
            case .int8:
                target[place] = Float(source.load(fromByteOffset: place, as: Int8.self))
            case .uint8:
                target[place] = Float(source.load(fromByteOffset: place, as: UInt8.self))
            }
        }
    }

    private func word(_ source: UnsafeRawPointer, _ place: Int) -> UInt32 {
        UInt32(littleEndian: source.loadUnaligned(fromByteOffset: place * 4, as: UInt32.self))
    }

    /// IEEE 754 half precision, without the machine's help.
    static func float(half bits: UInt16) -> Float {
        let sign: Float = bits >> 15 == 1 ? -1 : 1
        let exponent = Int(bits >> 10 & 31)
        let fraction = Float(bits & 1_023)
        switch exponent {
        case 0: return sign * fraction * Float(sign: .plus, exponent: -24, significand: 1)
        case 31: return fraction == 0 ? sign * .infinity : .nan
        default:
            return sign
                * Float(sign: .plus, exponent: exponent - 15, significand: 1 + fraction / 1_024)
        }
    }
}
