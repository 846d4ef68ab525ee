// Reading one log file to its end, and deciding what its end means.
//
// At the first bytes that are not a valid frame, offset o:
// - a successor says that the file was valid beyond o → damage;
// - a later valid frame says that everything up to beyond o had been synced → damage;
// - otherwise the tail was never promised to anybody: it is dropped, and later frames with it, so that
//   what remains is a prefix.

import StorageIO

/// The frames of one log file.
struct LogReader {
    let header: LogHeader
    let fileName: String
    private let frames: LogFrameReader

    /// How the file ends.
    struct End: Equatable {
        var summary: LogFileSummary
        var isSealed: Bool
        /// Bytes after the last whole frame.
        var discardedByteCount: UInt64
    }

    /// Loads a file of at most a few log sizes into memory.
    init(
        fileSystem: any FileSystem, directory: String, storeUUID: [UInt8], sequence: UInt64
    ) throws(LoadError) {
        let name = LogFile.name(sequence: sequence)
        fileName = "wal/" + name
        let path = directory + "/" + name
        guard try loading({ () throws(StorageIOError) in try fileSystem.status(path) }) != nil
        else {
            throw .corruption(
                .missingFile(file: fileName, reason: "the manifest lists this log file"))
        }
        let bytes = try loading { () throws(StorageIOError) in
            let file = try fileSystem.open(path, .read)
            try file.dropCachedPages()
            return try file.readAll()
        }
        do throws(CorruptionError) {
            header = try LogHeader(
                decoding: bytes, file: fileName, storeUUID: storeUUID, sequence: sequence)
        } catch {
            throw .corruption(error)
        }
        frames = LogFrameReader(bytes: bytes, header: header)
    }

    /// Calls `body` for each group of changes and says how the file ends.
    ///
    /// - Parameter successor: The header of the file that follows, if there is one.
    func read(
        successor: LogHeader?, _ body: (LogFrame) throws(LoadError) -> Void
    ) throws(LoadError) -> End {
        var offset = LogHeaderLayout.byteCount
        var summary = LogFileSummary(
            sequence: header.sequence, validByteCount: UInt64(offset),
            lastLSN: header.firstLSN - 1, lastCRC: 0)
        var isSealed = false
        while !isSealed, let frame = frames.frame(at: offset),
            frame.firstLSN == summary.lastLSN + 1
        {
            if frame.type == .batch {
                try body(frame)
                summary.lastLSN += UInt64(frame.operationCount)
            }
            isSealed = frame.type == .seal
            offset += frame.byteCount
            summary.validByteCount = UInt64(offset)
            summary.lastCRC = frame.checksum
        }
        do throws(CorruptionError) {
            try checkEnd(offset: offset, summary: summary, isSealed: isSealed, successor: successor)
        } catch {
            throw .corruption(error)
        }
        return End(
            summary: summary, isSealed: isSealed,
            discardedByteCount: UInt64(max(0, frames.bytes.count - offset)))
    }

    private func checkEnd(
        offset: Int, summary: LogFileSummary, isSealed: Bool, successor: LogHeader?
    ) throws(CorruptionError) {
        func damaged(_ reason: String) -> CorruptionError {
            .logDamaged(file: fileName, offset: UInt64(offset), reason: reason)
        }
        if isSealed, frames.bytes.count > offset {
            throw damaged("\(frames.bytes.count - offset) bytes follow the seal")
        }
        if let expected = successor?.predecessor {
            guard expected.sequence == header.sequence else {
                throw damaged(
                    "the next file follows file \(expected.sequence), not \(header.sequence)")
            }
            guard summary.validByteCount >= expected.validByteCount else {
                throw damaged(
                    "the file is valid up to here, its successor knew of "
                        + "\(expected.validByteCount) bytes")
            }
            guard summary.lastLSN == expected.lastLSN, summary.lastCRC == expected.lastCRC else {
                throw damaged(
                    "the file ends at LSN \(summary.lastLSN), its successor follows "
                        + "\(expected.lastLSN)")
            }
        }
        guard !isSealed else { return }
        for frame in frames.framesAfter(offset) where frame.syncedUpTo > UInt64(offset) {
            throw damaged(
                "the frame here is not valid, but the one at \(frame.offset) was written after "
                    + "\(frame.syncedUpTo) bytes had been synced")
        }
    }

    /// The changes of a frame.
    func operations(of frame: LogFrame) throws(CorruptionError) -> [LogOperation] {
        var result: Result<[LogOperation], CorruptionError> = .success([])
        frame.payload.withUnsafeBytes { payload in
            var reader = ByteReader(
                payload, file: fileName,
                base: frame.offset + UInt64(LogFrameLayout.headerByteCount))
            do throws(CorruptionError) {
                var operations: [LogOperation] = []
                for _ in 0..<frame.operationCount {
                    operations.append(try LogOperation(from: &reader))
                }
                guard reader.remaining == 0 else {
                    throw reader.invalid(
                        "payload", found: "\(reader.remaining) bytes more", expected: "its end")
                }
                result = .success(operations)
            } catch {
                result = .failure(error)
            }
        }
        return try result.get()
    }
}
