// The LZ4 frame format (lz4_Frame_format.md, version 1.6) through liblz4: what `lz4 -d` reads.
//
// Frames have blocks of 1 MiB with a checksum each, and one of the whole contents.

import CLZ4

/// Compresses a stream into one frame.
final class LZ4Compressor {
    private var context: OpaquePointer?
    private var preferences = LZ4F_preferences_t()
    private var buffer: [UInt8] = []

    /// Bytes that may be compressed by one call.
    static let chunkByteCount = 1 << 20

    init() {
        precondition(!Self.isError(LZ4F_createCompressionContext(&context, UInt32(LZ4F_VERSION))))
        preferences.frameInfo.blockSizeID = LZ4F_max1MB
        preferences.frameInfo.contentChecksumFlag = LZ4F_contentChecksumEnabled
        preferences.frameInfo.blockChecksumFlag = LZ4F_blockChecksumEnabled
        let bound = LZ4F_compressBound(Self.chunkByteCount, &preferences)
        buffer = [UInt8](repeating: 0, count: max(bound, 64))
    }

    deinit { LZ4F_freeCompressionContext(context) }

    /// The first bytes of the frame.
    func begin() -> [UInt8] {
        taken(LZ4F_compressBegin(context, &buffer, buffer.count, &preferences))
    }

    /// - Parameter bytes: At most `chunkByteCount`.
    func compress(_ bytes: [UInt8]) -> [UInt8] {
        precondition(bytes.count <= Self.chunkByteCount)
        return taken(
            LZ4F_compressUpdate(context, &buffer, buffer.count, bytes, bytes.count, nil)
        )
    }

    /// The last bytes of the frame.
    func end() -> [UInt8] {
        taken(LZ4F_compressEnd(context, &buffer, buffer.count, nil))
    }

    /// The buffer is as large as liblz4 says is needed, so that it cannot fail.
    private func taken(_ count: Int) -> [UInt8] {
        precondition(!Self.isError(count), String(cString: LZ4F_getErrorName(count)))
        return Array(buffer[..<count])
    }

    static func isError(_ code: Int) -> Bool { LZ4F_isError(code) != 0 }
}

/// Reads the contents of one frame.
final class LZ4Decompressor {
    private var context: OpaquePointer?
    /// Whether the frame has come to its end and its checksum was right.
    private(set) var isFinished = false

    init() {
        precondition(
            !LZ4Compressor.isError(LZ4F_createDecompressionContext(&context, UInt32(LZ4F_VERSION)))
        )
    }

    deinit { LZ4F_freeDecompressionContext(context) }

    /// Why a frame cannot be read.
    struct Failure: Error {
        /// Where in the bytes given.
        var offset: Int
        var reason: String
    }

    /// Gives what `bytes` hold to `body`, in pieces of at most a mebibyte.
    func decompress<E: Error>(
        _ bytes: [UInt8],
        failing: (Failure) -> E,
        _ body: (ArraySlice<UInt8>) throws(E) -> Void
    ) throws(E) {
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        var offset = 0
        while true {
            if isFinished {
                guard offset == bytes.count else {
                    throw failing(Failure(offset: offset, reason: "bytes follow the end"))
                }
                return
            }
            var (taken, given) = (bytes.count - offset, buffer.count)
            let code = bytes.withUnsafeBufferPointer { bytes in
                LZ4F_decompress(
                    context,
                    &buffer,
                    &given,
                    bytes.baseAddress.map { $0 + offset },
                    &taken,
                    nil
                )
            }
            guard !LZ4Compressor.isError(code) else {
                let reason = String(cString: LZ4F_getErrorName(code))
                throw failing(Failure(offset: offset, reason: reason))
            }
            offset += taken
            isFinished = code == 0
            if given > 0 { try body(buffer[..<given]) }
            // What was decoded and did not fit comes without further bytes.
            if given == 0, taken == 0 || offset == bytes.count, !isFinished { return }
        }
    }
}
