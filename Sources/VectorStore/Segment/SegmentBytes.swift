import StorageIO

/// The bytes of one section of a mapped segment; valid while the segment is referenced.
struct SegmentBytes: @unchecked Sendable {
    // Safe to share: the mapping is read-only, and `Segment` keeps it.
    let base: UnsafeRawPointer
    let count: Int
    let file: String
    /// In the file.
    let offset: UInt64

    /// A little-endian integer.
    ///
    /// The caller has checked that it lies inside.
    @inline(__always)
    func integer<T: FixedWidthInteger>(at position: Int, as type: T.Type = T.self) -> T {
        assert(position >= 0 && position + MemoryLayout<T>.size <= count)
        return T(littleEndian: base.loadUnaligned(fromByteOffset: position, as: T.self))
    }

    /// Bytes of a range that the caller has checked.
    func bytes(_ range: Range<Int>) -> UnsafeRawBufferPointer {
        assert(range.lowerBound >= 0 && range.upperBound <= count)
        return UnsafeRawBufferPointer(start: base + range.lowerBound, count: range.count)
    }

    /// Integers from a position that is a multiple of their size; the caller has checked the range.
    func integers<T: FixedWidthInteger>(at position: Int, as type: T.Type) -> UnsafePointer<T> {
        assert(position % MemoryLayout<T>.alignment == 0)
        return (base + position).assumingMemoryBound(to: T.self)
    }

    /// The part from `position` with `byteCount` bytes, if it lies inside.
    func part(
        _ name: String,
        at position: UInt64,
        byteCount: UInt64
    ) throws(CorruptionError) -> SegmentBytes {
        let (end, overflow) = position.addingReportingOverflow(byteCount)
        guard !overflow, end <= UInt64(count), position % 8 == 0 else {
            throw invalid(
                name,
                found: "\(byteCount) bytes at \(position)",
                expected: "bytes inside the section's \(count), from a multiple of 8"
            )
        }
        return SegmentBytes(
            base: base + Int(position),
            count: Int(byteCount),
            file: file,
            offset: offset + position
        )
    }

    func requireByteCount(_ expected: UInt64) throws(CorruptionError) {
        guard UInt64(count) == expected else {
            throw invalid("section", found: "\(count) bytes", expected: "\(expected) bytes")
        }
    }

    func invalid(
        _ field: String,
        found: String,
        expected: String,
        at position: Int = 0
    ) -> CorruptionError {
        .invalidField(
            file: file,
            offset: offset + UInt64(position),
            field: field,
            found: found,
            expected: expected
        )
    }

    func reader() -> ByteReader {
        ByteReader(UnsafeRawBufferPointer(start: base, count: count), file: file, base: offset)
    }
}

extension UInt64 {
    /// The product, or the largest number when it does not fit; both exceed any file.
    func saturatingMultiplied(by other: UInt64) -> UInt64 {
        let (product, overflow) = multipliedReportingOverflow(by: other)
        return overflow ? .max : product
    }
}
