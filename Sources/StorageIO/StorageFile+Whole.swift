import Glibc

extension StorageFile {
    /// Reads until the buffer is full.
    ///
    /// - Throws: `EIO` when the file ends before.
    package func readExactly(
        into buffer: UnsafeMutableRawBufferPointer,
        at offset: UInt64
    ) throws(StorageIOError) {
        var done = 0
        while done < buffer.count {
            let count = try read(
                into: UnsafeMutableRawBufferPointer(rebasing: buffer[done...]),
                at: offset + UInt64(done)
            )
            guard count > 0 else { throw StorageIOError(operation: .read, path: path, errno: EIO) }
            done += count
        }
    }

    /// Reads up to `count` bytes; fewer only when the file ends.
    package func readBytes(
        count: Int,
        at offset: UInt64
    ) throws(StorageIOError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        var failure: StorageIOError?
        bytes.withUnsafeMutableBytes { buffer in
            do throws(StorageIOError) {
                while done < count {
                    let size = try read(
                        into: UnsafeMutableRawBufferPointer(rebasing: buffer[done...]),
                        at: offset + UInt64(done)
                    )
                    if size == 0 { return }
                    done += size
                }
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        if done < count { bytes.removeLast(count - done) }
        return bytes
    }

    /// Gives the first `byteCount` bytes to `body`, so many at a time.
    ///
    /// - Throws: `EIO` when the file ends before.
    package func forEachPiece(
        of byteCount: UInt64,
        at pieceByteCount: Int,
        _ body: ([UInt8]) throws(StorageIOError) -> Void
    ) throws(StorageIOError) {
        var offset: UInt64 = 0
        while offset < byteCount {
            let count = Int(min(byteCount - offset, UInt64(pieceByteCount)))
            let bytes = try readBytes(count: count, at: offset)
            guard bytes.count == count else {
                throw StorageIOError(operation: .read, path: path, errno: EIO)
            }
            try body(bytes)
            offset += UInt64(count)
        }
    }

    /// The whole file.
    package func readAll() throws(StorageIOError) -> [UInt8] {
        guard let count = Int(exactly: try byteCount()) else {
            throw StorageIOError(operation: .read, path: path, errno: EFBIG)
        }
        return try readBytes(count: count, at: 0)
    }

    /// Writes all bytes, over short writes.
    package func writeAll(
        _ bytes: UnsafeRawBufferPointer,
        at offset: UInt64
    ) throws(StorageIOError) {
        var done = 0
        while done < bytes.count {
            let count = try write(
                UnsafeRawBufferPointer(rebasing: bytes[done...]),
                at: offset + UInt64(done)
            )
            guard count > 0 else { throw StorageIOError(operation: .write, path: path, errno: EIO) }
            done += count
        }
    }

    package func writeAll(_ bytes: [UInt8], at offset: UInt64) throws(StorageIOError) {
        var failure: StorageIOError?
        bytes.withUnsafeBytes { buffer in
            do throws(StorageIOError) {
                try writeAll(buffer, at: offset)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
    }
}
