/// Appends little-endian values to bytes.
@usableFromInline
package struct ByteWriter: Sendable {
    package var bytes: [UInt8] = []

    package init() {}

    package var count: Int { bytes.count }

    package mutating func write<T: FixedWidthInteger>(_ value: T) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    package mutating func write(_ value: Float) { write(value.bitPattern) }
    package mutating func write(_ value: Double) { write(value.bitPattern) }
    package mutating func write(raw: [UInt8]) { bytes.append(contentsOf: raw) }

    package mutating func write(raw: UnsafeRawBufferPointer) { bytes.append(contentsOf: raw) }

    /// The floats' bits, in order.
    package mutating func write(floats: [Float]) {
        floats.withUnsafeBytes { bytes.append(contentsOf: $0) }
    }

    /// A UInt32 byte count, then UTF-8.
    package mutating func write(string: String) {
        write(UInt32(string.utf8.count))
        bytes.append(contentsOf: string.utf8)
    }

    /// Zeros up to a multiple of `alignment`.
    package mutating func pad(to alignment: Int) {
        let rest = bytes.count % alignment
        if rest != 0 { bytes.append(contentsOf: repeatElement(0, count: alignment - rest)) }
    }

    /// Overwrites bytes that were written before.
    package mutating func patch<T: FixedWidthInteger>(_ value: T, at offset: Int) {
        withUnsafeBytes(of: value.littleEndian) { source in
            for (index, byte) in source.enumerated() { bytes[offset + index] = byte }
        }
    }
}

/// Reads little-endian values from bytes that may be anything; never past their end.
@usableFromInline
package struct ByteReader {
    private let bytes: UnsafeRawBufferPointer
    private let file: String
    /// The file offset of the first byte.
    private let base: UInt64
    package private(set) var position = 0

    package init(_ bytes: UnsafeRawBufferPointer, file: String, base: UInt64 = 0) {
        self.bytes = bytes
        self.file = file
        self.base = base
    }

    package var remaining: Int { bytes.count - position }
    package var offset: UInt64 { base + UInt64(position) }

    private mutating func take(_ count: Int) throws(CorruptionError) -> UnsafeRawBufferPointer {
        guard count >= 0, count <= remaining else {
            throw .truncated(
                file: file,
                offset: offset,
                needed: UInt64(max(count, 0)),
                available: UInt64(remaining)
            )
        }
        let slice = UnsafeRawBufferPointer(rebasing: bytes[position..<position + count])
        position += count
        return slice
    }

    package mutating func read<T: FixedWidthInteger>(
        _ type: T.Type = T.self
    ) throws(CorruptionError) -> T {
        T(littleEndian: try take(MemoryLayout<T>.size).loadUnaligned(as: T.self))
    }

    package mutating func readDouble() throws(CorruptionError) -> Double {
        Double(bitPattern: try read(UInt64.self))
    }

    package mutating func readFloats(count: Int) throws(CorruptionError) -> [Float] {
        guard count >= 0, count <= remaining / 4 else {
            throw .truncated(
                file: file,
                offset: offset,
                needed: UInt64(min(max(count, 0), Int.max / 4)) * 4,
                available: UInt64(remaining)
            )
        }
        let source = try take(count * 4)
        return [Float](unsafeUninitializedCapacity: count) { target, filled in
            UnsafeMutableRawBufferPointer(target).copyMemory(from: source)
            filled = count
        }
    }

    package mutating func readBytes(count: Int) throws(CorruptionError) -> [UInt8] {
        Array(try take(count))
    }

    package mutating func readString(count: Int) throws(CorruptionError) -> String {
        let start = offset
        let bytes = try take(count)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw invalid("text", found: "bytes that are not UTF-8", expected: "UTF-8", at: start)
        }
        return text
    }

    /// A UInt32 byte count, then UTF-8.
    package mutating func readString() throws(CorruptionError) -> String {
        let count: UInt32 = try read()
        return try readString(count: Int(count))
    }

    /// Bytes that must be zero.
    package mutating func skipZeros(_ count: Int) throws(CorruptionError) {
        let start = offset
        for (index, byte) in try take(count).enumerated() where byte != 0 {
            throw invalid(
                "padding",
                found: String(byte),
                expected: "0",
                at: start + UInt64(index)
            )
        }
    }

    package func invalid(
        _ field: String,
        found: String,
        expected: String,
        at offset: UInt64? = nil
    ) -> CorruptionError {
        .invalidField(
            file: file,
            offset: offset ?? self.offset,
            field: field,
            found: found,
            expected: expected
        )
    }

    /// The last path component of the file, for messages.
    package var fileName: String { file }
}
