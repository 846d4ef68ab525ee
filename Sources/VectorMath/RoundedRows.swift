import CVectorKernels

/// Rows rounded to int8, each with a step of its own: a quarter of the memory of float32, and four
/// times the multiplications a second.
///
/// - `bytes` is `[count × width]`; the width is the dimension rounded up to a multiple of 16.
/// - A row is about its bytes times its step.
final class RoundedRows: @unchecked Sendable {
    let count: Int
    let dimension: Int
    let width: Int
    // Safe because rows are set before they are read, each by one thread.
    let bytes: UnsafeMutablePointer<Int8>
    let steps: UnsafeMutablePointer<Float>

    init(count: Int, dimension: Int) {
        self.count = count
        self.dimension = dimension
        width = vk_i8_width(dimension)
        bytes = .allocate(capacity: count * width)
        steps = .allocate(capacity: count)
        bytes.initialize(repeating: 0, count: count * width)
        steps.initialize(repeating: 0, count: count)
    }

    deinit {
        bytes.deallocate()
        steps.deallocate()
    }

    /// The bytes that a row of some dimension takes.
    static func byteCount(dimension: Int) -> Int { vk_i8_width(dimension) + 4 }

    /// Rounds `vector` to row `row`; returns the length of what was rounded away.
    @discardableResult
    func set(_ row: Int, to vector: UnsafePointer<Float>) -> Float {
        var error: Float = 0
        steps[row] = vk_i8_quantise(vector, dimension, bytes + row * width, &error)
        return error
    }

    /// Writes a row back as floats of unit length; a row of zeros stays.
    func copyUnit(_ row: Int, into target: UnsafeMutablePointer<Float>) {
        for column in 0..<dimension { target[column] = Float(bytes[row * width + column]) }
        UnitLength.scale(target, dimension)
    }
}

/// Scaling of sums to unit length.
enum UnitLength {
    /// Returns false for a vector of zeros, which stays.
    @discardableResult
    static func scale(_ vector: UnsafeMutablePointer<Float>, _ dimension: Int) -> Bool {
        var squares = 0.0
        for column in 0..<dimension { squares += Double(vector[column]) * Double(vector[column]) }
        guard squares > 0 else { return false }
        let inverse = 1 / squares.squareRoot()
        for column in 0..<dimension { vector[column] = Float(Double(vector[column]) * inverse) }
        return true
    }
}
