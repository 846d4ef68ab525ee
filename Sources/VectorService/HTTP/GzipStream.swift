import CZlib

/// Compresses a text piece by piece into one gzip member (RFC 1952).
///
/// Unchecked: one caller at a time.
final class GzipStream: @unchecked Sendable {
    /// zlib refuses.
    struct Failure: Error {}

    private static let outputByteCount = 64 << 10
    private let stream: UnsafeMutablePointer<z_stream>

    /// Level 1 takes a third of the time of the default and gives answers a tenth larger.
    init() throws(Failure) {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        // 16 above the window's size asks for gzip's frame instead of zlib's.
        let windowBits: Int32 = 15 + 16
        let status = deflateInit2_(
            stream,
            1,
            Z_DEFLATED,
            windowBits,
            8,
            Z_DEFAULT_STRATEGY,
            ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size)
        )
        guard status == Z_OK else { throw Failure() }
    }

    deinit {
        // Of what was never begun it does nothing.
        deflateEnd(stream)
        stream.deallocate()
    }

    /// What can be given of all pieces so far; after the last one, all of it.
    func compress(_ bytes: [UInt8], isLast: Bool) throws(Failure) -> [UInt8] {
        guard let count = UInt32(exactly: bytes.count) else { throw Failure() }
        var packed: [UInt8] = []
        packed.reserveCapacity(min(bytes.count / 2, 1 << 20) + 64)
        let isDone = bytes.withUnsafeBufferPointer { source in
            // zlib only reads what `next_in` points to.
            stream.pointee.next_in = UnsafeMutablePointer(mutating: source.baseAddress)
            stream.pointee.avail_in = count
            return withUnsafeTemporaryAllocation(
                of: UInt8.self,
                capacity: Self.outputByteCount
            ) { output in
                var status = Z_OK
                repeat {
                    stream.pointee.next_out = output.baseAddress
                    stream.pointee.avail_out = UInt32(output.count)
                    status = deflate(stream, isLast ? Z_FINISH : Z_NO_FLUSH)
                    let written = output.count - Int(stream.pointee.avail_out)
                    packed.append(contentsOf: output[..<written])
                } while stream.pointee.avail_out == 0 && status == Z_OK
                // Without room or input there is nothing to do, which is no failure (Z_BUF_ERROR).
                return isLast ? status == Z_STREAM_END : status == Z_OK || status == Z_BUF_ERROR
            }
        }
        guard isDone else { throw Failure() }
        return packed
    }
}
